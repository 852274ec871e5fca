"""The console for machines: views and acts as operations of an API, with the same documents."""

from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

from flask import Request, Response

from shared.contracts.base import Document
from shared.contracts.http_ops_acts import BulkResults, Told
from shared.edge import api, http
from shared.edge.api import MAX_BODY_BYTES, Called, Operation, parts_of
from shared.edge.console import doing, papers
from shared.edge.console.desk import Desk
from shared.edge.console.doing import Done, Wish
from shared.edge.console.guard import ForeignForm, Guest, guest
from shared.edge.console.routes import API, REFUSALS, Act, Bulk, Paper, Route, View, Visit
from shared.edge.console.table import all_routes, routes_at
from shared.edge.http import NothingHere
from shared.flows.steps import Run
from shared.people.permissions import Who
from shared.platform import log
from shared.platform.auth import Unauthenticated
from shared.platform.db import Transaction
from shared.platform.idempotency import Answer

VERSION_HEADER = "If-Match"
DONE = "It is done; this is how it stands now."
TOLD = "It is done; the secret is in the first answer alone."
EACH = "What became of each."


def operations() -> tuple[Operation, ...]:
    """Every view and act as it is published."""
    return tuple(_operation(route, _Asker(None, None, None)) for route in all_routes())


def serve(request: Request, desk: Desk) -> Response:
    """Answer one request below `/api/v1`; who shows nothing learns nothing of what there is."""
    try:
        asker = _Asker(guest(request, desk), _seen(request), desk)
    except Unauthenticated as error:
        return _unauthenticated(http.problem(error))
    except ForeignForm as error:
        return http.problem(error, status=403)
    method = "GET" if request.method == "HEAD" else request.method
    found = [
        (operation, parts)
        for operation in (_operation(route, asker) for route in routes_at(request.path))
        if (parts := parts_of(operation.path, request.path)) is not None
    ]
    for operation, parts in found:
        if operation.method == method:
            with log.bound(operation=operation.name):
                answer = api.answered(request, desk.services, asker.caller, operation, parts)
            return _unauthenticated(answer) if answer.status_code == 401 else answer
    if not found:
        return http.problem(NothingHere("nothing here"), status=404)
    refused = http.problem(api.WrongMethod("this path does not know the method"), status=405)
    refused.headers["Allow"] = ", ".join(sorted({operation.method for operation, _ in found}))
    return refused


class _Asker(NamedTuple):
    """Whoever asks; nobody does where operations are only listed."""

    guest: Guest | None
    seen: str | None
    desk: Desk | None

    def who(self, tx: Transaction) -> Who:
        assert self.guest is not None, "somebody asks"
        return self.guest.who(tx)

    def caller(self, tx: Transaction) -> str:
        return self.who(tx).caller

    def see(
        self, view: View, tx: Transaction, parts: Mapping[str, str], asked: Document | None
    ) -> Answer:
        """The document of a view."""
        who = self.who(tx)
        who.require(view.action)
        return doing.answer(view.show(Visit(tx, who, parts), asked))

    def give(self, paper: Paper, run: Run, parts: Mapping[str, str]) -> Response:
        """A document to be printed."""
        assert self.desk is not None, "somebody asks"
        return papers.answer(run, self.desk, self.who, parts, paper)

    def do(self, route: Act | Bulk, called: Called) -> Done:
        """Do it, and say how it stands then."""
        key = called.key._replace(fingerprint=doing.fingerprint(route, called.parts, called.said))
        assert self.desk is not None, "somebody asks"
        outgoing = self.desk.webhooks
        wish = Wish(called.run, self.who, called.parts, self.seen, called.said, key, outgoing)
        if isinstance(route, Bulk):
            return doing.each(route, wish)
        view = route.view
        return doing.once(route, wish, lambda visit: doing.answer(view.show(visit, None)))


def _operation(route: Route, asker: _Asker) -> Operation:
    if isinstance(route, Paper):
        return _of_paper(route, asker)
    is_view = isinstance(route, View)
    said = (
        EACH
        if isinstance(route, Bulk)
        else TOLD
        if isinstance(route, Act) and route.tells
        else DONE
    )
    return Operation(
        name=route.name,
        method="GET" if is_view else "POST",
        path=API + (route.path if route.path != "/" else "/overview"),
        purpose=route.purpose,
        act=partial(asker.see, route if isinstance(route, View) else route.view),
        answer=_answer_of(route),
        outcomes={200: "As it stands." if is_view else said},
        body=None if isinstance(route, View) else route.body,
        query=route.query if isinstance(route, View) else None,
        refusals={**REFUSALS, **route.refusals},
        most_bytes=route.most_bytes if isinstance(route, Act) else MAX_BODY_BYTES,
        steps=None if isinstance(route, View) else partial(asker.do, route),
    )


def _of_paper(paper: Paper, asker: _Asker) -> Operation:
    def no_json(_tx: Transaction, _parts: Mapping[str, str], _said: object) -> Answer:
        raise AssertionError("a paper is no JSON")

    return Operation(
        name=paper.name,
        method="GET",
        path=API + paper.path,
        purpose=paper.purpose,
        act=no_json,
        answer=None,
        outcomes={200: "The document, as its vendor made it."},
        refusals={**REFUSALS, **paper.refusals},
        paper=partial(asker.give, paper),
    )


def _answer_of(route: View | Act | Bulk) -> type[Document]:
    match route:
        case View():
            return route.answer
        case Bulk():
            return BulkResults
        case Act():
            return Told if route.tells else route.view.answer


def _seen(request: Request) -> str | None:
    given = request.headers.get(VERSION_HEADER)
    return None if given in {None, "*"} else str(given).removeprefix("W/").strip('"')


def _unauthenticated(answer: Response) -> Response:
    answer.headers["WWW-Authenticate"] = "Bearer"
    return answer
