"""Pieces of work, each one Cloud Task."""

from typing import ClassVar

from shared.contracts.base import Identifier, Work


class PlaceOrder(Work):
    """Place the order if it waits for it; otherwise there is nothing to do."""

    type: ClassVar[str] = "dispatch.work.place_order.v1"

    order_id: Identifier
    priority: str

    @property
    def queue(self) -> str:
        return f"placement-{self.priority}"


class BuyLabel(Work):
    """Buy the label of a planned parcel. What is express has a part of the carrier's rate alone."""

    type: ClassVar[str] = "dispatch.work.buy_label.v1"

    parcel_id: Identifier
    carrier: Identifier
    priority: str = "standard"

    @property
    def queue(self) -> str:
        return f"{'express-' if self.priority == 'express' else ''}labels-{self.carrier}"


class VoidLabel(Work):
    """Give back the label of a cancelled parcel."""

    type: ClassVar[str] = "dispatch.work.void_label.v1"

    parcel_id: Identifier
    carrier: Identifier

    @property
    def queue(self) -> str:
        return f"labels-{self.carrier}"


class VoidAbandonedLabel(Work):
    """Give back what a carrier may have sold, though it gave no answer, for a rerouted parcel."""

    type: ClassVar[str] = "dispatch.work.void_abandoned_label.v1"

    label_id: Identifier
    parcel_id: Identifier
    carrier: Identifier

    @property
    def queue(self) -> str:
        return f"labels-{self.carrier}"
