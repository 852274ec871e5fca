"""How much of its limits a label queue uses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from emulators.laptop.manifest import QueueLimits
from shared.ops.carriers import Sold

EXPRESS = "express-"
LABELS = "labels-"


@dataclass(frozen=True, slots=True)
class QueueUsage:
    """A queue of a carrier: what waits in it, and its rate beside the most that there may be.

    `rate_per_second` is of tasks at this moment, whatever they do; labels are those that were
    bought, and `used_percent` is what the last minute's are of the most in a minute.
    """

    queue: str
    carrier: str
    tasks: int  # waiting, and to be tried again
    in_flight: int
    max_concurrent: int
    rate_per_second: float
    max_per_second: float
    labels_last_minute: int
    labels_last_hour: int
    max_per_minute: float
    used_percent: float


def usage(
    queues: Mapping[str, QueueLimits],
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    elapsed_s: float,
    sold: Sequence[Sold],
) -> list[QueueUsage]:
    """The label queues as two looks at the figures of Cloud Tasks show them.

    Args:
        queues: with their limits; those that are not of a carrier are left out.
        before: the figures of the first look.
        after: those of the second.
        elapsed_s: between the two.
        sold: what was bought lately.
    """
    earlier, later = _by_name(before), _by_name(after)
    bought = {(one.carrier, one.is_express): one for one in sold}
    found = []
    for queue, limits in queues.items():
        if LABELS not in queue or queue not in earlier or queue not in later:
            continue
        carrier = queue.removeprefix(EXPRESS).removeprefix(LABELS)
        labels = bought.get((carrier, queue.startswith(EXPRESS)), Sold(carrier, False, 0, 0))
        now = later[queue]
        dispatched = now["dispatched"] - earlier[queue]["dispatched"]
        found.append(
            QueueUsage(
                queue=queue,
                carrier=carrier,
                tasks=now["depth"],
                in_flight=now["in_flight"],
                max_concurrent=limits.max_concurrent,
                # The stand-in counts from nothing when it is started anew.
                rate_per_second=round(max(0, dispatched) / elapsed_s, 1),
                max_per_second=limits.max_per_second,
                labels_last_minute=labels.last_minute,
                labels_last_hour=labels.last_hour,
                max_per_minute=60 * limits.max_per_second,
                used_percent=round(100 * labels.last_minute / (60 * limits.max_per_second), 1),
            )
        )
    return found


def _by_name(figures: Mapping[str, Any]) -> dict[str, Any]:
    return {name.rpartition("/")[2]: counts for name, counts in figures.get("queues", {}).items()}
