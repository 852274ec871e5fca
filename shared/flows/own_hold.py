"""The holds that customers may see and end; those of the house are none of their business."""

from shared.holds import store as holds
from shared.holds.types import Hold, Purpose, UnknownHold
from shared.platform.db import Transaction

_CUSTOMERS = frozenset({Purpose.CART, Purpose.PAYMENT})


def find_own(tx: Transaction, hold_id: str) -> Hold:
    """The hold as it is now, without a lock: to look, not to decide.

    Raises:
        UnknownHold: there is no such hold of a customer.
    """
    return _own(holds.find(tx, hold_id))


def lock_own(tx: Transaction, hold_id: str) -> Hold:
    """The hold, which stays as it is until the transaction ends.

    Raises:
        UnknownHold: there is no such hold of a customer.
    """
    return _own(holds.lock(tx, hold_id))


def _own(hold: Hold | None) -> Hold:
    if hold is None or hold.purpose not in _CUSTOMERS:
        raise UnknownHold("there is no such hold")
    return hold
