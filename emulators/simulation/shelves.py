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

    Units that are `missing_from` a parcel are gone only if the report is what ended the parcel.
    """

    at: datetime
    units: Mapping[Place, int]
    counted: bool = False
    missing_from: str | None = None


@dataclass(slots=True)
class Shelf:
    """One SKU in one warehouse, as Dispatch has to believe it.

    Attributes:
        units: how many there are.
        counted_at: when the newest count was taken that was applied.
        moved: when what came or left that is newer than this count, of what was applied.
    """

    units: int = 0
    counted_at: datetime = NEVER
    moved: list[tuple[datetime, int]] = field(default_factory=list)

    def apply(self, at: datetime, units: int, *, counted: bool) -> None:
        """Believe a report, unless a newer count has seen already what it tells of."""
        if at <= self.counted_at:
            return
        if counted:
            self.counted_at = at
            self.moved = [(then, moved) for then, moved in self.moved if then > at]
            self.units = units + sum(moved for _, moved in self.moved)
        else:
            self.moved.append((at, units))
            self.units += units


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

    def __getitem__(self, place: Place) -> Shelf:
        return self._shelves.setdefault(place, Shelf())

    def apply(self, name: str) -> None:
        """Dispatch has applied what it was told under this event id, or of this parcel."""
        report = self.reported.pop(name, None) or self.left.pop(name)
        for place, units in report.units.items():
            self[place].apply(report.at, units, counted=report.counted)
