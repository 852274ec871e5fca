"""The switchboard: faults ordered, shown and taken back over HTTP under /control/faults."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aiohttp import web

from emulators.google.faults import KINDS, Fault, Faults

SERVICES = ("pubsub", "tasks", "scheduler")
DEFAULT_STATUS = 503
DEFAULT_DELAY_S = {"delay": 1.0, "reorder": 5.0}
PATH = "/control/faults"

Targets = Callable[[], Mapping[str, Sequence[str]]]


class BadOrder(ValueError):
    """What was asked for is not possible; the message says what is."""


def routes(faults: Faults, targets: Targets) -> list[web.RouteDef]:
    """`targets` tells what can be named now, by kind: service, subscription, queue and so on."""
    control = Control(faults, targets)
    return [
        web.get(PATH, control.show),
        web.post(PATH, control.order),
        web.delete(PATH, control.clear),
        web.post(f"{PATH}/pause", control.pause),
        web.post(f"{PATH}/resume", control.resume),
    ]


class Control:
    """One method a verb. Every answer is the whole state; a refusal is 400 with `problem`."""

    def __init__(self, faults: Faults, targets: Targets) -> None:
        self._faults = faults
        self._targets = targets

    async def show(self, _request: web.Request) -> web.Response:
        return self._state()

    async def order(self, request: web.Request) -> web.Response:
        """Body: kind, target, and if need be next, status and delay_s."""
        try:
            body = await _body(request)
            self._check_target(body.get("target"))
            self._faults.order(read(body))
        except BadOrder as bad:
            return _refused(bad)
        return self._state()

    async def clear(self, _request: web.Request) -> web.Response:
        self._faults.clear()
        return self._state()

    async def pause(self, request: web.Request) -> web.Response:
        """Body: target."""
        try:
            self._faults.pause(self._check_target((await _body(request)).get("target")))
        except BadOrder as bad:
            return _refused(bad)
        return self._state()

    async def resume(self, request: web.Request) -> web.Response:
        """Body: target."""
        try:
            self._faults.resume(self._check_paused((await _body(request)).get("target")))
        except BadOrder as bad:
            return _refused(bad)
        return self._state()

    def _check_target(self, target: Any) -> str:
        known = self._targets()
        if not isinstance(target, str) or not any(target in names for names in known.values()):
            listed = "; ".join(f"{kind}: {', '.join(names)}" for kind, names in known.items())
            raise BadOrder(f"There is no {target!r} to deliver to. There is {listed}.")
        return target

    def _check_paused(self, target: Any) -> str:
        paused = self._faults.paused()
        if not isinstance(target, str) or target not in paused:
            raise BadOrder(_possible(target, "paused", paused))
        return target

    def _state(self) -> web.Response:
        return web.json_response(
            {
                "waiting": [fault.shown() for fault in self._faults.waiting()],
                "paused": list(self._faults.paused()),
                "happened": dict(self._faults.happened),
                "targets": self._targets(),
            }
        )


def read(body: Mapping[str, Any]) -> Fault:
    """The fault that a request body asks for.

    Raises:
        BadOrder: a field is missing or out of bounds.
    """
    kind = body.get("kind")
    if kind not in KINDS:
        raise BadOrder(_possible(kind, "kind of fault", KINDS))
    left, status = body.get("next", 1), body.get("status", DEFAULT_STATUS)
    delay_s = body.get("delay_s", DEFAULT_DELAY_S.get(kind, 0.0))
    if type(left) is not int or left < 1:
        raise BadOrder(f"next must be a whole number above 0, not {left!r}.")
    if type(status) is not int or not 300 <= status <= 599:
        raise BadOrder(f"status must be between 300 and 599 to be a failure, not {status!r}.")
    if isinstance(delay_s, bool) or not isinstance(delay_s, int | float) or not 0 <= delay_s <= 600:
        raise BadOrder(f"delay_s must be between 0 and 600 seconds, not {delay_s!r}.")
    return Fault(kind, body["target"], left, status, float(delay_s))


def _possible(given: object, what: str, names: Sequence[str]) -> str:
    return f"{given!r} is not {what}; possible: {', '.join(names) or 'nothing now'}."


async def _body(request: web.Request) -> Mapping[str, Any]:
    try:
        body = await request.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise BadOrder("The body must be a JSON object.")
    return body


def _refused(bad: BadOrder) -> web.Response:
    return web.json_response({"problem": str(bad)}, status=400)
