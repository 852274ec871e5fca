"""What Dispatch has to believe of every shelf, given the reports that it has applied so far.

In the end a balance is what lies there, but a mistake may be healed long before that: the next
count sets right what the last one got wrong. So it is remembered here what every report says, and
the balances are compared whenever one was applied.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

Place = tuple[str, str]  # SKU, warehouse

NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Report:
    """What is told of some shelves as of its time: units that came or left, or were counted.

    Units that are `missing_from` a parcel are gone only if the report is what ended the parcel. A
    count has an id.
    """

    at: datetime
    units: Mapping[Place, int]
    count_id: str | None = None
    missing_from: str | None = None


@dataclass(slots=True)
class Shelf:
    """One SKU in one warehouse, as Dispatch has to believe it.

    Attributes:
        units: how many there are.
        counted_at: when the newest count was taken that was applied.
        moved: when what came or left that is newer than this count, of what was applied, and
            whether it was missed.
    """

    units: int = 0
    counted_at: datetime = NEVER
    moved: list[tuple[datetime, int, bool]] = field(default_factory=list)

    def move(self, at: datetime, units: int, *, missed: bool) -> None:
        """Believe that units came or left, unless a newer count has seen it already."""
        if at > self.counted_at:
            self.moved.append((at, units, missed))
            self.units += units

    def count(self, at: datetime, units: int, *, was_open: bool = False) -> None:
        """Believe a count, unless there is a newer one.

        One that was open did not find what was missed after it.
        """
        if at > self.counted_at:
            self.counted_at = at
            self.moved = [
                (then, moved, missed)
                for then, moved, missed in self.moved
                if then > at and not (was_open and missed)
            ]
            self.units = units + sum(moved for _, moved, _ in self.moved)


class Shelves:
    """All shelves, and the reports that are on their way.

    Attributes:
        reported: event id -> what a warehouse reports in it.
        left: parcel id -> what went with it; its carrier tells of it.
    """

    def __init__(self) -> None:
        self.reported: dict[str, Report] = {}
        self.left: dict[str, Report] = {}
        self._shelves: dict[Place, Shelf] = {}
        self._open: dict[Place, tuple[datetime, int]] = {}  # counts that found too few

    def __getitem__(self, place: Place) -> Shelf:
        return self._shelves.setdefault(place, Shelf())

    def apply(self, name: str, open_counts: Mapping[Place, str]) -> None:
        """Dispatch has applied what it was told under this event id, or of this parcel.

        It says which counts are open: they found fewer than was promised, and wait.
        """
        report = self.reported.pop(name, None) or self.left.pop(name)
        for place, units in report.units.items():
            if report.count_id is None:
                self[place].move(report.at, units, missed=report.missing_from is not None)
            elif place not in self._open or report.at >= self._open[place][0]:
                if open_counts.get(place) == report.count_id:
                    self._open[place] = report.at, units
                else:
                    self._open.pop(place, None)
                    self[place].count(report.at, units)

    def settle(self, open_counts: Mapping[Place, str]) -> None:
        """Counts that are not open any more have been applied."""
        for place in self._open.keys() - open_counts.keys():
            at, units = self._open.pop(place)
            self[place].count(at, units, was_open=True)
