"""Updates by field mask: what may change does, and nothing else."""

from collections.abc import Set as AbstractSet
from typing import Any

from emulators.google.rpc import invalid


def changed(current: Any, wanted: Any, mask: Any, mutable: AbstractSet[str]) -> Any:
    """A copy of `current` with the fields that `mask` names taken from `wanted`.

    Args:
        current: a protobuf resource.
        wanted: one of the same type.
        mask: a FieldMask; a path may name a field inside a field that may change.
        mutable: the top-level fields that may change.

    Raises:
        Refused: INVALID_ARGUMENT for an empty mask, and for a field that is unknown or fixed.
    """
    kind = current.DESCRIPTOR.name
    where = f"update_mask provided in the Update{kind}Request"
    if not mask.paths:
        raise invalid(f"The update_mask in the Update{kind}Request must be set.")
    for path in mask.paths:
        if not type(mask)(paths=[path]).IsValidForDescriptor(current.DESCRIPTOR):
            raise invalid(f"Invalid {where}: '{path}' is not a known {kind} field.")
        if path.split(".", 1)[0] not in mutable:
            raise invalid(f"Invalid {where}: the '{path}' field in the {kind} is not mutable.")
    result = type(current)()
    result.CopyFrom(current)
    mask.MergeMessage(wanted, result, replace_message_field=True, replace_repeated_field=True)
    return result
