"""How an order moves."""

from enum import StrEnum
from types import MappingProxyType

from shared.kit.lifecycle import Lifecycle
from shared.orders.types import WAITS_FOR_STOCK, OrderState


class OrderStep(StrEnum):
    """What can happen to an order."""

    PLACE = "place"
    PLACE_PART = "place_part"  # what is there is sent, the rest waits for stock
    BACKORDER = "backorder"
    REVIEW = "review"
    UNPLACE = "unplace"  # its lines changed, or it could not be picked: choose again
    UNPLACE_PART = "unplace_part"  # a part is to be placed anew, the rest is on its way
    KEEP_WAITING = "keep_waiting"  # nothing has a parcel any more, and some of it waits for stock
    GIVE_UP_REST = "give_up_rest"  # what still waits is cancelled
    SHIP = "ship"
    DELIVER = "deliver"
    RETURN = "return"
    CANCEL = "cancel"
    WANT_BACK = "want_back"  # it was cancelled after the pick


_S, _T = OrderState, OrderStep

LIFECYCLE = Lifecycle(
    "order",
    MappingProxyType(
        {
            (_S.WAITING, _T.PLACE): _S.PLACED,
            (_S.WAITING, _T.BACKORDER): _S.BACKORDERED,
            (_S.WAITING, _T.REVIEW): _S.REVIEW,
            (_S.WAITING, _T.UNPLACE): _S.WAITING,
            (_S.WAITING, _T.CANCEL): _S.CANCELLED,
            (_S.BACKORDERED, _T.PLACE): _S.PLACED,
            (_S.BACKORDERED, _T.BACKORDER): _S.BACKORDERED,
            (_S.BACKORDERED, _T.REVIEW): _S.REVIEW,
            (_S.BACKORDERED, _T.UNPLACE): _S.WAITING,
            (_S.BACKORDERED, _T.CANCEL): _S.CANCELLED,
            (_S.WAITING, _T.PLACE_PART): _S.PARTLY_PLACED,
            (_S.BACKORDERED, _T.PLACE_PART): _S.PARTLY_PLACED,
            (_S.PARTLY_PLACED, _T.PLACE): _S.PLACED,  # and on to where its parcels are
            (_S.PARTLY_PLACED, _T.PLACE_PART): _S.PARTLY_PLACED,
            (_S.PARTLY_PLACED, _T.BACKORDER): _S.PARTLY_PLACED,
            (_S.PARTLY_PLACED, _T.REVIEW): _S.PARTLY_PLACED,  # what has parcels goes its way
            (_S.PARTLY_PLACED, _T.GIVE_UP_REST): _S.PLACED,
            (_S.PARTLY_PLACED, _T.UNPLACE): _S.WAITING,
            (_S.PARTLY_PLACED, _T.UNPLACE_PART): _S.PARTLY_PLACED,
            (_S.PARTLY_PLACED, _T.CANCEL): _S.CANCELLED,
            (_S.PLACED, _T.UNPLACE_PART): _S.PARTLY_PLACED,
            (_S.SHIPPED, _T.UNPLACE_PART): _S.PARTLY_PLACED,
            (_S.BACKORDERED, _T.KEEP_WAITING): _S.BACKORDERED,
            (_S.PARTLY_PLACED, _T.KEEP_WAITING): _S.BACKORDERED,
            (_S.REVIEW, _T.UNPLACE): _S.WAITING,
            (_S.REVIEW, _T.CANCEL): _S.CANCELLED,
            (_S.PLACED, _T.UNPLACE): _S.WAITING,
            (_S.PLACED, _T.SHIP): _S.SHIPPED,
            (_S.PLACED, _T.CANCEL): _S.CANCELLED,
            (_S.PLACED, _T.WANT_BACK): _S.PLACED,
            (_S.SHIPPED, _T.WANT_BACK): _S.SHIPPED,
            (_S.DELIVERED, _T.WANT_BACK): _S.DELIVERED,
            (_S.SHIPPED, _T.DELIVER): _S.DELIVERED,
            (_S.SHIPPED, _T.RETURN): _S.RETURNED,
            # A return may be announced after the carrier had reported a delivery.
            (_S.DELIVERED, _T.RETURN): _S.RETURNED,
        }
    ),
)
PLACEABLE = frozenset({OrderState.WAITING, *WAITS_FOR_STOCK})
FINAL = frozenset({OrderState.DELIVERED, OrderState.RETURNED, OrderState.CANCELLED})
