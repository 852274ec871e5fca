"""A flash sale as its channel sees it: who orders, what is there, and who would be next in line.

Who is to be served first is worked out from what was published, not from what the product kept.
"""

import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random

from emulators.bench.traffic import plentiful
from emulators.line.sample import sample_shop
from emulators.line.shop import Shop, ShopOrder

HOT = "FLASH-SALE"
HOT_WEIGHT_G = 420
HOT_PRICE_CENTS = 1_990
EVERYDAY_EVERY = 10  # one order for other goods follows that many of the sale
SERVICE_LEVELS = ("express", "standard", "economy")
OFTEN = (15, 65, 20)
# Far enough to leave the priority to the service level; whole hours, so that many are equal.
PROMISED_AFTER_H = range(48, 289)


@dataclass(frozen=True, slots=True)
class Sale:
    """What is published, in this order, and what is there before it."""

    shop: Shop
    orders: Sequence[ShopOrder]
    hot: Mapping[str, ShopOrder]  # those for the SKU of the sale, by order id

    @property
    def warehouses(self) -> list[str]:
        """Where the SKU of the sale lies."""
        return sorted(self.shop.stock)


def sale(orders: int, units: int, seed: int = 1) -> Sale:
    """`orders` orders for one unit each of a SKU of which there are `units`, and others among them.

    The units lie in all warehouses of the sample shop, evenly; of other goods there is plenty.
    """
    random = Random(seed)  # noqa: S311  a script, not a secret
    hot = [_hot(order, random) for order in sample_shop(orders, seed, name="sale").orders]
    everyday = sample_shop(orders // EVERYDAY_EVERY, seed + 1, name="everyday").orders
    return Sale(_stocked(units), list(_mixed(hot, everyday)), {one.order_id: one for one in hot})


def next_in_line(
    sale: Sale, sent_at: Mapping[str, datetime], waiting: Collection[str], units: int
) -> set[str]:
    """Those of the waiting orders that more units are for: by priority, then promise, then id."""

    def place_in_line(order_id: str) -> tuple[int, datetime, str]:
        order = sale.hot[order_id]
        promised_at = sent_at[order_id] + order.promised_after
        return SERVICE_LEVELS.index(order.service_level), promised_at, order_id

    return set(sorted(waiting, key=place_in_line)[:units])


def _hot(order: ShopOrder, random: Random) -> ShopOrder:
    return replace(
        order,
        after=timedelta(0),
        service_level=random.choices(SERVICE_LEVELS, weights=OFTEN)[0],
        promised_after=timedelta(hours=random.choice(PROMISED_AFTER_H)),
        lines=({"line_no": 1, "sku": HOT, "quantity": 1, "unit_price_cents": HOT_PRICE_CENTS},),
    )


def _mixed(hot: Sequence[ShopOrder], everyday: Sequence[ShopOrder]) -> Iterator[ShopOrder]:
    others = iter(everyday)
    for number, order in enumerate(hot, start=1):
        yield order
        if number % EVERYDAY_EVERY == 0:
            yield from itertools.islice(others, 1)


def _stocked(units: int) -> Shop:
    shop = plentiful()
    # With sides, for carriers whose vendor sells nothing without.
    sides = {"length_mm": 200, "width_mm": 150, "height_mm": 100}
    skus = [*shop.catalogue["skus"], {"sku": HOT, "weight_g": HOT_WEIGHT_G, **sides}]
    share, over = divmod(units, len(shop.stock))
    return replace(
        shop,
        catalogue={**shop.catalogue, "skus": skus},
        stock={
            warehouse: {**others, HOT: share + (number < over)}
            for number, (warehouse, others) in enumerate(sorted(shop.stock.items()))
        },
    )
