"""What decisions follow, as one process knows it: rate cards and policies."""

from shared.costing import store as costing
from shared.costing.book import Bookshelf, RateBook
from shared.kit.kept import Kept
from shared.placement import placement_policies
from shared.placement.policy import PolicyBook
from shared.platform.db import Transaction


class Rules:
    """Read when first needed, and anew when older than half a minute."""

    def __init__(self) -> None:
        self._cards = Bookshelf()
        self._policies = Kept[PolicyBook]()

    def cards(self, tx: Transaction) -> RateBook:
        """Every version of every rate card."""
        return self._cards.book(tx.now, lambda: costing.read_book(tx))

    def policies(self, tx: Transaction) -> PolicyBook:
        """Every version of every policy."""
        return self._policies.get(tx.now, lambda: placement_policies.read_book(tx))
