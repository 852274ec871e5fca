"""One version of a service's rate card, to look at."""

from shared.costing import store as costing
from shared.costing.types import RateCard, UnknownRateCard
from shared.platform.db import Transaction


def show_rates(tx: Transaction, carrier: str, service: str, version: int | None) -> RateCard:
    """That version; without a number the one that is valid now, or the first that will be.

    Raises:
        UnknownRateCard: there is no such service, or no such version of it.
    """
    versions = costing.read_book(tx).versions(carrier, service)
    if not versions:
        raise UnknownRateCard(
            f"service: {carrier} has no service {service}", field="service", carrier=carrier
        )
    if version is None:
        begun = [card for card in versions if card.valid_from <= tx.now]
        return begun[-1] if begun else versions[0]
    for card in versions:
        if card.version == version:
            return card
    raise UnknownRateCard(
        f"version: {carrier} {service} has versions 1 to {len(versions)}",
        field="version",
        carrier=carrier,
    )
