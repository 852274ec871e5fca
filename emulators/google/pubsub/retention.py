"""How long messages are kept."""

from typing import Any

from emulators.google.rpc import invalid

DEFAULT_S = 7 * 24 * 3600
MINIMUM_S = 10 * 60
MAXIMUM_S = 31 * 24 * 3600


def seconds(resource: Any) -> float:
    """The retention of a Topic or Subscription; 0 when it has none.

    Raises:
        Refused: INVALID_ARGUMENT when it is not between 10 minutes and 31 days.
    """
    if not resource.HasField("message_retention_duration"):
        return 0.0
    duration_s = float(resource.message_retention_duration.ToTimedelta().total_seconds())
    if not MINIMUM_S <= duration_s <= MAXIMUM_S:
        raise invalid(
            f"Invalid message_retention_duration given: {duration_s:g}s. It must be between "
            f"{MINIMUM_S}s and {MAXIMUM_S}s."
        )
    return duration_s
