"""What is counted and measured in a process. Free where nobody records it.

Counters and histograms are about this process; what the database knows, such as how many orders
wait, is read by one query in a job and told as gauges (shared/ops/measures.py).
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple, Protocol

Label = str | int | bool


class Metric(NamedTuple):
    """One thing that is measured. `edges`: where a histogram's buckets end, in `unit`."""

    kind: Literal["counter", "histogram", "gauge"]
    unit: str  # UCUM
    about: str
    edges: tuple[float, ...] = ()


_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 7_200)

METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        "dispatch.event.age": Metric(
            "histogram", "s", "how old a message was when it was taken, by its source", _SECONDS
        ),
        "dispatch.step.duration": Metric(
            "histogram", "s", "from a step's arrival to its answer, by function", _SECONDS
        ),
        "dispatch.attempts": Metric(
            "counter", "{attempt}", "steps by source, outcome, and which attempt it was"
        ),
        "dispatch.parked": Metric("counter", "{message}", "messages parked, by source and code"),
        "dispatch.carrier.calls": Metric("counter", "{call}", "calls by carrier and outcome"),
        "dispatch.software.cost": Metric(
            "counter", "USD", "what steps cost at list prices, by function"
        ),
        "dispatch.outbox.depth": Metric("gauge", "{message}", "messages that are to be sent"),
        "dispatch.outbox.age": Metric("gauge", "s", "age of the oldest of them"),
        "dispatch.orders": Metric("gauge", "{order}", "orders that are not closed, by state"),
        "dispatch.orders.accepted": Metric("gauge", "{order}", "orders of the last minute"),
        "dispatch.orders.waiting": Metric("gauge", "{order}", "orders to be placed, by priority"),
        "dispatch.orders.waiting.age": Metric("gauge", "s", "how long the first of them waits"),
        "dispatch.promises": Metric(
            "gauge", "{order}", "unshipped orders whose promise is at risk or broken, by which"
        ),
        "dispatch.letters": Metric("gauge", "{message}", "open dead letters"),
        "dispatch.decisions": Metric(
            "gauge", "{decision}", "decisions of the last minute, by who decided, and outcome"
        ),
        "dispatch.breaker": Metric(
            "gauge", "1", "0: the carrier is called, 1: one call may try, 2: nobody calls"
        ),
    }
)


class Meter(Protocol):
    """Whoever keeps the figures of this process."""

    def add(self, name: str, metric: Metric, value: float, labels: Mapping[str, Label]) -> None:
        """One value more."""


class _Process:
    meter: Meter | None = None


_process = _Process()


def keep_with(meter: Meter | None) -> None:
    """Have the figures of this process kept; None: no longer."""
    _process.meter = meter


def measure(name: str, value: float, **labels: Label) -> None:
    """Add to a counter, put into a histogram, or set a gauge.

    Raises:
        KeyError: `METRICS` does not know the name. A label is a code or a name of ours, never an
            id: each combination is a series that somebody pays for.
    """
    metric = METRICS[name]
    if _process.meter is not None:
        _process.meter.add(name, metric, value, labels)
