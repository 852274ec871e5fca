"""Holds end: their units go to those who wait for them, and what is left to open sale."""

from collections.abc import Sequence

from shared.flows.waitlist import share_out
from shared.holds import store as holds
from shared.holds.types import Hold, HoldState
from shared.platform.db import Transaction
from shared.stock import store as stock
from shared.stock.types import Change, Key, together


def give_back(tx: Transaction, ended: Sequence[Hold], state: HoldState) -> None:
    """End open holds, which are locked, and give their units back, all in one transaction."""
    freed = together(
        Change(Key(item.sku, item.warehouse, item.partition), held=-item.quantity)
        for hold in ended
        for item in hold.items
    )
    locked = stock.lock(tx, {change.key[:2] for change in freed})
    tx.write(holds.close(tx, [hold.hold_id for hold in ended], state), stock.change(freed))
    share_out(tx, locked, locked.after(freed))
