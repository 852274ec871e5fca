"""Cloud Tasks: a piece of work in, an outcome out.

Cloud Tasks has no dead-letter queue, so the last attempt parks the work itself and compensates.
How many may fail is said by the queue, in a header of its own. Work that was sent again has a new
name, and its event id in `ce-id`. A 429 or 503 slows the whole queue down, so "not yet" is a 409:
the work is fine, the moment is not. Only "too fast" is a 429, because the queue is.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

from flask import Request, Response

from shared.contracts.base import Cause, UnknownType, Work, cause_of, moment_of
from shared.edge import arrival, http
from shared.edge.arrival import Arrival, take
from shared.edge.attempts import forget_failures, note_failure
from shared.edge.services import Services
from shared.kit.errors import DispatchError, Fault, NotYet, Rejected, TooFast
from shared.platform import log, trace
from shared.platform.dead_letters import DeadLetter
from shared.platform.failed_attempts import failed

MAX_ATTEMPTS = "X-Dispatch-Max-Attempts"

# From here on an attempt counts before it is made: whoever is killed in its midst, say by its time
# limit, cannot count it afterwards. Far enough for an outage of an hour and a half.
UNANSWERED = 100

Flow = Callable[[Any, Cause], object]


class NeverAnswered(Rejected):
    """Attempt after attempt ended without an answer."""

    code = "never_answered"


def perform(request: Request, services: Services, flows: Mapping[type[Work], Flow]) -> Response:
    """Do one piece of work: one flow. It is safe to repeat, because tasks arrive at least once."""
    try:
        services.verifier.verify(request.headers.get("Authorization"))
    except DispatchError as error:
        log.line("task.refused", "WARNING", code=error.code)
        return http.problem(error)
    name = request.headers.get("X-CloudTasks-TaskName", "")
    told = {key: request.headers.get(key, "") for key in ("ce-id", "ce-correlationid", "ce-time")}
    cause = cause_of(told, name)
    # Where there is one kind of work only, it need not say so.
    kind = request.headers.get("ce-type", "") or "".join(c.type for c in flows if len(flows) == 1)
    arrived = Arrival(
        what=kind[:100],
        source=request.headers.get("X-CloudTasks-QueueName", ""),
        kind="consumer",
        parent=trace.parse(request.headers.get(trace.HEADER)),
        cause=cause,
        told_at=moment_of(told),
        attempt=attempt(request),
    )
    return take(
        request, services, arrived, lambda: _performed(request, services, flows, kind, cause)
    )


def _performed(
    request: Request,
    services: Services,
    flows: Mapping[type[Work], Flow],
    kind: str,
    cause: Cause,
) -> Response:
    name = request.headers.get("X-CloudTasks-TaskName", "")
    queue = request.headers.get("X-CloudTasks-QueueName", "")
    number = attempt(request)
    most = _number(request.headers.get(MAX_ATTEMPTS)) or math.inf
    body = request.get_data()
    with log.bound(queue=queue, task=name, attempt=number):
        work: Work | None = None
        try:
            contract = _contract(flows, kind)
            work = contract.decode(body)
            if number > UNANSWERED:
                unanswered = note_failure(services, queue, cause.event_id, Fault("no answer"))
                _refuse_deadly(unanswered, most)
            with trace.span("flow"):
                flows[contract](work, cause)
        except Exception as error:
            if not isinstance(error, Rejected):
                failures = note_failure(services, queue, cause.event_id, error)
                if failures < most:
                    return _again(error)
            why = failed(error)
            letter = DeadLetter(
                source=queue,
                message_id=cause.event_id,
                code=why.code,
                reason=why.reason,
                facts=why.facts,
                failure=why.failure,
                attributes={"ce-type": kind, **_place_in_trace(request)},
                payload=body,
                attempts=number,
            )
            return _give_up(services, letter, work, cause)
        forget_failures(services, queue, cause.event_id, number)
        return http.done()


def attempt(request: Request) -> int:
    """Which attempt at its task this is, from 1."""
    return _number(request.headers.get("X-CloudTasks-TaskRetryCount")) + 1


def _refuse_deadly(unanswered: int, most: float) -> None:
    if unanswered > most:
        raise NeverAnswered(f"{unanswered - 1} attempts in a row have ended without an answer")


def _contract(flows: Mapping[type[Work], Flow], kind: str) -> type[Work]:
    for contract in flows:
        if contract.type == kind:
            return contract
    raise UnknownType(f"ce-type: {kind[:100]!r} is not done here", field="ce-type")


def _again(error: Exception) -> Response:
    if isinstance(error, NotYet):
        log.line("task.not_yet", code=error.code)
        return http.problem(error, status=429 if isinstance(error, TooFast) else 409)
    log.failure("task.failed", error, code=http.code_of(error))
    return http.failed(error)


def _give_up(services: Services, letter: DeadLetter, work: Work | None, cause: Cause) -> Response:
    try:
        from shared.flows.give_up import give_up  # noqa: PLC0415  20 ms; with what is given up

        services.run(lambda tx: give_up(tx, letter, work), cause)
    except Exception as error:  # whatever is wrong with the compensation, the work is kept
        log.failure("task.not_compensated", error, code=http.code_of(error))
        return _park(services, letter, cause)
    arrival.parked(letter.source, letter.code)
    log.line("task.parked", "ERROR", code=letter.code)
    return http.done()


def _park(services: Services, letter: DeadLetter, cause: Cause) -> Response:
    try:
        services.park(letter, cause)
    except Exception as error:  # it must not be lost: ask for it again
        log.failure("task.not_parked", error, code=http.code_of(error))
        return http.failed(error)
    arrival.parked(letter.source, letter.code)
    log.line("task.parked", "ERROR", code=letter.code)
    return http.done()


def _place_in_trace(request: Request) -> dict[str, str]:
    """What makes a work that is sent again continue its trace."""
    at = trace.parse(request.headers.get(trace.HEADER))
    return {trace.HEADER: at.header} if at is not None else {}


def _number(header: str | None) -> int:
    return int(header) if header is not None and header.isdecimal() else 0
