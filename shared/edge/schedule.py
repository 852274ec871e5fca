"""Cloud Scheduler: a job in, an outcome out. A job's path says which."""

from collections.abc import Callable, Mapping

from flask import Request, Response

from shared.contracts.base import Cause
from shared.edge import http
from shared.edge.arrival import Arrival, from_outside, take
from shared.edge.services import Services
from shared.kit.errors import DispatchError, Rejected
from shared.kit.ids import new_id
from shared.platform import log

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
    cause = Cause(event_id, event_id)
    arrived = Arrival(request.path, request.path, "server", from_outside(request), cause)
    return take(request, services, arrived, lambda: _ran(request.path, services, job, cause))


def _ran(path: str, services: Services, job: Job, cause: Cause) -> Response:
    try:
        did = job(services, cause)
    except Exception as error:  # Scheduler tries again
        log.failure("job.failed", error, code=http.code_of(error), job=path)
        return http.failed(error)
    log.line("job.done", job=path)
    return http.document(dict(did))
