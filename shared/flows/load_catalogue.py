"""Load what is sold, where it lies and what carriers take."""

from shared.contracts.catalogue import Catalogue
from shared.costing import store as costing
from shared.costing.types import NO_LIMIT_M, Cell
from shared.kit.geo import Point
from shared.orders import store as orders
from shared.orders.types import Priority
from shared.platform.db import Transaction
from shared.stock import store as stock


def load_catalogue(tx: Transaction, catalogue: Catalogue) -> None:
    """Add or replace SKUs, warehouses and ageing rules, and publish the next rate card versions.

    Raises:
        RateCardRefused: a rate card would be valid too soon; nothing of the catalogue is loaded.
    """
    if catalogue.skus:
        stock.put_skus(
            tx,
            [(s.sku, s.weight_g, s.length_mm, s.width_mm, s.height_mm) for s in catalogue.skus],
        )
    for place in catalogue.warehouses:
        stock.put_warehouse(
            tx, place.warehouse, place.address.model_dump(), Point(place.lat, place.lon)
        )
        stock.ensure_levels(tx, place.warehouse, place.safety)
        stock.set_safety(tx, place.warehouse, place.safety)
    for rule in catalogue.ageing:
        orders.set_ageing(tx, Priority(rule.priority), rule.share, Priority(rule.asks))
    for card in catalogue.rate_cards:
        costing.publish(
            tx,
            carrier=card.carrier,
            currency=card.currency,
            handling_cents=card.handling_cents,
            valid_from=card.valid_from,
            cells=[
                Cell(cell.max_distance_m or NO_LIMIT_M, cell.max_weight_g, cell.price_cents)
                for cell in card.cells
            ],
        )
