"""A person ends the hold of a cart or of an unpaid order: its units are free again."""

from shared.flows.audited import HOLD
from shared.flows.own_hold import lock_own
from shared.flows.release_hold import release_hold
from shared.holds.types import HoldEnded, HoldState
from shared.people import audit_log
from shared.people.audit_log import Subject
from shared.people.types import Person
from shared.platform.db import Transaction


def release_by_hand(tx: Transaction, hold_id: str, person: Person) -> None:
    """Give the units to who waits for them, and then to everybody.

    Raises:
        UnknownHold: there is no such hold of a customer.
        HoldEnded: it is not open any more.
    """
    hold = lock_own(tx, hold_id)
    if hold.state is not HoldState.OPEN:
        raise HoldEnded(
            f"hold_id: the hold is {hold.state} already", field="hold_id", hold_id=hold_id
        )
    after = release_hold(tx, hold_id)
    units = [f"{item.quantity} of {item.sku} in {item.warehouse}" for item in hold.items]
    tx.write(
        audit_log.record(
            tx,
            person,
            "release_hold",
            Subject(HOLD, hold_id),
            before={"state": hold.state, "held": units},
            after={"state": after.state, "held": []},
        )
    )
