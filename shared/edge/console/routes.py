"""What a page and an act are."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from shared.contracts.base import Document
from shared.contracts.http_ops_acts import Because, Told
from shared.edge.api import MAX_BODY_BYTES
from shared.edge.console.desk import Webhooks
from shared.kit.errors import DispatchError, Stale
from shared.people.permissions import Action, Who
from shared.people.types import NotAllowed, Person
from shared.platform.config import Misconfigured
from shared.platform.db import Transaction

API = "/api/v1"  # what machines use is below it
PROFILE_PATH = "/me"  # one's own
REFUSALS: Mapping[type[DispatchError], int] = {NotAllowed: 403, Stale: 409}


class Visit(NamedTuple):
    """Somebody asks for something.

    Attributes:
        tx: the transaction in which it is answered.
        who: whoever asks; they may do what the route says.
        parts: the parts of the path, by name.
        seen: the version that they had before them; None: they did not say.
        outgoing: how webhooks leave, for when it is asked for.
    """

    tx: Transaction
    who: Who
    parts: Mapping[str, str]
    seen: str | None = None
    outgoing: Callable[[], Webhooks] | None = None

    def webhooks(self) -> Webhooks:
        """How webhooks leave.

        Raises:
            Misconfigured: they have no key here.
        """
        if self.outgoing is None:
            raise Misconfigured("this console was started without what signs webhooks")
        return self.outgoing()

    def person(self, reason: str) -> Person:
        """Whose word it is, and why."""
        return Person(self.who.name, reason, self.who.kind)


class Kept(NamedTuple):
    """Where a document lies, and what it is called, without an ending."""

    key: str
    called: str


Rooms = Callable[[Visit, Any], tuple[str, ...]]


def nowhere(_visit: Visit, _asked: Any) -> tuple[str, ...]:
    """The rooms of what changes when it is loaded."""
    return ()


def room(name: str) -> Rooms:
    """The room of this name; a part of the path stands for itself: `order:{order_id}`."""
    return lambda visit, _asked: (name.format(**visit.parts),)


def place_or(name: str) -> Rooms:
    """The room of the warehouse that is asked for, or the one of this name."""

    def rooms(visit: Visit, asked: Any) -> tuple[str, ...]:
        place = asked.warehouse.strip() if asked is not None else ""
        return (f"warehouse:{place}",) if place and visit.who.may_at([place]) else (name,)

    return rooms


class View(NamedTuple):
    """Something that is shown: a page, and the same document below `/api/v1`.

    Attributes:
        name: of the operation, in OpenAPI.
        path: its parts in braces; each is an identifier.
        purpose: one sentence.
        action: what one must be allowed to do.
        show: the document; `query` is None or what stands after the question mark.
        answer: the document's type. Where it has a `version`, that is the answer's ETag.
        template: the page of the document.
        query: the contract of what may be asked.
        refusals: which status a refusal gets.
        tab: what the navigation calls it; None: it is not there.
        key: the key of the keyboard that leads there, after `g`.
        rows: which field of the document has what a table of it (`?as=csv`) has; None: there is
            no table. A document with a `next` is asked for as long as there is one.
        rooms: in which somebody looks on who has the page before them, by their visit and what they
            asked; what is done by a form of the page is told there.
    """

    name: str
    path: str
    purpose: str
    action: Action
    show: Callable[[Visit, Any], Document]
    answer: type[Document]
    template: str
    query: type[Document] | None = None
    refusals: Mapping[type[DispatchError], int] = MappingProxyType({})
    tab: str | None = None
    key: str | None = None
    rows: str | None = None
    rooms: Rooms = nowhere


class Act(NamedTuple):
    """Something that is done, by a form or below `/api/v1`, with everything or nothing.

    Attributes:
        name, path, purpose, action, refusals: as of a view.
        act: does it, in the visit's transaction; the flow keeps it in the audit trail.
        body: the contract of what is said.
        view: what is shown afterwards, and answered to machines; its path has the same parts.
        done: what the page says afterwards.
        form: the name of its form in the template.
        most_bytes: how large what is said may be.
        tells: `act` returns what is shown and answered instead, with a secret that is told once.
        first: done before, in a transaction of its own, and stays done whatever becomes of the act;
            it may return a refusal, which ends it there.
    """

    name: str
    path: str
    purpose: str
    action: Action
    act: Callable[[Visit, Any], Told | None]
    body: type[Document]
    view: View
    done: str
    form: str
    refusals: Mapping[type[DispatchError], int] = MappingProxyType({})
    most_bytes: int = MAX_BODY_BYTES
    tells: bool = False
    first: Callable[[Visit], DispatchError | None] | None = None


class Bulk(NamedTuple):
    """The same done to many, each in a transaction of its own; what became of each is shown.

    Attributes:
        name, path, purpose, action, body, form, refusals: as of an act.
        choose: the ids of those that are meant, of which at most `MOST_AT_ONCE` are taken.
        act: does it to the one with this id.
        view: the list from which it is done.
        done: what was done to those to which it was, in a word.
    """

    name: str
    path: str
    purpose: str
    action: Action
    choose: Callable[[Visit, Any], Sequence[str]]
    act: Callable[[Visit, str, Any], None]
    body: type[Document]
    view: View
    done: str
    form: str
    refusals: Mapping[type[DispatchError], int] = MappingProxyType({})


class Paper(NamedTuple):
    """A document to be printed, as its vendor made it; for people and below `/api/v1` alike.

    Attributes:
        name, path, purpose, action, refusals: as of a view.
        find: under which key it is kept, and what it is called where it is saved.
    """

    name: str
    path: str
    purpose: str
    action: Action
    find: Callable[[Visit], Kept]
    refusals: Mapping[type[DispatchError], int] = MappingProxyType({})


def act_on(
    view: View,
    name: str,
    word: str,
    purpose: str,
    act: Callable[[Visit, Any], Told | None],
    *,
    action: Action,
    done: str,
    refusals: Mapping[type[DispatchError], int],
    body: type[Document] = Because,
    tells: bool = False,
) -> Act:
    """An act on what a page shows: `word` follows the path of the page, and names its form."""
    return Act(
        name=name,
        path=f"{view.path}/{word}",
        purpose=purpose,
        action=action,
        act=act,
        body=body,
        view=view,
        done=done,
        form=word,
        refusals=refusals,
        tells=tells,
    )


MOST_AT_ONCE = 500  # some seconds of work; whoever has more does it again
Route = View | Act | Bulk | Paper
