"""When what a warehouse reports happened: not later than now, and not by a clock that was reset."""

from datetime import timedelta
from typing import TypeVar

from shared.contracts.base import Event
from shared.kit.errors import Rejected
from shared.platform.db import Transaction

Reported = TypeVar("Reported", bound=Event)

# Clocks that are kept in step differ by less; one that does not is wrong, and so is all that it
# says of what came before what.
CLOCKS_DIFFER = timedelta(minutes=5)
# A clock that has lost its battery begins anew, decades ago. Nobody reports so late what happened.
LONGEST_AGO = timedelta(days=60)


class AheadOfNow(Rejected):
    """Something is reported that has not happened yet."""

    code = "ahead_of_now"


class LongAgo(Rejected):
    """Something is reported of so long ago that its clock must be wrong."""

    code = "long_ago"


def happened(
    tx: Transaction, event: Reported, field: str, *, longest_ago: timedelta = LONGEST_AGO
) -> Reported:
    """The report with its moment, which is in `field`, at the latest now.

    A moment ahead of now would be newer than all that is reported until then: a count would hide
    every shipment, and no later count would be looked at. One of long ago is as wrong: all that has
    come since would be added to a count once more, and a count would hide a receipt.

    Raises:
        AheadOfNow: it is further ahead than clocks differ.
        LongAgo: it is longer ago than anything is reported late.
    """
    moment = getattr(event, field)
    if tx.now - moment > longest_ago:
        raise LongAgo(
            f"{field}: {moment:%Y-%m-%dT%H:%M:%SZ} is more than {longest_ago.days} days before now,"
            f" {tx.now:%Y-%m-%dT%H:%M:%SZ}; set the clock right, and send the report again with the"
            " time at which it happened",
            field=field,
        )
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
