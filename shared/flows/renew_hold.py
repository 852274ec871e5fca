"""A cart goes on: its hold lasts longer."""

from datetime import timedelta

from shared.flows.own_hold import lock_own
from shared.holds import store as holds
from shared.holds.types import Hold, HoldEnded, HoldState, release_of
from shared.platform.db import Transaction


def renew_hold(tx: Transaction, hold_id: str, ttl_s: int) -> Hold:
    """The hold ends `ttl_s` from now, or when it would have ended anyway if that is later.

    Raises:
        UnknownHold: there is no such hold of a customer.
        HoldEnded: its order has the units, it was released, or its time is over.
    """
    hold = lock_own(tx, hold_id)
    assert hold.expires_at is not None, "what is for a customer ends"
    if hold.for_order is not None and hold.state is HoldState.OPEN:
        raise HoldEnded("hold_id: the order has the units", field="hold_id", hold_id=hold_id)
    if hold.state is not HoldState.OPEN or hold.expires_at <= tx.now:
        ended = HoldState.EXPIRED if hold.state is HoldState.OPEN else hold.state
        raise HoldEnded(f"hold_id: the hold is {ended}", field="hold_id", hold_id=hold_id)
    expires_at = max(hold.expires_at, tx.now + timedelta(seconds=ttl_s))
    release_at = release_of(hold_id, expires_at)
    tx.write(holds.renew(hold_id, expires_at, release_at))
    return hold._replace(expires_at=expires_at, release_at=release_at)
