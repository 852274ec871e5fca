"""Ask a carrier about parcels, and take its answers as if it had sent them by itself.

The network is never touched inside a transaction. Whoever dies in between is followed by the
queue's next attempt, which asks again: what was kept already is not kept twice.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
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

    Who sold the labels is asked, and what comes back goes the way of its webhook's body. Where the
    carrier refuses the question, each half of it is asked by itself, until one parcel is left: that
    one is not known there.

    Raises:
        PolledTooFast: ask again later, and everything in this queue.
        CarrierUnavailable, CarrierPaused: ask again later.
        UnknownVendor, CarrierAccountRefused, BrokenAnswer, Misconfigured: somebody has to look.
    """
    try:
        question = run(lambda tx: _begin(tx, work))
    except _NothingToAsk:
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


class _NothingToAsk(Exception):
    """Undoes the admission with the step: a probe is not spent on nothing."""


def _begin(tx: Transaction, work: PollParcels) -> _Question:
    """What is to be asked of one vendor; what others have sold is asked by itself."""
    admission = carrier_breakers.admit(tx, work.carrier)
    asked = parcel_polls.still_asked(tx, work.parcel_ids, work.asked_at)
    codes = shipments.codes_under_way(tx, work.carrier, asked)
    if not codes:
        raise _NothingToAsk
    account = carrier_accounts.find(tx, work.carrier)
    sellers = labels.vendors_of(tx, codes)
    sold_by = defaultdict[str, dict[str, str]](dict)
    for parcel_id, code in codes.items():
        sold_by[sellers.get(parcel_id, account.vendor)][parcel_id] = code
    (vendor, own), *others = sorted(sold_by.items())
    if others:
        tx.write(outbox.put(tx, *(_about(work, more) for _, more in others)))
    return _Question(vendor, account.name_at(vendor), own, admission)


def _about(work: PollParcels, parcel_ids: Iterable[str]) -> PollParcels:
    return PollParcels(carrier=work.carrier, parcel_ids=tuple(parcel_ids), asked_at=work.asked_at)


def _fail(tx: Transaction, work: PollParcels, question: _Question, error: DispatchError) -> bool:
    """Note what went wrong. Returns whether nothing more is to be done about it here."""
    learnt = carrier_breakers.learn(tx, question.admission, error, question.vendor)
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
        carrier_breakers.learn(tx, admission, None, question.vendor),
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
