"""The balance of a SKU that many want at once is spread over rows, so that they need not queue."""

from dataclasses import dataclass

from shared.flows.lay_anew import Word, lay_anew, refuse_broken, said_before
from shared.flows.stocked import checked_warehouse
from shared.platform.db import Transaction
from shared.stock import partitions
from shared.stock import store as stock
from shared.stock.partitions import MOST_PARTITIONS
from shared.stock.types import NoSuchSpread


@dataclass(frozen=True, slots=True)
class SpreadStock:
    """The pool of a SKU in a warehouse is to lie in `into` rows; in one: merge it."""

    sku: str
    warehouse: str
    into: int
    word: Word


def spread_stock(tx: Transaction, wanted: SpreadStock) -> None:
    """Deal the free units and the safety evenly over the rows.

    What is reserved or held stays where it is. A row that is too many is shut: nothing is promised
    from it, and `empty_partitions` lays into the others what becomes free there. What sales have
    for themselves is not touched. The same reference again changes nothing.

    Raises:
        NoSuchSpread: over none, or over too many.
        UnknownWarehouse, UnknownSku, KitHasNoStock: names the field.
        BalanceFencedOff: its figures cannot be right; it is to be counted first.
    """
    refuse_spread(wanted.into)
    checked_warehouse(tx, wanted.warehouse, [wanted.sku], field="sku")
    stock.ensure_levels(tx, wanted.warehouse, [wanted.sku])
    locked = stock.lock(tx, [(wanted.sku, wanted.warehouse)])
    word = wanted.word.to("spread")
    if said_before(tx, word, wanted.sku, wanted.warehouse):
        return
    levels = locked.of(wanted.sku, wanted.warehouse)
    refuse_broken(level for level in levels if level.allotment is None)
    lay_anew(tx, locked, partitions.spread(levels, wanted.into), word)


def refuse_spread(into: int) -> None:
    """A spread has at least one row, and not so many that looking at all of them takes long.

    Raises:
        NoSuchSpread: names the field.
    """
    if not 1 <= into <= MOST_PARTITIONS:
        raise NoSuchSpread(
            f"into: {into} is not from 1 to {MOST_PARTITIONS}; 1 merges what is spread, and 8 serve"
            " most sales",
            field="into",
        )
