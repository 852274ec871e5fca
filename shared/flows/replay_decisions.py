"""Decisions are made again from what was kept of them: nothing may come out otherwise."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from shared.costing import store as costing
from shared.costing.book import RateBook
from shared.costing.types import NoRateCard
from shared.flows.offers import tariff_of
from shared.flows.steps import Run
from shared.ops import decisions
from shared.ops.decisions import Decision
from shared.placement.engine import decide
from shared.placement.receipt import ENGINE, Receipt, canonical, result, told
from shared.placement.types import Tariff
from shared.platform.db import Transaction

AT_ONCE = 500  # decisions of one transaction


@dataclass(frozen=True, slots=True)
class Difference:
    """A decision that came out otherwise: which part of it, as it was kept and as it is now."""

    order_id: str
    decided_at: datetime
    part: str
    kept: str
    now: str


@dataclass(frozen=True, slots=True)
class Replay:
    """What a replay came to.

    Attributes:
        decisions: made again.
        skipped: of another version of the engine, or with nothing to decide.
        differences: what came out otherwise.
    """

    decisions: int
    skipped: int
    differences: tuple[Difference, ...]


def replay_decisions(run: Run, since: datetime, until: datetime) -> Replay:
    """Make every decision of this time again, and compare."""
    replayed = skipped = 0
    found: list[Difference] = []
    book = run(costing.read_book)
    for decision in _all(run, since, until):
        inputs = decision.receipt["inputs"]
        if inputs.get("engine") != ENGINE:
            skipped += 1
            continue
        replayed += 1
        found += differences(decision, book)
    return Replay(replayed, skipped, tuple(found))


def differences(decision: Decision, book: RateBook) -> list[Difference]:
    """In what a decision comes out otherwise when it is made again; nothing where it does not."""
    inputs, kept = decision.receipt["inputs"], decision.receipt["result"]
    is_residential = bool(inputs.get("home", False))

    def tariff(rate_card_id: str, zone: str, penalty_cents: int) -> Tariff:
        terms = book.named(rate_card_id).terms_in(zone, is_residential=is_residential)
        return tariff_of(terms, penalty_cents)

    hashed = Receipt(canonical(inputs), {}).inputs_hash
    if hashed != decision.inputs_hash:
        return [_difference(decision, "inputs_hash", decision.inputs_hash, hashed)]
    try:
        again = json.loads(json.dumps(result(decide(*told(inputs, tariff)))))
    except (NoRateCard, KeyError) as error:
        return [_difference(decision, "inputs", "as they were", f"cannot be told again: {error}")]
    return [
        _difference(decision, part, kept.get(part), again.get(part))
        for part in sorted(kept.keys() | again.keys())
        if kept.get(part) != again.get(part)
    ]


def _all(run: Run, since: datetime, until: datetime) -> Iterator[Decision]:
    after = (since, "")
    while True:
        some = run(partial(_some, since=since, until=until, after=after))
        yield from some
        if len(some) < AT_ONCE:
            return
        after = (some[-1].decided_at, some[-1].order_id)


def _some(
    tx: Transaction, since: datetime, until: datetime, after: tuple[datetime, str]
) -> Sequence[Decision]:
    return decisions.between(tx, since, until, after, AT_ONCE)


def _difference(decision: Decision, part: str, kept: object, now: object) -> Difference:
    return Difference(
        decision.order_id, decision.decided_at, part, json.dumps(kept), json.dumps(now)
    )
