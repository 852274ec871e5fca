"""How much of its limits a label queue uses."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from emulators.laptop.manifest import QueueLimits

EXPRESS = "express-"
LABELS = "labels-"


@dataclass(frozen=True, slots=True)
class QueueUsage:
    """A queue of a carrier: what waits in it, and its rate beside the most that there may be."""

    queue: str
    carrier: str
    tasks: int  # waiting, and to be tried again
    in_flight: int
    max_concurrent: int
    rate_per_second: float
    max_per_second: float


def usage(
    queues: Mapping[str, QueueLimits],
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    elapsed_s: float,
) -> list[QueueUsage]:
    """The queues as two looks at the figures of Cloud Tasks, so many seconds apart, show them."""
    earlier, later = _by_name(before), _by_name(after)
    found = []
    for queue, limits in queues.items():
        if queue not in earlier or queue not in later:
            continue
        now = later[queue]
        dispatched = now["dispatched"] - earlier[queue]["dispatched"]
        found.append(
            QueueUsage(
                queue=queue,
                carrier=queue.removeprefix(EXPRESS).removeprefix(LABELS),
                tasks=now["depth"],
                in_flight=now["in_flight"],
                max_concurrent=limits.max_concurrent,
                # The stand-in counts from nothing when it is started anew.
                rate_per_second=round(max(0, dispatched) / elapsed_s, 1),
                max_per_second=limits.max_per_second,
            )
        )
    return found


def _by_name(figures: Mapping[str, Any]) -> dict[str, Any]:
    return {name.rpartition("/")[2]: counts for name, counts in figures.get("queues", {}).items()}
