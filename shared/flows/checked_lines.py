"""The lines of an order, once the catalogue knows everything they name."""

from collections.abc import Sequence

from shared.contracts.orders import OrderedLine
from shared.flows.checked_skus import checked_skus
from shared.orders.types import Line
from shared.platform.db import Transaction


def checked_lines(tx: Transaction, order_id: str, lines: Sequence[OrderedLine]) -> list[Line]:
    """The ordered lines as they are stored.

    Raises:
        UnknownSku: names every line whose SKU is not in the catalogue.
    """
    known = checked_skus(tx, [line.sku for line in lines], order_id=order_id)
    return [Line(n.line_no, n.sku, n.quantity, n.unit_price_cents, known[n.sku]) for n in lines]
