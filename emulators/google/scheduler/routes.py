"""The REST interface: /v1/projects/{project}/locations/{location}/jobs and its verbs."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from emulators.google.scheduler import jobs
from emulators.google.scheduler.runner import Entry, Runner

JOBS = "/v1/{parent:projects/[^/]+/locations/[^/]+}/jobs"
JOB = JOBS + "/{job:[^/:]+}"

Answer = Callable[[web.Request], Awaitable[web.Response]]


def routes(runner: Runner) -> list[web.RouteDef]:
    scheduler = Scheduler(runner)
    return [
        web.post(JOBS, scheduler.create),
        web.get(JOBS, scheduler.list),
        web.get(JOB, scheduler.get),
        web.patch(JOB, scheduler.patch),
        web.delete(JOB, scheduler.delete),
        web.post(JOB + ":run", scheduler.run),
        web.post(JOB + ":pause", scheduler.pause),
        web.post(JOB + ":resume", scheduler.resume),
    ]


class Scheduler:
    """One method a verb; refusals are HTTP errors with Google's JSON body."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    async def create(self, request: web.Request) -> web.Response:
        raw = await _json(request)
        if raw.get("name") in self._runner.entries:
            raise _refused(web.HTTPConflict, "ALREADY_EXISTS", "The job already exists.")
        if not str(raw.get("name", "")).startswith(f"{request.match_info['parent']}/jobs/"):
            raise _refused(web.HTTPBadRequest, "INVALID_ARGUMENT", "The job is of another parent.")
        return _shown(self._runner.put(_read(raw), raw))

    async def list(self, request: web.Request) -> web.Response:
        prefix = f"{request.match_info['parent']}/jobs/"
        entries = sorted(self._runner.entries.items())
        found = [_resource(entry) for name, entry in entries if name.startswith(prefix)]
        return web.json_response({"jobs": found})

    async def get(self, request: web.Request) -> web.Response:
        return _shown(self._entry(request))

    async def patch(self, request: web.Request) -> web.Response:
        """Replace the fields that `updateMask` names, or those that the body has."""
        entry = self._entry(request)
        change = await _json(request)
        mask = request.query.get("updateMask", "")
        fields = mask.split(",") if mask else list(change)
        raw = {key: value for key, value in entry.raw.items() if key not in fields}
        raw |= {key: change[key] for key in fields if key in change}
        raw["name"] = entry.job.name
        return _shown(self._runner.put(_read(raw), raw))

    async def delete(self, request: web.Request) -> web.Response:
        self._runner.delete(self._entry(request).job.name)
        return web.json_response({})

    async def run(self, request: web.Request) -> web.Response:
        entry = self._entry(request)
        self._runner.run(entry)
        return _shown(entry)

    async def pause(self, request: web.Request) -> web.Response:
        entry = self._entry(request)
        self._runner.pause(entry)
        return _shown(entry)

    async def resume(self, request: web.Request) -> web.Response:
        entry = self._entry(request)
        self._runner.resume(entry)
        return _shown(entry)

    def _entry(self, request: web.Request) -> Entry:
        name = f"{request.match_info['parent']}/jobs/{request.match_info['job']}"
        try:
            return self._runner.entries[name]
        except KeyError:
            raise _refused(web.HTTPNotFound, "NOT_FOUND", "Job not found.") from None


async def _json(request: web.Request) -> dict[str, Any]:
    try:
        raw = await request.json()
    except ValueError:
        raw = None
    if not isinstance(raw, dict):
        raise _refused(web.HTTPBadRequest, "INVALID_ARGUMENT", "The body is not a JSON object.")
    return raw


def _read(raw: dict[str, Any]) -> jobs.Job:
    try:
        return jobs.read(raw)
    except jobs.BadJob as error:
        raise _refused(web.HTTPBadRequest, "INVALID_ARGUMENT", str(error)) from None


def _refused(kind: type[web.HTTPException], status: str, message: str) -> web.HTTPException:
    error = {"code": kind.status_code, "message": message, "status": status}
    return kind(text=json.dumps({"error": error}), content_type="application/json")


def _resource(entry: Entry) -> dict[str, Any]:
    resource = {**entry.raw, "state": "PAUSED" if entry.paused else "ENABLED"}
    if entry.next_run is not None:
        resource["scheduleTime"] = entry.next_run.isoformat().replace("+00:00", "Z")
    if entry.last_attempt is not None:
        resource["lastAttemptTime"] = entry.last_attempt.isoformat().replace("+00:00", "Z")
        resource["status"] = {"code": entry.last_code} if entry.last_code else {}
    return resource


def _shown(entry: Entry) -> web.Response:
    return web.json_response(_resource(entry))
