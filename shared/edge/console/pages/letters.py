"""Dead letters: what was refused for good or given up, and what a person does about it."""

from collections.abc import Callable, Mapping, Sequence

from shared.contracts.http_ops_acts import Because
from shared.contracts.http_ops_letters import (
    LetterAsk,
    LetterFilters,
    LettersMeant,
    OpsLetter,
    OpsLetters,
)
from shared.edge.console.routes import MOST_AT_ONCE, Act, Bulk, View, Visit, act_on, room
from shared.flows.discard_letter import discard_letter
from shared.flows.retry_letter import retry_letter
from shared.flows.show_letter import require_letter, show_letter
from shared.kit.errors import DispatchError, Malformed
from shared.ops.letter_list import letter_list, meant
from shared.people.permissions import Action
from shared.people.types import Person
from shared.platform.db import Transaction
from shared.platform.letters import LetterSettled, NoWayBack, UnknownLetter

PATH = "/letters/{letter_id}"
_REFUSED: Mapping[type[DispatchError], int] = {
    UnknownLetter: 404,
    LetterSettled: 409,
    NoWayBack: 422,
}
_LONGEST = 18  # digits of a number that Postgres has as well

Settle = Callable[[Transaction, int, Person], None]


def _list(visit: Visit, filters: LetterFilters) -> OpsLetters:
    return letter_list(visit.tx, filters, visit.who.warehouses)


def _show(visit: Visit, asked: LetterAsk | None) -> OpsLetter:
    number = _number(visit.parts["letter_id"])
    dry_run = asked is not None and asked.dry_run
    return show_letter(visit.tx, number, visit.who, dry_run=dry_run)


def _rooms(_visit: Visit, asked: LetterAsk | None) -> tuple[str, ...]:
    # A retry is tried when somebody wants it, not whenever another letter comes.
    return () if asked is not None and asked.dry_run else ("letters",)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= _LONGEST):
        raise UnknownLetter(f"there is no letter {text}")
    return int(text)


def _choose(visit: Visit, said: LettersMeant) -> Sequence[str]:
    if said.everything:
        found = meant(visit.tx, said, visit.who.warehouses, MOST_AT_ONCE + 1)
    elif said.letter_ids:
        found = sorted(set(said.letter_ids))
    else:
        raise Malformed(
            "letter_ids: choose at least one letter, or everything that fits", field="letter_ids"
        )
    return [str(letter_id) for letter_id in found]


def _settle(visit: Visit, letter_id: str, reason: str, settle: Settle) -> None:
    number = _number(letter_id)
    require_letter(visit.tx, number, visit.who)
    settle(visit.tx, number, visit.person(reason))


LETTERS = View(
    name="listLetters",
    path="/letters",
    purpose="List dead letters, a page at a time, and count the open ones by source and code.",
    action=Action.SEE_LETTERS,
    show=_list,
    answer=OpsLetters,
    template="letters.html",
    query=LetterFilters,
    tab="Dead letters",
    key="d",
    rows="letters",
    rooms=room("letters"),
)
LETTER = View(
    name="showLetter",
    path=PATH,
    purpose="Show a dead letter: why it came, its story, its payload, and what a retry would do.",
    action=Action.SEE_LETTERS,
    show=_show,
    answer=OpsLetter,
    template="letter.html",
    query=LetterAsk,
    refusals={UnknownLetter: 404},
    rooms=_rooms,
)


def _act(name: str, word: str, purpose: str, settle: Settle, done: str) -> Act:
    def act(visit: Visit, said: Because) -> None:
        _settle(visit, visit.parts["letter_id"], said.reason, settle)

    return act_on(
        LETTER,
        name,
        word,
        purpose,
        act,
        action=Action.SETTLE_LETTERS,
        done=done,
        refusals=_REFUSED,
    )


def _bulk(name: str, word: str, purpose: str, settle: Settle, done: str) -> Bulk:
    def act(visit: Visit, letter_id: str, said: LettersMeant) -> None:
        _settle(visit, letter_id, said.reason, settle)

    return Bulk(
        name=name,
        path=f"/letters/{word}",
        purpose=purpose,
        action=Action.SETTLE_LETTERS,
        choose=_choose,
        act=act,
        body=LettersMeant,
        view=LETTERS,
        done=done,
        form="many",
        refusals=_REFUSED,
    )


ROUTES = (
    LETTERS,
    _bulk("retryLetters", "retry", "Send many again, each by itself.", retry_letter, "sent again"),
    _bulk("discardLetters", "discard", "Close many, each by itself.", discard_letter, "discarded"),
    LETTER,
    _act(
        "retryLetter",
        "retry",
        "Send it again on the way that it came, under its own event id.",
        retry_letter,
        "The letter was sent again. It comes back if its cause is still there.",
    ),
    _act(
        "discardLetter",
        "discard",
        "Close it: nobody will send it again. It is kept.",
        discard_letter,
        "The letter is discarded.",
    ),
)
