"""Messages of others, made readable; and what is about persons left out of them. Pure."""

import json
from typing import Any

LEFT_OUT = "•••"
# Of whatever travels here: destinations, carriers' trackers, customers. A name that is not of a
# person is left out as well: who may not read persons' data must not have to trust a guess.
_PERSONAL = frozenset(
    {
        "address",
        "city",
        "company",
        "customer",
        "destination",
        "email",
        "from_address",
        "lat",
        "latitude",
        "lon",
        "longitude",
        "name",
        "phone",
        "postcode",
        "recipient",
        "signed_by",
        "state_province",
        "street",
        "street1",
        "street2",
        "to_address",
        "tracking_location",
        "zip",
    }
)


def readable(payload: bytes, *, whole: bool) -> str:
    """JSON in lines, other text as it is, bytes that are no text escaped.

    Unless it is to be `whole`, what is about persons is left out; of what is not JSON that is all.
    """
    try:
        body = json.loads(payload)
    except (ValueError, RecursionError):
        return payload.decode(errors="backslashreplace") if whole else LEFT_OUT
    try:
        return json.dumps(body if whole else _without(body), indent=2, ensure_ascii=False)
    except RecursionError:
        return LEFT_OUT


def _without(value: Any) -> Any:
    if isinstance(value, list):
        return [_without(part) for part in value]
    if isinstance(value, dict):
        return {
            name: LEFT_OUT if name.lower() in _PERSONAL else _without(part)
            for name, part in value.items()
        }
    return value
