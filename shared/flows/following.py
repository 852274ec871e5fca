"""The order follows its parcels."""

from collections.abc import Sequence

from shared.orders.lifecycle import LIFECYCLE, OrderStep
from shared.orders.types import OrderState
from shared.shipments.lifecycle import ENDED, OPEN
from shared.shipments.types import ParcelState


def following(state: OrderState, parcels: Sequence[ParcelState]) -> OrderState:
    """Where an order stands with such parcels: shipped with the first, closed with the last.

    One of which a part still waits stays where it is.
    """
    sent = [parcel for parcel in parcels if parcel is not ParcelState.CANCELLED]
    if state is OrderState.PARTLY_PLACED:
        return state
    if state is OrderState.PLACED and any(parcel not in OPEN for parcel in sent):
        state = LIFECYCLE.advance(state, OrderStep.SHIP)
    if all(parcel in ENDED for parcel in sent):
        if ParcelState.RETURNED in sent and state is not OrderState.RETURNED:
            state = LIFECYCLE.advance(state, OrderStep.RETURN)
        elif state is OrderState.SHIPPED:
            state = LIFECYCLE.advance(state, OrderStep.DELIVER)
    return state
