"""The REST interface: /v1/projects/{project}/locations/{location}/jobs and its verbs."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from emulators.disk import Broken
from emulators.google.scheduler import jobs
from emulators.google.scheduler.entry import Entry
from emulators.google.scheduler.runner import Runner

JOBS = "/v1/{parent:projects/[^/]+/locations/[^/]+}/jobs"
JOB = JOBS + "/{job:[^/:]+}"

LARGEST_PAGE = 500
OUTPUT_ONLY = ("state", "userUpdateTime", "scheduleTime", "lastAttemptTime", "status")

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
        raw = _without_output(await _json(request))
        if raw.get("name") in self._runner.entries:
            raise _refused(web.HTTPConflict, "ALREADY_EXISTS", "The job already exists.")
        if not str(raw.get("name", "")).startswith(f"{request.match_info['parent']}/jobs/"):
            raise _refused(web.HTTPBadRequest, "INVALID_ARGUMENT", "The job is of another parent.")
        return await self._saved(self._runner.put(_read(raw), raw))

    async def list(self, request: web.Request) -> web.Response:
        """A page of jobs by name; a token is the name of the last job shown."""
        prefix = f"{request.match_info['parent']}/jobs/"
        size, token = request.query.get("pageSize", "0"), request.query.get("pageToken", "")
        if not size.isdecimal():
            raise _refused(web.HTTPBadRequest, "INVALID_ARGUMENT", "pageSize must be a number.")
        entries = sorted(self._runner.entries.items())
        found = [entry for name, entry in entries if name.startswith(prefix) and name > token]
        shown = found[: min(int(size) or LARGEST_PAGE, LARGEST_PAGE)]
        page: dict[str, Any] = {"jobs": [entry.shown() for entry in shown]}
        if len(shown) < len(found):
            page["nextPageToken"] = shown[-1].job.name
        return web.json_response(page)

    async def get(self, request: web.Request) -> web.Response:
        return web.json_response(self._entry(request).shown())

    async def patch(self, request: web.Request) -> web.Response:
        """Replace the fields that `updateMask` names, or those that the body has."""
        entry = self._entry(request)
        change = _without_output(await _json(request))
        mask = request.query.get("updateMask", "")
        fields = mask.split(",") if mask else list(change)
        raw = {key: value for key, value in entry.raw.items() if key not in fields}
        raw |= {key: change[key] for key in fields if key in change}
        raw["name"] = entry.job.name
        return await self._saved(self._runner.put(_read(raw), raw))

    async def delete(self, request: web.Request) -> web.Response:
        self._runner.delete(self._entry(request).job.name)
        await self._save()
        return web.json_response({})

    async def run(self, request: web.Request) -> web.Response:
        entry = self._entry(request)
        self._runner.run(entry)
        return web.json_response(entry.shown())

    async def pause(self, request: web.Request) -> web.Response:
        entry = self._entry(request)
        _require(entry, paused=False)
        self._runner.pause(entry)
        return await self._saved(entry)

    async def resume(self, request: web.Request) -> web.Response:
        entry = self._entry(request)
        _require(entry, paused=True)
        self._runner.resume(entry)
        return await self._saved(entry)

    async def _saved(self, entry: Entry) -> web.Response:
        await self._save()
        return web.json_response(entry.shown())

    async def _save(self) -> None:
        try:
            await self._runner.saved()
        except Broken as broken:
            raise _refused(web.HTTPServiceUnavailable, "UNAVAILABLE", str(broken)) from None

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


def _without_output(raw: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in raw.items() if key not in OUTPUT_ONLY}


def _require(entry: Entry, *, paused: bool) -> None:
    if entry.paused != paused:
        state = "PAUSED" if paused else "ENABLED"
        text = f"The job must be in state {state} for this."
        raise _refused(web.HTTPBadRequest, "FAILED_PRECONDITION", text)
