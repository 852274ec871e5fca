"""What every step has in common, whichever way it arrives: its trace, its outcome, its figures."""

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from math import ceil
from typing import NamedTuple

from flask import Request, Response

from shared.contracts.base import Cause
from shared.edge.services import Services
from shared.platform import metrics, trace
from shared.platform.trace import Context, Kind

# What a second of an instance and a request cost at most, when nobody shares the instance: one
# vCPU and half a GiB, billed by request: $0.000024 a vCPU-second, $0.0000025 a GiB-second, $0.40 a
# million requests. Billionths of a dollar, list prices of a Tier 1 region, 2026-11.
# Source: https://cloud.google.com/run/pricing
SECOND_NANO_USD = 24_000 + 2_500 // 2
REQUEST_NANO_USD = 400
NANO = 1_000_000_000

SHOWN_ATTEMPTS = 4  # by number; what comes after is counted together, as this one

_OUTCOMES = {409: "not_yet", 503: "not_yet"}


class Arrival(NamedTuple):
    """Something that arrived, and is to be answered.

    Attributes:
        what: the type of the event or the work, the path of the job, the name of the operation.
        source: the subscription, the queue or the function that it came by.
        kind: consumer of a message, or server of a request.
        parent: the place in a trace that it continues; None where a trace begins.
        cause: None as long as nothing is known that it could answer.
        told_at: when it was announced; None where nobody says so.
        attempt: from 1.
    """

    what: str
    source: str
    kind: Kind
    parent: Context | None
    cause: Cause | None = None
    told_at: datetime | None = None
    attempt: int = 1


def take(
    request: Request, services: Services, arrival: Arrival, act: Callable[[], Response]
) -> Response:
    """Let `act` answer what arrived, as one step of its trace."""
    function = _function(request)
    shared = {"function": function}
    if arrival.cause is not None:
        shared["correlation_id"] = arrival.cause.correlation_id
    step = trace.Step(f"{function} {arrival.what}".strip(), arrival.kind, arrival.parent, **shared)
    step.note(source=arrival.source, attempt=arrival.attempt)
    if arrival.cause is not None:
        step.note(event_id=arrival.cause.event_id)
    began_s = time.monotonic()
    with step:
        if arrival.told_at is not None:
            age_s = max(0.0, (services.database.now() - arrival.told_at).total_seconds())
            step.note(age_s=round(age_s, 3))
            metrics.measure("dispatch.event.age", age_s, source=arrival.source)
        response = act()
        outcome = _outcome(response.status_code)
        step.note(status=response.status_code, outcome=outcome)
        duration_s = time.monotonic() - began_s
        metrics.measure("dispatch.step.duration", duration_s, function=function)
        nano_usd = REQUEST_NANO_USD + ceil(duration_s * SECOND_NANO_USD)
        metrics.measure("dispatch.software.cost", nano_usd / NANO, function=function)
        metrics.measure(
            "dispatch.attempts",
            1,
            function=function,
            source=arrival.source,
            outcome=outcome,
            attempt=min(arrival.attempt, SHOWN_ATTEMPTS),
        )
    # Whoever is sent elsewhere may be a stranger, who is sent to sign in.
    _meter(services, function, nano_usd, done=response.status_code < 300)
    return response


def kept_busy(services: Services, function: str, duration_s: float) -> None:
    """An instance was kept for so long by answers that go on, however many: that is one step."""
    function = os.environ.get("K_SERVICE") or function
    nano_usd = ceil(duration_s * SECOND_NANO_USD)
    metrics.measure("dispatch.software.cost", nano_usd / NANO, function=function)
    _meter(services, function, nano_usd, done=True)


def _meter(services: Services, function: str, nano_usd: int, *, done: bool) -> None:
    """Add to what the day cost. Strangers, and steps that met no database, wait for none here."""
    day = services.database.now().astimezone(UTC).date()
    services.software_costs.add(day, function, nano_usd)
    if done:
        services.software_costs.keep_if_due(services.database)


def parked(source: str, code: str) -> None:
    """The step ends with a letter."""
    trace.tell(parked=code)
    metrics.measure("dispatch.parked", 1, source=source, code=code)


def from_outside(request: Request) -> Context | None:
    """The trace that a stranger's request names: continued, but recorded only if we choose to."""
    found = trace.parse(request.headers.get(trace.HEADER))
    return Context(found.trace_id, found.span_id, sampled=False) if found is not None else None


def _function(request: Request) -> str:
    """Cloud Run says it; where one process serves several, the path does."""
    return os.environ.get("K_SERVICE") or request.script_root.strip("/")


def _outcome(status: int) -> str:
    if "parked" in trace.shared_facts():
        return "parked"
    if status < 400:
        return "done"
    return _OUTCOMES.get(status, "failed" if status >= 500 else "rejected")
