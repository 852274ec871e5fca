"""How a webhook moves from an event to its subscriber."""

from enum import StrEnum
from types import MappingProxyType

from shared.kit.lifecycle import Lifecycle
from shared.subscribers.types import DeliveryState


class DeliveryStep(StrEnum):
    """What can happen to a webhook."""

    DELIVER = "deliver"
    GIVE_UP = "give_up"
    REDELIVER = "redeliver"


_S, _T = DeliveryState, DeliveryStep

LIFECYCLE = Lifecycle(
    "webhook",
    MappingProxyType(
        {
            (_S.WAITING, _T.DELIVER): _S.DELIVERED,
            (_S.WAITING, _T.GIVE_UP): _S.FAILED,
            (_S.WAITING, _T.REDELIVER): _S.WAITING,  # at once instead of later
            (_S.DELIVERED, _T.REDELIVER): _S.WAITING,
            (_S.FAILED, _T.REDELIVER): _S.WAITING,
        }
    ),
)
