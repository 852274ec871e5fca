"""Send a dead letter again, on the way that it came."""

from shared.contracts.work import PlaceOrder
from shared.flows.audited import LETTER
from shared.orders import store as orders
from shared.orders.lifecycle import LIFECYCLE, OrderStep
from shared.orders.types import Move, OrderState
from shared.people import audit_log
from shared.people.audit_log import Subject
from shared.people.types import Person
from shared.platform import dead_letters, letters
from shared.platform.db import Transaction
from shared.platform.dead_letters import LetterState
from shared.platform.letters import Letter


def retry_letter(tx: Transaction, letter_id: int, person: Person) -> None:
    """Announce the message anew under its own event id, so that it is applied once at most.

    It is refused again for as long as its cause remains; then the letter is open again.

    Raises:
        UnknownLetter, LetterSettled: there is no such letter, or it is not open.
        NoWayBack: it cannot be sent again.
    """
    letter = letters.lock_open(tx, letter_id)
    make_way(tx, letter)
    tx.write(
        dead_letters.settle(tx, letter.letter_id, LetterState.RETRIED, person.by, person.reason),
        dead_letters.heard(tx, letter.order_id),
        letters.send_again(tx, letter),
        audit_log.record(
            tx,
            person,
            "retry_letter",
            Subject(LETTER, str(letter_id)),
            before={"state": letter.state},
            after={"state": LetterState.RETRIED},
        ),
    )


def make_way(tx: Transaction, letter: Letter) -> None:
    """An order that went into review because its placing was given up waits to be placed again."""
    if letter.attributes.get("ce-type") != PlaceOrder.type or letter.order_id is None:
        return
    order = orders.lock(tx, letter.order_id)
    if order is not None and order.state is OrderState.REVIEW:
        tx.write(orders.move(tx, Move(order, LIFECYCLE.advance(order.state, OrderStep.UNPLACE))))
