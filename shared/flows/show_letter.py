"""A dead letter with its story, for a person who has to settle it."""

from collections.abc import Iterator

from shared.contracts.http_ops_letters import (
    ChangedRow,
    LetterRow,
    LetterTrial,
    OpsLetter,
    Settled,
)
from shared.flows.show_order import concerns, live_warehouses
from shared.flows.try_letter import Trial, try_letter
from shared.ops.order_view import view_order
from shared.ops.readable import readable
from shared.people.permissions import Action, Who
from shared.platform import letters
from shared.platform.db import Transaction
from shared.platform.dead_letters import LetterState
from shared.platform.letters import Letter, UnknownLetter


def show_letter(tx: Transaction, letter_id: int, who: Who, *, dry_run: bool = False) -> OpsLetter:
    """The letter, and what would come of a retry where that is to be tried.

    Raises:
        UnknownLetter: there is none, or it is about an order that is none of theirs.
        NotAllowed: it is to be tried, and whoever asks may not send it again.
        LostRace: somebody else was faster; the step is run anew.
    """
    letter, warehouses = _found(tx, letter_id, who)
    if dry_run:
        who.require(Action.SETTLE_LETTERS)
    is_whole = who.may(Action.SEE_MESSAGES)
    may_settle = who.may(Action.SETTLE_LETTERS) and who.may_at(warehouses)
    return OpsLetter(
        letter=LetterRow(
            letter_id=letter.letter_id,
            source=letter.source,
            failure=letter.why.failure.value,
            code=letter.why.code,
            reason=letter.why.reason,
            state=letter.state.value,
            order_id=letter.order_id,
            attempts=letter.attempts,
            first_failed_at=letter.first_failed_at,
            last_failed_at=letter.last_failed_at,
        ),
        message_id=letter.message_id,
        type=letter.attributes.get("ce-type", ""),
        facts=dict(letter.why.facts),
        attributes=dict(letter.attributes),
        payload=readable(letter.payload, whole=is_whole),
        is_whole=is_whole,
        correlation_id=letter.correlation_id,
        parked_at=letter.parked_at,
        settled=tuple(_settled(letter)),
        trial=_shown(try_letter(tx, letter_id)) if dry_run else None,
        acts=("retry", "discard") if may_settle and letter.state is LetterState.OPEN else (),
    )


def require_letter(tx: Transaction, letter_id: int, who: Who) -> None:
    """Go on if they may decide about this letter.

    Raises:
        UnknownLetter: there is none, or it is about an order that is none of theirs.
        NotAllowed: not all that it is about is theirs.
    """
    _, warehouses = _found(tx, letter_id, who)
    who.require_at(warehouses)


def _found(tx: Transaction, letter_id: int, who: Who) -> tuple[Letter, frozenset[str]]:
    """The letter, and from where the order is sent that it is about."""
    letter = letters.find(tx, letter_id)
    order = view_order(tx, letter.order_id) if letter.order_id is not None else None
    if order is None:
        return letter, frozenset()
    if not concerns(order, who):
        raise UnknownLetter(f"there is no letter {letter_id}", letter_id=letter_id)
    return letter, live_warehouses(order)


def _settled(letter: Letter) -> Iterator[Settled]:
    for past in letter.history:
        yield Settled.model_validate(past)
    if letter.settled_at is not None:
        yield Settled(
            state=letter.state,
            at=letter.settled_at,
            by=letter.settled_by or "",
            why=letter.settled_why or "",
        )


def _shown(trial: Trial) -> LetterTrial:
    return LetterTrial(
        outcome=trial.outcome.value,
        code=trial.code,
        reason=trial.reason,
        changes=tuple(ChangedRow.model_validate(change._asdict()) for change in trial.changes),
        announces=trial.announces,
        charged_cents=dict(trial.charged_cents),
        quoted_cents=dict(trial.quoted_cents),
    )
