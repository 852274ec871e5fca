"""What really lies on shelves, and what Dispatch has to believe: the model of the random test."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

Place = tuple[str, str]  # SKU, warehouse
# "happens", "booked", "missed" (booked of a short pick), "counted", or "short" (open since).
Effect = tuple[str, Place, int, datetime]

# So few that most are promised from the beginning: then a count may find fewer than that.
OPENING = {("MUG", "BER"): 4, ("PEN", "BER"): 4, ("MUG", "LIS"): 2, ("PEN", "LIS"): 2}
_COUNTS = frozenset({"counted", "short"})


def stocked(units: Mapping[Place, int]) -> dict[str, dict[str, int]]:
    """The same by warehouse, as a catalogue has it."""
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for (sku, warehouse), there in units.items():
        found[warehouse][sku] = there
    return found


class Shelves:
    """What really lies where, and how far the books are from it. This is the model."""

    def __init__(self) -> None:
        self.units = Counter(OPENING)
        self.ahead = Counter[Place]()  # what the books have more than there is
        self.counted_at: dict[Place, datetime] = {}
        self.open: dict[
            Place, tuple[datetime, int]
        ] = {}  # counts; what they and the books add up to

    def apply(self, effects: Iterable[Effect]) -> None:
        """What happened, in any order: a count is of the moment before."""
        for what, place, units, at in sorted(effects, key=lambda effect: effect[0] not in _COUNTS):
            if what == "counted":
                self.ahead[place], self.counted_at[place] = 0, at
                self.open.pop(place, None)
            elif what == "short":
                self.open[place] = at, units
            elif what == "happens":
                self.units[place] += units
                self.ahead[place] -= units
            else:
                self._book(place, units, at, missed=what == "missed")

    def _book(self, place: Place, units: int, at: datetime, *, missed: bool) -> None:
        if place not in self.counted_at or at > self.counted_at[place]:
            self.ahead[place] += units
        if place in self.open and at > self.open[place][0] and not missed:
            since, there = self.open[place]
            self.open[place] = since, there + units

    def settle(self, still_open: Collection[Place]) -> None:
        """Counts that are not open any more say what the books have."""
        for place in self.open.keys() - still_open:
            at, there = self.open.pop(place)
            self.ahead[place], self.counted_at[place] = there - self.units[place], at
