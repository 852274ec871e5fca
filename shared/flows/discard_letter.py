"""Close a dead letter that nobody will send again."""

from shared.flows.audited import LETTER
from shared.people import audit_log
from shared.people.audit_log import Subject
from shared.people.types import Person
from shared.platform import dead_letters, letters
from shared.platform.db import Transaction
from shared.platform.dead_letters import LetterState


def discard_letter(tx: Transaction, letter_id: int, person: Person) -> None:
    """The letter is kept, and does not wait for anybody any more. Nothing else changes.

    Raises:
        UnknownLetter, LetterSettled: there is no such letter, or it is not open.
    """
    letter = letters.lock_open(tx, letter_id)
    tx.write(
        dead_letters.settle(tx, letter.letter_id, LetterState.DISCARDED, person.by, person.reason),
        dead_letters.heard(tx, letter.order_id),
        audit_log.record(
            tx,
            person,
            "discard_letter",
            Subject(LETTER, str(letter_id)),
            before={"state": letter.state},
            after={"state": LetterState.DISCARDED},
        ),
    )
