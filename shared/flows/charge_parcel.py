"""A parcel was planned: charge it. It was cancelled: take the charges back."""

from shared.contracts.parcels import ParcelCancelled, ParcelCharged, ParcelPlanned
from shared.costing import store as costing
from shared.costing.book import Bookshelf
from shared.costing.rules import charges_for
from shared.costing.types import Charge, Sent
from shared.platform import outbox
from shared.platform.db import Transaction, Write
from shared.shipments import store as shipments
from shared.shipments.types import ParcelState


def charge_parcel(tx: Transaction, event: ParcelPlanned, shelf: Bookshelf) -> None:
    """Charge by the rate card version that was valid when the parcel was planned.

    A parcel that is cancelled by now is not charged: its cancellation may have been first.

    Raises:
        NoRateCard, NotCarried: no price; the parcel should not have been planned.
    """
    parcel = shipments.find(tx, event.parcel_id)
    if parcel is None or parcel.state is ParcelState.CANCELLED:
        return
    book = shelf.book(tx.now, lambda: costing.read_book(tx))
    card = book.card(event.carrier, event.service, event.planned_at)
    sent = Sent(
        weight_g=event.weight_g,
        distance_m=event.distance_m,
        zone=event.zone,
        volume_mm3=event.volume_mm3,
        longest_mm=event.longest_mm,
        is_residential=event.residential,
    )
    charges = charges_for(card, sent)
    tx.write(
        costing.charge(tx, event.parcel_id, event.order_id, charges, "charge"),
        _announce(tx, event, charges),
    )


def take_charges_back(tx: Transaction, event: ParcelCancelled) -> None:
    """Book the opposite of everything that was charged for the parcel."""
    charges = tuple(
        charge._replace(amount=-charge.amount) for charge in costing.charged(tx, event.parcel_id)
    )
    if charges:
        tx.write(
            costing.charge(tx, event.parcel_id, event.order_id, charges, "reversal"),
            _announce(tx, event, charges),
        )


def _announce(
    tx: Transaction, event: ParcelPlanned | ParcelCancelled, charges: tuple[Charge, ...]
) -> Write:
    return outbox.put(
        tx,
        ParcelCharged(
            parcel_id=event.parcel_id,
            order_id=event.order_id,
            items={charge.kind: charge.amount.amount_cents for charge in charges},
            currency=charges[0].amount.currency,
        ),
    )
