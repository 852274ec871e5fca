"""Tell once a minute how much waits, for how long, and who is not called: gauges, and one line.

How promises stand is kept as well, so that the overview can show how it came to this.
"""

from collections.abc import Mapping, Sequence
from itertools import product

from shared.carriers.carrier_breakers import all_states
from shared.kit.breaker import BreakerState
from shared.ops.measures import DECIDERS, OUTCOMES, PROMISES, Measure, measures
from shared.orders import promise_samples
from shared.orders.promise_samples import PromiseSample
from shared.orders.types import OrderState, Priority
from shared.placement.store import ENGINE_DECIDED
from shared.platform import log, metrics
from shared.platform.db import Transaction

COUNTED = (
    OrderState.BACKORDERED,
    OrderState.PARTLY_PLACED,
    OrderState.REVIEW,
    OrderState.PLACED,
    OrderState.SHIPPED,
)
_BREAKER = {BreakerState.CLOSED: 0, BreakerState.HALF_OPEN: 1, BreakerState.OPEN: 2}


def measure(tx: Transaction) -> Mapping[str, int | float]:
    """Tell the figures of this moment, and return them."""
    found = measures(tx, ENGINE_DECIDED)
    breakers = all_states(tx)
    _tell(found)
    tx.write(promise_samples.keep(tx, _promises(found)))
    for carrier, state in breakers.items():
        metrics.measure("dispatch.breaker", _BREAKER[state], carrier=carrier)
        if state is not BreakerState.CLOSED:  # also while nobody asks for it
            log.line("carrier.not_called", "WARNING", carrier=carrier)
    said = _as_facts(found)
    said |= {f"breaker_{carrier}": _BREAKER[state] for carrier, state in breakers.items()}
    log.line("measured", "INFO", **said)
    return said


def _tell(found: Sequence[Measure]) -> None:
    """What is not there is none of it: without a zero the last value would stay."""
    outbox = next(one for one in found if one.what == "outbox")
    metrics.measure("dispatch.outbox.depth", outbox.number)
    metrics.measure("dispatch.outbox.age", outbox.oldest_s or 0.0)
    by_name = {(one.what, one.name): one for one in found if not one.detail}
    waiting = [by_name.get(("waiting", priority)) for priority in Priority]
    metrics.measure(
        "dispatch.orders", sum(one.number for one in waiting if one), state=OrderState.WAITING
    )
    for priority, one in zip(Priority, waiting, strict=True):
        number, oldest_s = (one.number, one.oldest_s) if one else (0, None)
        metrics.measure("dispatch.orders.waiting", number, priority=priority)
        metrics.measure("dispatch.orders.waiting.age", oldest_s or 0.0, priority=priority)
    metrics.measure("dispatch.orders.accepted", _number(by_name["accepted", ""]))
    for state in COUNTED:
        metrics.measure("dispatch.orders", _number(by_name.get(("orders", state))), state=state)
    for promise in PROMISES:
        found_so = by_name.get(("promises", promise))
        metrics.measure("dispatch.promises", _number(found_so), promise=promise)
    letters = sum(one.number for one in found if one.what == "letters")
    metrics.measure("dispatch.letters", letters)
    decided = {(one.name, one.detail): one for one in found if one.what == "decisions"}
    for who, outcome in product(DECIDERS, OUTCOMES):
        metrics.measure(
            "dispatch.decisions",
            _number(decided.get((who, outcome))),
            decided_by=who,
            outcome=outcome,
        )


def _promises(found: Sequence[Measure]) -> PromiseSample:
    at_risk, broken = (
        sum(one.number for one in found if (one.what, one.name) == ("promises", promise))
        for promise in PROMISES
    )
    unshipped = sum(
        one.number
        for one in found
        if one.what == "waiting" or (one.what == "orders" and one.name != OrderState.SHIPPED)
    )
    return PromiseSample(unshipped, at_risk, broken)


def _number(one: Measure | None) -> int:
    return one.number if one is not None else 0


def _as_facts(found: Sequence[Measure]) -> dict[str, int | float]:
    facts: dict[str, int | float] = {}
    for one in found:
        name = "_".join(filter(None, (one.what, one.name, one.detail)))
        facts[name] = one.number
        if one.oldest_s is not None:
            facts[f"{name}_oldest_s"] = round(one.oldest_s, 1)
    return facts
