"""Sample orders without an end, as long as `up` runs."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from google.api_core.exceptions import GoogleAPICallError

from emulators.laptop.stack import Stack
from emulators.line.run import Line
from emulators.line.sample import sample_shop
from emulators.line.script import SAMPLE, Message, write_script
from emulators.line.shop import Shop
from shared.kit.clock import utc_now
from shared.kit.errors import DispatchError

ORDERS_A_ROUND = 200  # with the stock that they want, most of it before them
TOLD_EVERY_S = 10.0


@contextmanager
def streaming(
    stack: Stack, orders_per_minute: float, report: Callable[[str], None]
) -> Iterator[None]:
    """Load the sample catalogue, then publish sample orders until the block ends."""
    line = Line(stack.environment, stack.addresses["google"])
    shop = _round()
    report("loading the sample catalogue")
    line.load(shop)
    over = threading.Event()
    thread = threading.Thread(
        target=_stream, args=(line, shop, orders_per_minute, over, report), daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        line.close()


def _stream(
    line: Line,
    shop: Shop,
    orders_per_minute: float,
    over: threading.Event,
    report: Callable[[str], None],
) -> None:
    if orders_per_minute <= 0:
        return
    told = _Told(line, report)
    while True:
        messages = write_script(shop, utc_now(), SAMPLE).messages
        for number, message in enumerate(messages):
            if number == len(messages) // 2:
                line.receive(shop.later, f"{shop.name}-later")
            # What follows its order at once may still find it in time.
            if over.wait(60 / orders_per_minute if message.is_order else 0):
                return
            _publish(line, message)
            told()
        shop = _round()
        line.receive(shop.stock, f"{shop.name}-opening")


def _round() -> Shop:
    now = utc_now()
    return sample_shop(ORDERS_A_ROUND, int(now.timestamp()), f"sample-{now:%y%m%d%H%M%S}")


def _publish(line: Line, message: Message) -> None:
    try:
        line.channel.publish("orders", [message])
    except GoogleAPICallError:
        return  # Pub/Sub is being restarted; a channel would try again, a sample need not


class _Told:
    """Says now and then what has become of the orders."""

    def __init__(self, line: Line, report: Callable[[str], None]) -> None:
        self._line = line
        self._report = report
        self._next = utc_now().timestamp() + TOLD_EVERY_S

    def __call__(self) -> None:
        if utc_now().timestamp() < self._next:
            return
        self._next = utc_now().timestamp() + TOLD_EVERY_S
        try:
            states = self._line.books.orders_by_state()
        except DispatchError:
            return  # the database is being restarted
        self._report(
            "orders: " + ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
        )
