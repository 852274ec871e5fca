"""Close a dead letter that nobody will send again."""

from shared.platform import dead_letters
from shared.platform.db import Transaction
from shared.platform.dead_letters import LetterState


def discard_letter(tx: Transaction, letter_id: int, by: str, why: str) -> None:
    """The letter is kept, and does not wait for anybody any more. Nothing else changes.

    Raises:
        UnknownLetter, LetterSettled: there is no such letter, or it is not open.
        Malformed: `by` or `why` says nothing.
    """
    letter = dead_letters.lock_open(tx, letter_id)
    tx.write(dead_letters.settle(tx, letter, LetterState.DISCARDED, by, why))
