"""Choose the parcels that their carriers are asked about, and leave the asking to the queues."""

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import groupby

from shared.contracts.work import POLLED_TOGETHER, PollParcels
from shared.flows.audited import PARCEL
from shared.flows.known_carriers import refuse_unknown_carrier
from shared.flows.steps import Run, in_rounds
from shared.kit.errors import Rejected
from shared.ops.silent_parcels import SilentParcel, due_for_poll, under_way
from shared.people import audit_log
from shared.people.audit_log import Subject
from shared.people.types import Person
from shared.platform import outbox
from shared.platform.db import Transaction
from shared.shipments import store as shipments
from shared.shipments.types import NoSuchParcel, ParcelState
from shared.tracking import parcel_polls
from shared.tracking.standstill_rules import USUAL

CHOSEN_AT_ONCE = 1_000
MOST_STEPS = 50  # of one run; those who are left were asked about most recently


class NothingToAsk(Rejected):
    """The parcel is not under way, so its carrier is not asked about it."""

    code = "nothing_to_ask"


def poll_parcels(run: Run) -> int:
    """Housekeeping: have every parcel asked about of which nothing was heard for too long.

    Returns:
        How many parcels were chosen.
    """
    step = partial(_choose, limit=CHOSEN_AT_ONCE)
    return in_rounds(run, step, at_once=CHOSEN_AT_ONCE, most_steps=MOST_STEPS)


def poll_carrier(tx: Transaction, carrier: str) -> int:
    """A person wants to know: have all parcels asked about that the carrier has under way.

    Returns:
        How many there are.

    Raises:
        Malformed: nobody knows this carrier; `field` is its name.
    """
    refuse_unknown_carrier(tx, carrier)
    return _ask(tx, under_way(tx, carrier))


def poll_parcel(tx: Transaction, parcel_id: str, person: Person) -> None:
    """A person wants to know of one parcel: have its carrier asked, whenever it was asked last.

    Raises:
        NoSuchParcel: there is none.
        NothingToAsk: it has no label, or is at its end.
    """
    parcel = shipments.find(tx, parcel_id)
    if parcel is None:
        raise NoSuchParcel(f"there is no parcel {parcel_id}", parcel_id=parcel_id)
    if parcel.state not in {ParcelState.LABELLED, ParcelState.SHIPPED}:
        raise NothingToAsk(
            f"parcel_id: {parcel_id} is {parcel.state}; its carrier has nothing to tell",
            field="parcel_id",
            parcel_id=parcel_id,
        )
    _ask(tx, [SilentParcel(parcel_id, parcel.carrier)])
    asked = audit_log.record(
        tx, person, "ask_carrier", Subject(PARCEL, parcel_id), before={}, after={}
    )
    tx.write(asked)


def _choose(tx: Transaction, limit: int) -> int:
    parcel_polls.one_at_a_time(tx)
    return _ask(tx, due_for_poll(tx, USUAL.poll_hours, limit=limit))


def _ask(tx: Transaction, parcels: Sequence[SilentParcel]) -> int:
    if parcels:
        asked = parcel_polls.ask(tx, [parcel.parcel_id for parcel in parcels])
        tx.write(asked, outbox.put(tx, *_work(tx, parcels)))
    return len(parcels)


def _work(tx: Transaction, parcels: Sequence[SilentParcel]) -> Iterator[PollParcels]:
    def carrier_of(parcel: SilentParcel) -> str:
        return parcel.carrier

    for carrier, group in groupby(sorted(parcels, key=carrier_of), key=carrier_of):
        ids = [parcel.parcel_id for parcel in group]
        for first in range(0, len(ids), POLLED_TOGETHER):
            yield PollParcels(
                carrier=carrier,
                parcel_ids=tuple(ids[first : first + POLLED_TOGETHER]),
                asked_at=tx.now,
            )
