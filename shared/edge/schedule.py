"""Cloud Scheduler: a job in, an outcome out. A job's path says which."""

from collections.abc import Callable, Mapping
from typing import Any

from flask import Request, Response

from shared.contracts.base import Cause
from shared.edge import http
from shared.edge.services import Services
from shared.flows.steps import Run
from shared.kit.errors import DispatchError, Rejected
from shared.kit.ids import new_id
from shared.platform import log
from shared.platform.db import Transaction

Job = Callable[[Services, Cause], Mapping[str, object]]


class UnknownJob(Rejected):
    """No job has this path."""

    code = "unknown_job"


def run_job(request: Request, services: Services, jobs: Mapping[str, Job]) -> Response:
    """Run the job of this path and answer with what it did."""
    try:
        services.verifier.verify(request.headers.get("Authorization"))
    except DispatchError as error:
        log.line("job.refused", "WARNING", code=error.code)
        return http.problem(error)
    job = jobs.get(request.path)
    if job is None:
        return http.problem(UnknownJob("no job has this path"), status=404)
    event_id = new_id("job")
    try:
        did = job(services, Cause(event_id, event_id))
    except Exception as error:  # Scheduler tries again
        log.failure("job.failed", error, code=http.code_of(error), job=request.path)
        return http.failed(error)
    log.line("job.done", job=request.path)
    return http.document(dict(did))


def counts(what: str, step: Callable[[Transaction], int]) -> Job:
    """A job of one transaction that counts what it did."""
    return lambda services, cause: {what: services.run(step, cause)}


def counts_in_steps(what: str, flow: Callable[[Run], int]) -> Job:
    """A job of several transactions that counts what it did."""
    return lambda services, cause: {what: flow(services.runner(cause))}


def reports(flow: Callable[[Run], Mapping[str, Any]]) -> Job:
    """A job of several transactions that says what it did."""
    return lambda services, cause: flow(services.runner(cause))
