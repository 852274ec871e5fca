"""What decisions follow, as one process knows it: rate cards, policies, working warehouses."""

from collections.abc import Mapping

from shared.costing import store as costing
from shared.costing.book import Bookshelf, RateBook
from shared.kit.kept import Kept
from shared.placement import placement_policies
from shared.placement.policy import PolicyBook
from shared.platform.db import Transaction
from shared.stock import warehouses
from shared.stock.warehouses import Working


class Rules:
    """Read when first needed, and anew when older than half a minute."""

    def __init__(self) -> None:
        self._cards = Bookshelf()
        self._policies = Kept[PolicyBook]()
        self._working = Kept[Mapping[str, Working]]()

    def cards(self, tx: Transaction) -> RateBook:
        """Every version of every rate card."""
        return self._cards.book(tx.now, lambda: costing.read_book(tx))

    def policies(self, tx: Transaction) -> PolicyBook:
        """Every version of every policy."""
        return self._policies.get(tx.now, lambda: placement_policies.read_book(tx))

    def working(self, tx: Transaction) -> Mapping[str, Working]:
        """When every warehouse works."""
        return self._working.get(tx.now, lambda: warehouses.working(tx))
