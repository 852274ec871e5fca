"""How an inbound moves."""

from enum import StrEnum
from types import MappingProxyType

from shared.inbound.types import InboundState
from shared.kit.lifecycle import Lifecycle


class InboundStep(StrEnum):
    """What can happen to an inbound."""

    SHIP = "ship"
    RECEIVE = "receive"
    CANCEL = "cancel"


_S, _T = InboundState, InboundStep

LIFECYCLE = Lifecycle(
    "delivery",
    MappingProxyType(
        {
            (_S.REQUESTED, _T.SHIP): _S.SHIPPED,
            (_S.REQUESTED, _T.RECEIVE): _S.RECEIVED,  # a supplier's; nobody tells that it left
            (_S.REQUESTED, _T.CANCEL): _S.CANCELLED,
            (_S.SHIPPED, _T.RECEIVE): _S.RECEIVED,
        }
    ),
)
FINAL = frozenset({InboundState.RECEIVED, InboundState.CANCELLED})
