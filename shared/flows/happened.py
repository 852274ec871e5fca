"""When what a warehouse reports happened: not later than now, whatever its clock says."""

from datetime import timedelta
from typing import TypeVar

from shared.contracts.base import Event
from shared.kit.errors import Rejected
from shared.platform.db import Transaction

Reported = TypeVar("Reported", bound=Event)

# Clocks that are kept in step differ by less; one that does not is wrong, and so is all that it
# says of what came before what.
CLOCKS_DIFFER = timedelta(minutes=5)


class AheadOfNow(Rejected):
    """Something is reported that has not happened yet."""

    code = "ahead_of_now"


def happened(tx: Transaction, event: Reported, field: str) -> Reported:
    """The report with its moment, which is in `field`, at the latest now.

    A moment ahead of now would be newer than all that is reported until then: a count would hide
    every shipment, and no later count would be looked at.

    Raises:
        AheadOfNow: it is further ahead than clocks differ.
    """
    moment = getattr(event, field)
    if moment <= tx.now:
        return event
    if moment - tx.now > CLOCKS_DIFFER:
        minutes = int(CLOCKS_DIFFER.total_seconds() // 60)
        raise AheadOfNow(
            f"{field}: {moment:%Y-%m-%dT%H:%M:%SZ} is more than {minutes} minutes ahead of now,"
            f" {tx.now:%Y-%m-%dT%H:%M:%SZ}; set the clock right, and its zone, and send the report"
            " again",
            field=field,
        )
    return event.model_copy(update={field: tx.now})
