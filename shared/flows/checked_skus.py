"""Whether the catalogue knows what an order or a cart names."""

from collections.abc import Mapping, Sequence

from shared.kit.errors import WrongField
from shared.platform.db import Transaction
from shared.stock import store as stock
from shared.stock.types import UnknownSku


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
