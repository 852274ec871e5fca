"""A cart is given up: its units are for those who wait, and then for everybody."""

from shared.flows.give_back import give_back
from shared.flows.own_hold import lock_own
from shared.holds.types import Hold, HoldEnded, HoldState
from shared.platform.db import Transaction


def release_hold(tx: Transaction, hold_id: str) -> Hold:
    """End the hold; ending it again changes nothing.

    Raises:
        UnknownHold: there is no such hold of a customer.
        HoldEnded: its order has the units, placed or not.
    """
    hold = lock_own(tx, hold_id)
    if hold.state is HoldState.CONSUMED or (hold.for_order and hold.state is HoldState.OPEN):
        raise HoldEnded("hold_id: the order has the units", field="hold_id", hold_id=hold_id)
    if hold.state is not HoldState.OPEN:
        return hold
    give_back(tx, [hold], HoldState.RELEASED)
    return hold._replace(state=HoldState.RELEASED)
