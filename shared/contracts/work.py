"""Pieces of work, each one Cloud Task."""

from typing import Annotated, ClassVar

from pydantic import Field

from shared.contracts.base import Identifier, Moment, Work

POLLED_TOGETHER = 50  # parcels in one question to a carrier


class PlaceOrder(Work):
    """Place the order if it waits for it; otherwise there is nothing to do."""

    type: ClassVar[str] = "dispatch.work.place_order.v1"

    order_id: Identifier
    priority: str

    @property
    def queue(self) -> str:
        return f"placement-{self.priority}"


def _labels(carrier: str) -> str:
    """The queue in which a carrier is asked about its labels, at the rate that it allows."""
    return f"labels-{carrier}"


def queues_of(carrier: str) -> frozenset[str]:
    """Every queue that work about the carrier goes to."""
    labels = _labels(carrier)
    return frozenset({labels, _express(labels), _polls(carrier)})


def _express(queue: str) -> str:
    return f"express-{queue}"


def _polls(carrier: str) -> str:
    return f"polls-{carrier}"


class BuyLabel(Work):
    """Buy the label of a planned parcel. What is express has a part of the carrier's rate alone."""

    type: ClassVar[str] = "dispatch.work.buy_label.v1"

    parcel_id: Identifier
    carrier: Identifier
    priority: str = "standard"

    @property
    def queue(self) -> str:
        labels = _labels(self.carrier)
        return _express(labels) if self.priority == "express" else labels


class VoidLabel(Work):
    """Give back the label of a cancelled parcel."""

    type: ClassVar[str] = "dispatch.work.void_label.v1"

    parcel_id: Identifier
    carrier: Identifier

    @property
    def queue(self) -> str:
        return _labels(self.carrier)


class VoidAbandonedLabel(Work):
    """Give back what a carrier may have sold, though it gave no answer, for a rerouted parcel."""

    type: ClassVar[str] = "dispatch.work.void_abandoned_label.v1"

    label_id: Identifier
    parcel_id: Identifier
    carrier: Identifier

    @property
    def queue(self) -> str:
        return _labels(self.carrier)


class KeepLabelDocument(Work):
    """Fetch the document of a label that was bought, and keep it for whoever prints it."""

    type: ClassVar[str] = "dispatch.work.keep_label_document.v1"

    label_id: Identifier
    parcel_id: Identifier
    carrier: Identifier

    @property
    def queue(self) -> str:
        return "documents"


class CloseManifest(Work):
    """Ask the carrier to close the day for the labels on a manifest, and keep its document."""

    type: ClassVar[str] = "dispatch.work.close_manifest.v1"

    manifest_id: Identifier
    carrier: Identifier

    @property
    def queue(self) -> str:
        return "manifests"


class PollParcels(Work):
    """Ask a carrier about parcels of which it has sent nothing for a while."""

    type: ClassVar[str] = "dispatch.work.poll_parcels.v1"

    carrier: Identifier
    parcel_ids: Annotated[tuple[Identifier, ...], Field(min_length=1, max_length=POLLED_TOGETHER)]
    asked_at: Moment  # a parcel that was asked about later is left to that question

    @property
    def queue(self) -> str:
        return _polls(self.carrier)


class DeliverWebhook(Work):
    """Send an event to a subscriber, if it waits for that; otherwise there is nothing to do."""

    type: ClassVar[str] = "dispatch.work.deliver_webhook.v1"

    delivery_id: Identifier

    @property
    def queue(self) -> str:
        return "webhooks"


class GiveOutWebhooks(Work):
    """Send all that waits for a subscriber who was enabled, the oldest first, part by part."""

    type: ClassVar[str] = "dispatch.work.give_out_webhooks.v1"

    subscriber_id: Identifier
    after: Annotated[int, Field(ge=0)] = 0  # the sequence of the last one that has its work

    @property
    def queue(self) -> str:
        return "webhooks"
