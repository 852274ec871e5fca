"""Which rooms a message names, so that who looks on there sees the page change."""

import pytest

from shared.contracts.base import Event, Work
from shared.contracts.stock_facts import StockAvailableChanged, StockIncreased
from shared.contracts.work import BuyLabel, PlaceOrder
from shared.platform.live_changes import rooms_of


@pytest.mark.parametrize(
    ("message", "rooms"),
    [
        (PlaceOrder(order_id="ord_1", priority="bulk"), ["order:ord_1", "queue:bulk"]),
        (BuyLabel(parcel_id="p", carrier="c"), ["parcel:p", "carrier:c", "queue:standard"]),
        (
            StockIncreased(warehouse="BER", available={"MUG": 2, "PEN": 0}),
            ["warehouse:BER", "sku:MUG", "sku:PEN"],
        ),
        # It sums up what those who changed the balances have told in their rooms already.
        (StockAvailableChanged(available={"MUG": 2}), []),
    ],
)
def test_a_message_is_heard_where_what_it_is_about_is_shown(
    message: Event | Work, rooms: list[str]
) -> None:
    assert list(rooms_of(message)) == rooms
