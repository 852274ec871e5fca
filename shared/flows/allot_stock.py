"""A sale gets units of its own: set aside, and nobody else can be promised them."""

from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from shared.contracts.base import Identifier
from shared.flows.lay_anew import Word, lay_anew, refuse_broken, said_before
from shared.flows.spread_stock import refuse_spread
from shared.flows.stocked import checked_warehouse
from shared.kit.errors import Malformed
from shared.platform.db import Transaction
from shared.stock import partitions
from shared.stock import store as stock
from shared.stock.types import NoSuchSpread, NotEnoughToAllot

_NAME: TypeAdapter[str] = TypeAdapter(Identifier)
MOST_UNITS = 10_000_000


@dataclass(frozen=True, slots=True)
class AllotStock:
    """Units of a SKU in a warehouse are to be the sale's alone.

    `into` says over how many rows they are spread; None: as those that it has, or in one.
    """

    sale: str
    sku: str
    warehouse: str
    units: int
    word: Word
    into: int | None = None


def allot_stock(tx: Transaction, wanted: AllotStock) -> None:
    """Take the units out of the pool. Where the sale has some already these are more of them.

    Safety is not for sale, and neither is what is promised. The same reference again changes
    nothing.

    Raises:
        Malformed, NoSuchSpread: the units, the rows, or the name of the sale cannot be.
        UnknownWarehouse, UnknownSku, KitHasNoStock: names the field.
        BalanceFencedOff: its figures cannot be right; it is to be counted first.
        NotEnoughToAllot: says how many can be promised there.
    """
    _check(wanted)
    checked_warehouse(tx, wanted.warehouse, [wanted.sku], field="sku")
    stock.ensure_levels(tx, wanted.warehouse, [wanted.sku])
    locked = stock.lock(tx, [(wanted.sku, wanted.warehouse)])
    word = wanted.word.to("allot")
    if said_before(tx, word, wanted.sku, wanted.warehouse):
        return
    levels = locked.of(wanted.sku, wanted.warehouse)
    refuse_broken(level for level in levels if level.allotment in {None, wanted.sale})
    rows = sum(level.allotment == wanted.sale for level in levels)
    if rows and wanted.into not in {None, rows}:
        raise NoSuchSpread(
            f"into: {wanted.sale} has units of {wanted.sku} in {rows} rows; leave `into` out to add"
            " to them, or end the allotment first",
            field="into",
            sku=wanted.sku,
            warehouse=wanted.warehouse,
        )
    free = sum(level.available for level in levels if level.allotment is None)
    if wanted.units > free:
        raise NotEnoughToAllot(
            f"units: {wanted.units} of {wanted.sku} are asked for, and {free} are free in"
            f" {wanted.warehouse}; ask for no more than that, or in another warehouse",
            field="units",
            sku=wanted.sku,
            warehouse=wanted.warehouse,
            free=free,
        )
    after = partitions.with_allotment(levels, wanted.sale, wanted.units, wanted.into or 1)
    lay_anew(tx, locked, after, word)


def _check(wanted: AllotStock) -> None:
    if wanted.into is not None:
        refuse_spread(wanted.into)
    if not 1 <= wanted.units <= MOST_UNITS:
        raise Malformed(
            f"units: {wanted.units} is not from 1 to {MOST_UNITS}; to give units back, end the"
            " allotment",
            field="units",
        )
    try:
        _NAME.validate_python(wanted.sale)
    except ValidationError:
        raise Malformed(
            "sale: a name is 1 to 64 letters, digits or . _ : / -", field="sale"
        ) from None
