"""What decisions follow, as one process knows it: rate cards, policies, who works."""

from collections.abc import Callable, Mapping

from shared.carriers import switched_off
from shared.contracts.queue_limits import has_queues
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

    def __init__(self, can_be_asked: Callable[[str], bool] = has_queues) -> None:
        """`can_be_asked` says of which carriers labels can be bought at all."""
        self._can_be_asked = can_be_asked
        self._cards = Bookshelf()
        self._policies = Kept[PolicyBook]()
        self._working = Kept[Mapping[str, Working]]()
        self._switched_off = Kept[frozenset[str]]()

    def cards(self, tx: Transaction) -> RateBook:
        """Every version of every rate card by which something can be sent."""
        return self._cards.book(tx.now, lambda: costing.read_book(tx).only(self._can_be_asked))

    def policies(self, tx: Transaction) -> PolicyBook:
        """Every version of every policy."""
        return self._policies.get(tx.now, lambda: placement_policies.read_book(tx))

    def switched_off(self, tx: Transaction) -> frozenset[str]:
        """The carriers that nothing is planned with, because somebody said so."""
        return self._switched_off.get(tx.now, lambda: switched_off.carriers(tx))

    def working(self, tx: Transaction) -> Mapping[str, Working]:
        """When every warehouse works."""
        return self._working.get(tx.now, lambda: warehouses.working(tx))
