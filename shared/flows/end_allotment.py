"""A sale is over: what is left of its own units can be promised to everybody again."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.flows.lay_anew import Word, lay_anew
from shared.flows.steps import Run
from shared.kit.ids import new_id
from shared.platform.db import Transaction
from shared.stock import partitions
from shared.stock import store as stock
from shared.stock.types import NothingAllotted

AT_ONCE = 100  # balances of one transaction


@dataclass(frozen=True, slots=True)
class EndAllotment:
    """Nothing is to be the sale's alone any more, of any SKU in any warehouse."""

    sale: str
    actor: str
    reason: str


def end_allotment(run: Run, wanted: EndAllotment) -> int:
    """Lay what is free into the pools, first to who waits for it. Returns of how many balances.

    What is reserved or held stays until it leaves, and `empty_partitions` lays into the pool what
    does not. Of a sale that has nothing, or not any more, nothing changes.
    """
    ended = 0
    while done := run(lambda tx: _end(tx, wanted)):
        ended += done
    return ended


def end_allotment_at(tx: Transaction, wanted: EndAllotment, sku: str, warehouse: str) -> None:
    """The same for one SKU in one warehouse alone.

    Raises:
        NothingAllotted: the sale has nothing of it there.
    """
    if not _laid_back(tx, wanted, [(sku, warehouse)]):
        raise NothingAllotted(
            f"sale: {wanted.sale} has nothing of {sku} to itself in {warehouse}; choose one of the"
            " allotments that are shown",
            field="sale",
            sku=sku,
            warehouse=warehouse,
        )


def _end(tx: Transaction, wanted: EndAllotment) -> int:
    places = stock.allotted(tx, wanted.sale, AT_ONCE)
    if places:
        _laid_back(tx, wanted, places)
    return len(places)


def _laid_back(tx: Transaction, wanted: EndAllotment, places: Sequence[tuple[str, str]]) -> bool:
    locked = stock.lock(tx, places)
    # Another who ends it at this moment may have been faster.
    still = {key[:2] for key, level in locked.levels.items() if level.allotment == wanted.sale}
    after = [
        level
        for place in sorted(still)
        for level in partitions.without_allotment(locked.of(*place), wanted.sale)
    ]
    if after:
        lay_anew(tx, locked, after, Word(wanted.actor, wanted.reason, new_id("end")))
    return bool(after)
