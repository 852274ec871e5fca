"""One request to the console: a file, a door, a page, a form, or an operation for machines.

| outcome | a person sees | a machine gets |
|---|---|---|
| nobody known | the sign-in page | 401 |
| not theirs to do, or a form that is not from a page of theirs | a page that says so | 403 |
| nothing at this path, or nothing of theirs | a page that says so | 404 |
| a form with a wrong field | the page again, with what is wrong beside the field | 400 |
| what they looked at has changed | the page again, with what has changed | 409 |
| refused for good | the page again, with the reason | 409 or 422 |
| not yet; our fault | the same, or a page that says so | 503; 500 |
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from flask import Request, Response
from werkzeug.exceptions import RequestEntityTooLarge

from shared.contracts.base import EVENT_ID, Cause, Document
from shared.contracts.http_ops_acts import BulkResults, Told
from shared.edge import http
from shared.edge.api import WrongMethod, parts_of
from shared.edge.arrival import Arrival, from_outside, take
from shared.edge.console import (
    answers,
    doing,
    doors,
    forms,
    guard,
    live,
    machine,
    papers,
    rendering,
    sheets,
    static_files,
)
from shared.edge.console.desk import Desk
from shared.edge.console.doing import Wish
from shared.edge.console.forms import Failed
from shared.edge.console.guard import ForeignForm, Guest
from shared.edge.console.routes import (
    API,
    PROFILE_PATH,
    REFUSALS,
    Act,
    Bulk,
    Paper,
    Route,
    View,
    Visit,
)
from shared.edge.console.table import TABS, done, most_bytes, routes_at
from shared.edge.http import NothingHere, TooLarge
from shared.kit.errors import Fault, Malformed, NotYet, Rejected
from shared.kit.ids import new_id
from shared.people import proofs
from shared.people.permissions import Action, Who
from shared.platform import log
from shared.platform.auth import Unauthenticated
from shared.platform.db import Transaction
from shared.platform.idempotency import Answer, Key, StillRunning

Parts = Mapping[str, str]


def serve(request: Request, desk: Desk) -> Response:
    """Answer one request, with what a browser must be told beside."""
    request.max_content_length = most_bytes(request.path)
    event_id = new_id("req")
    cause = Cause(event_id, event_id)
    name = _operation(request, desk)
    if name is None:
        answer = _answered(request, desk, cause)
    else:
        arrived = Arrival(name, name, "server", from_outside(request), cause)
        with log.bound(operation=name):
            answer = take(request, desk.services, arrived, lambda: _answered(request, desk, cause))
    return answers.guarded(answer, request, desk)


def _operation(request: Request, desk: Desk) -> str | None:
    """Of a page, of a form or of a door; machines have theirs, and a file is none."""
    if request.path in doors.PATHS:
        return doors.operation(request, desk)
    return next((route.name for route, _ in _routes(request) if _is_asked(route, request)), None)


def _answered(request: Request, desk: Desk, cause: Cause) -> Response:
    try:
        return _served(request, desk, cause)
    except RequestEntityTooLarge:
        request.max_content_length = None  # functions-framework reads whatever we left unread
        return answers.refused(request, TooLarge("the form is too large"), 413)
    except Exception as error:
        if not isinstance(error, NotYet):
            log.failure("console.failed", error, code=http.code_of(error))
        told = error if isinstance(error, NotYet) else Fault("something went wrong on our side")
        return answers.refused(request, told)


def _served(request: Request, desk: Desk, cause: Cause) -> Response:
    path = request.path
    if path.startswith(static_files.PREFIX) and request.method == "GET":
        return static_files.served(path) or answers.refused(
            request, NothingHere("nothing here"), 404
        )
    if path.startswith(f"{API}/"):
        return machine.serve(request, desk)
    if path in doors.PATHS:
        return doors.serve(request, desk, cause)
    try:
        guest = guard.guest(request, desk)
        return _known(request, desk, guest, cause)
    except Unauthenticated as error:
        is_page = request.method == "GET" and answers.wants_page(request)
        return doors.sign_in_first(request, desk) if is_page else answers.refused(request, error)
    except ForeignForm as error:
        log.line("console.foreign_form", "WARNING")
        return answers.refused(request, error, 403)


def _known(request: Request, desk: Desk, guest: Guest, cause: Cause) -> Response:
    found = _routes(request)
    for route, parts in found:
        if _is_asked(route, request):
            return _Call(request, desk, guest, parts, cause).answer(route)
    # Whoever is known by now still has to be signed in before they learn what there is.
    desk.services.run(guest.who, cause)
    if found:
        return answers.refused(request, WrongMethod("this page does not know the method"), 405)
    return answers.refused(request, NothingHere("there is no page at this address"), 404)


def _routes(request: Request) -> Sequence[tuple[Route, Parts]]:
    """All that there is at the path."""
    return [
        (route, parts)
        for route in routes_at(request.path)
        if (parts := parts_of(route.path, request.path)) is not None
    ]


def _is_asked(route: Route, request: Request) -> bool:
    return request.method in ({"GET", "HEAD"} if isinstance(route, View | Paper) else {"POST"})


class ChooseFirst(Rejected):
    """Whoever signed in with a password that was made for them has to choose one of their own."""

    code = "choose_first"


class _Call(NamedTuple):
    """A request of somebody who has shown something, to a route with these parts."""

    request: Request
    desk: Desk
    guest: Guest
    parts: Parts
    cause: Cause

    def answer(self, route: Route) -> Response:
        """What somebody asks for is shown, given or done."""
        match route:
            case View():
                return self.see(route)
            case Paper():
                return self.give(route)
            case Act() | Bulk():
                return self.do(route)

    def give(self, paper: Paper) -> Response:
        """A document to be printed."""
        run = self.desk.services.runner(self.cause)
        try:
            return papers.answer(run, self.desk, self.guest.who, self.parts, paper)
        except Unauthenticated:
            raise
        except Rejected as error:
            return self._refused(paper, error)

    def see(self, view: View, failed: Failed | None = None, status: int = 200) -> Response:
        """The page of a view; with a form that was refused, as it was filled in."""
        if view.rows is not None and self.request.args.get(sheets.ASKED_BY) == sheets.CSV:
            return self._sheet(view, view.rows)
        asked: Document | None = None

        def step(tx: Transaction) -> tuple[Who, Document, str]:
            who = self.guest.who(tx)
            if who.is_new and view.action is not Action.KEEP_PROFILE:
                raise ChooseFirst("choose a password of your own first")
            who.require(view.action)
            # Before anything is read: what is committed from here on is told by the stream.
            visit = Visit(tx, who, self.parts)
            stream = live.url(tx, self.request, self.desk, view.rooms(visit, asked))
            return who, view.show(visit, asked), stream

        try:
            if view.query is not None:
                asked = forms.read(self.request.args, view.query)
            who, document, stream = self.desk.services.run(step, self.cause)
        except Unauthenticated:
            raise
        except ChooseFirst:
            return answers.see(self.request, PROFILE_PATH)
        except Rejected as error:
            return self._refused(view, error)
        shown = {"doc": document, "asked": asked, "failed": failed, "stream": stream}
        return answers.html(self._page(view, who, shown), status)

    def _sheet(self, view: View, rows: str) -> Response:
        """What a view shows as a table to take away, all pages of it."""

        def step(tx: Transaction) -> sheets.Sheet:
            who = self.guest.who(tx)
            who.require(view.action)
            visit = Visit(tx, who, self.parts)
            return sheets.collected(lambda asked: view.show(visit, asked), asked, rows)

        try:
            asked = forms.read(self.request.args, view.query) if view.query is not None else None
            sheet = self.desk.services.run(step, self.cause)
        except Unauthenticated:
            raise
        except Rejected as error:
            return self._refused(view, error)
        return answers.csv(sheets.text_of(sheet), self.request.path)

    def do(self, route: Act | Bulk) -> Response:
        """Do what a form says, once, and show how it stands then."""
        form = self.request.form
        try:
            given = self._done(route, forms.read(form, route.body, self.request.files))
        except (Unauthenticated, StillRunning):  # of what still runs nobody can say what it changes
            raise
        except (Rejected, NotYet) as error:
            log.line("console.rejected", code=error.code)
            given = doing.refusal(route, error)
        if given.status < 300:
            return self._told(route, given)
        refused = Response(given.body, status=given.status)
        if given.status in {403, 404}:
            return self._shown(refused)
        failed = forms.failed(route.form, form, answers.problem_of(refused))
        return self.see(route.view, failed, given.status)

    def _done(self, route: Act | Bulk, body: Document) -> Answer:
        name = self.request.form.get(forms.KEY_FIELD, "")
        if not EVENT_ID.fullmatch(name):
            raise Malformed("the form has lost its key; load the page anew", field=forms.KEY_FIELD)
        key = Key("", name, doing.fingerprint(route, self.parts, body))
        seen = self.request.form.get(forms.SEEN_FIELD) or None
        run = doing.patient(self.desk.services.runner(self.cause))
        wish = Wish(run, self.guest.who, self.parts, seen, body, key, self.desk.webhooks)
        if isinstance(route, Bulk):
            given, _ = doing.each(route, wish)
        else:
            given, _ = doing.once(route, wish, lambda _visit: Answer(204, {}, ""))
        return given

    def _told(self, route: Act | Bulk, given: Answer) -> Response:
        """The page that the act leads to, or one of its own for what is told here alone."""
        if given.status == 204:
            path = route.view.path.format(**self.parts)
            return answers.see(self.request, f"{path}?done={route.name}")
        who = self.desk.services.run(self.guest.who, self.cause)
        contract, template = (
            (BulkResults, "results.html") if isinstance(route, Bulk) else (Told, "told.html")
        )
        document = contract.decode(given.body.encode())
        page = route.view._replace(template=template)
        return answers.html(self._page(page, who, {"doc": document, "route": route}))

    def _page(self, view: View, who: Who, shown: Mapping[str, Any]) -> str:
        token = guard.session_token(self.request, self.desk)
        return rendering.page(
            view.template,
            **{"failed": None, "stream": "", **shown},
            who=who,
            view=view,
            tabs=[tab for tab in TABS if who.may(tab.action)],
            root=self.request.script_root,
            here=self.request.path,
            page=self._address(view),
            form_token=proofs.form_token(token) if token is not None else "",
            listed=view.path.format(**self.parts),
            done=done(self.request.path, self.request.args.get("done", "")),
            now=self.desk.services.database.now(),
        )

    def _address(self, view: View) -> str:
        """Where the page is shown without doing anything."""
        query = self.request.query_string.decode(errors="replace")
        path = f"{self.request.script_root}{view.path.format(**self.parts)}"
        return f"{path}?{query}" if query else path

    def _refused(self, route: Route, error: Rejected) -> Response:
        log.line("console.rejected", code=error.code)
        status = {**REFUSALS, **route.refusals}.get(type(error))
        return answers.refused(self.request, error, status)

    def _shown(self, refused: Response) -> Response:
        problem = answers.problem_of(refused)
        return answers.refused(self.request, Rejected(problem["detail"]), refused.status_code)
