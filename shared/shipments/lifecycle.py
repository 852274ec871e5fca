"""How a parcel moves."""

from enum import StrEnum
from types import MappingProxyType

from shared.kit.lifecycle import Lifecycle
from shared.shipments.types import ParcelState


class ParcelStep(StrEnum):
    """What can happen to a parcel."""

    REQUEST_LABEL = "request_label"
    LABEL = "label"
    REFUSE = "refuse"
    REROUTE = "reroute"
    SHIP = "ship"
    DELIVER = "deliver"
    RETURN = "return"
    CANCEL = "cancel"


_S, _T = ParcelState, ParcelStep

LIFECYCLE = Lifecycle(
    "parcel",
    MappingProxyType(
        {
            (_S.PLANNED, _T.REQUEST_LABEL): _S.LABELLING,
            (_S.PLANNED, _T.CANCEL): _S.CANCELLED,
            (_S.LABELLING, _T.REQUEST_LABEL): _S.LABELLING,  # the answer was lost: ask again
            (_S.LABELLING, _T.CANCEL): _S.CANCELLED,  # nobody buys it now; what was sold is voided
            (_S.LABELLING, _T.LABEL): _S.LABELLED,
            # The carrier will not carry it: nothing was bought, so it can be taken back.
            (_S.LABELLING, _T.REFUSE): _S.PLANNED,
            # Its carrier does not answer: another one has sold nothing yet.
            (_S.PLANNED, _T.REROUTE): _S.PLANNED,
            (_S.LABELLING, _T.REROUTE): _S.PLANNED,
            (_S.LABELLED, _T.CANCEL): _S.CANCELLED,  # until it is picked
            (_S.LABELLED, _T.SHIP): _S.SHIPPED,
            (_S.SHIPPED, _T.DELIVER): _S.DELIVERED,
            (_S.SHIPPED, _T.RETURN): _S.RETURNED,
            # A return may be announced after the carrier had reported a delivery.
            (_S.DELIVERED, _T.RETURN): _S.RETURNED,
        }
    ),
)
OPEN = frozenset({ParcelState.PLANNED, ParcelState.LABELLING, ParcelState.LABELLED})
ENDED = frozenset({ParcelState.DELIVERED, ParcelState.RETURNED, ParcelState.CANCELLED})
