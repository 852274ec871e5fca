"""The lines of an order or a cart, once the catalogue knows everything they name."""

from collections.abc import Mapping, Sequence

from shared.contracts.orders import OrderedLine
from shared.kit.errors import WrongField
from shared.orders.types import Line
from shared.platform.db import Transaction
from shared.stock import store as stock
from shared.stock.types import UnknownSku


def checked_lines(tx: Transaction, order_id: str, lines: Sequence[OrderedLine]) -> list[Line]:
    """The ordered lines as they are stored.

    Raises:
        UnknownSku: names every line whose SKU is not in the catalogue.
    """
    known = checked_skus(tx, [line.sku for line in lines], order_id=order_id)
    return [Line(n.line_no, n.sku, n.quantity, n.unit_price_cents, known[n.sku]) for n in lines]


def checked_skus(
    tx: Transaction, skus: Sequence[str], **facts: str
) -> Mapping[str, Mapping[str, int] | None]:
    """What each line names; of a kit, the units of each component in one.

    Raises:
        UnknownSku: names every line whose SKU is not in the catalogue.
    """
    known = stock.known(tx, skus)
    wrong = [
        WrongField(f"lines.{position}.sku", f"{sku} is not in the catalogue")
        for position, sku in enumerate(skus)
        if sku not in known
    ]
    if wrong:
        raise UnknownSku.naming(wrong, **facts)
    return known
