"""Ask a carrier about parcels, and take its answers as if it had sent them by itself.

The network is never touched inside a transaction. Whoever dies in between is followed by the
queue's next attempt, which asks again: what was kept already is not kept twice.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from shared.carriers import carrier_accounts, carrier_breakers
from shared.carriers import store as labels
from shared.carriers.carrier_breakers import Admission
from shared.carriers.types import Carrier, CarrierUnavailable, RefusedByCarrier
from shared.contracts.work import PollParcels
from shared.flows.receive_carrier_update import receive_carrier_updates
from shared.flows.steps import Run
from shared.kit.errors import DispatchError, TooFast
from shared.platform import live_changes, log, outbox
from shared.platform.db import Transaction
from shared.shipments import store as shipments
from shared.tracking import parcel_polls


class PolledTooFast(TooFast):
    """The carrier wants to be asked more slowly."""

    code = "polled_too_fast"


@dataclass(frozen=True, slots=True)
class _Question:
    """What to ask, whom, and by whose leave: `codes` are by parcel id, `carrier` is there so."""

    vendor: str
    carrier: str
    codes: Mapping[str, str]
    admission: Admission


def ask_carrier(run: Run, work: PollParcels, vendors: Mapping[str, Carrier]) -> None:
    """Ask for the parcels that are still under way and that nobody has asked about since.

    Who sold the labels is asked, and what comes back goes the way of its webhook's body. What is
    too much for one question is parted, and each part is work of its own. Where the carrier refuses
    the question, each half of it is asked by itself, until one parcel is left: that one is not
    known there.

    Raises:
        PolledTooFast: ask again later, and everything in this queue.
        CarrierUnavailable, CarrierPaused: ask again later.
        UnknownVendor, CarrierAccountRefused, BrokenAnswer, Misconfigured: somebody has to look.
    """
    question = run(lambda tx: _begin(tx, work, vendors))
    if question is None:
        return
    try:
        found = vendors[question.vendor].track(question.carrier, question.codes.values())
    except DispatchError as error:
        why = error
        if run(lambda tx: _fail(tx, work, question, why)):
            return
        if isinstance(error, CarrierUnavailable) and error.retry_after_s is not None:
            raise PolledTooFast(str(error), retry_after_s=error.retry_after_s) from error
        raise
    run(lambda tx: _record(tx, question, found))


def _begin(tx: Transaction, work: PollParcels, vendors: Mapping[str, Carrier]) -> _Question | None:
    """What is to be asked of one vendor; None: nothing is, or it is parted.

    Nothing is asked together with the parting. Work that is sent again, because its vendor does
    not answer, would part again, and all others would be asked once more.
    """
    asked = parcel_polls.still_asked(tx, work.parcel_ids, work.asked_at)
    codes = shipments.codes_under_way(tx, work.carrier, asked)
    if not codes:
        return None
    account = carrier_accounts.find(tx, work.carrier)
    sellers = labels.vendors_of(tx, codes)
    sold_by = defaultdict[str, list[str]](list)
    for parcel_id in codes:
        sold_by[sellers.get(parcel_id, account.vendor)].append(parcel_id)
    vendor, own = min(sold_by.items())
    parts = [*sold_by.values()] if len(sold_by) > 1 else _parts(own, vendors[vendor].asked_together)
    if len(parts) > 1:
        tx.write(outbox.put(tx, *(_about(work, part) for part in parts)))
        return None
    admission = carrier_breakers.admit(tx, work.carrier, vendor)  # a probe is not spent on nothing
    return _Question(vendor, account.name_at(vendor), codes, admission)


def _parts(parcel_ids: Sequence[str], most: int) -> list[Sequence[str]]:
    return [parcel_ids[first : first + most] for first in range(0, len(parcel_ids), most)]


def _about(work: PollParcels, parcel_ids: Iterable[str]) -> PollParcels:
    return PollParcels(carrier=work.carrier, parcel_ids=tuple(parcel_ids), asked_at=work.asked_at)


def _fail(tx: Transaction, work: PollParcels, question: _Question, error: DispatchError) -> bool:
    """Note what went wrong. Returns whether nothing more is to be done about it here."""
    learnt = carrier_breakers.learn(tx, question.admission, error)
    if not isinstance(error, RefusedByCarrier):
        tx.write(learnt, live_changes.note(tx, f"carrier:{work.carrier}"))
        return False
    parcel_ids = list(question.codes)
    if len(parcel_ids) == 1:
        log.line("poll.refused", "WARNING", carrier=work.carrier, parcel_id=parcel_ids[0])
        tx.write(learnt, parcel_polls.answered(tx, {parcel_ids[0]: False}))
        return True
    half = len(parcel_ids) // 2
    halves = (parcel_ids[:half], parcel_ids[half:])
    tx.write(learnt, outbox.put(tx, *(_about(work, part) for part in halves)))
    return True


def _record(tx: Transaction, question: _Question, found: Mapping[str, bytes]) -> None:
    codes, admission = question.codes, question.admission
    known = {parcel_id: code in found for parcel_id, code in codes.items()}
    tx.write(
        carrier_breakers.learn(tx, admission, None),
        parcel_polls.answered(tx, known),
        live_changes.note(tx, *(f"parcel:{parcel_id}" for parcel_id in known)),
    )
    news = receive_carrier_updates(
        tx, question.vendor, {code: found[code] for code in codes.values() if code in found}
    )
    unknown = sum(not is_known for is_known in known.values())
    log.line(
        "poll.answered", carrier=admission.carrier, asked=len(known), unknown=unknown, news=news
    )
