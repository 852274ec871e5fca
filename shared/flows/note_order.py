"""A person leaves a note on an order."""

from shared.flows.audited import ORDER
from shared.kit.ids import new_id
from shared.orders import order_notes
from shared.orders import store as orders
from shared.orders.order_notes import Note
from shared.orders.types import UnknownOrder
from shared.people import audit_log
from shared.people.audit_log import Subject
from shared.people.types import Person
from shared.platform import live_changes
from shared.platform.db import Transaction

NOTED = "note_order"  # the act, in the audit trail


def note_order(tx: Transaction, order_id: str, person: Person, note: str) -> None:
    """Keep what the person wants others to know; whoever has the order before them sees it at once.

    Raises:
        UnknownOrder: there is no such order.
    """
    order = orders.lock(tx, order_id)
    if order is None:
        raise UnknownOrder(f"there is no order {order_id}", order_id=order_id)
    note_id = new_id("note")
    tx.write(
        order_notes.add(tx, note_id, order_id, Note(tx.now, person.by, note)),
        audit_log.record(
            tx, person, NOTED, Subject(ORDER, order_id), before={}, after={note_id: note}
        ),
        live_changes.note(tx, f"order:{order_id}"),
    )
