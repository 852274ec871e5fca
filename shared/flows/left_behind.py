"""What is kept for an order that needs it no more is given back."""

from shared.flows.give_back import give_back
from shared.holds import store as holds
from shared.holds.types import HoldState
from shared.ops import stock_books
from shared.platform import log
from shared.platform.db import Transaction

AT_ONCE = 200  # holds of one transaction; what is left then waits for the next reconciliation


def give_back_left_behind(tx: Transaction) -> int:
    """Release holds of what orders had in parcels, where these are not to be placed anew.

    Whoever places an order uses them up; code that did not know them yet left them. Returns how
    many.
    """
    seen = stock_books.kept_for_nobody(tx, AT_ONCE)
    if not seen:
        return 0
    locked = holds.lock_all(tx, seen)
    # Read again now that nobody takes them: their order may be placed anew since.
    still = set(stock_books.kept_for_nobody(tx, AT_ONCE))
    left = [hold for hold in locked if hold.hold_id in still]
    for hold in left:
        log.line("stock.left_behind", "WARNING", hold_id=hold.hold_id, order_id=hold.for_order)
    give_back(tx, left, HoldState.RELEASED)
    return len(left)
