"""The words of drifts."""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, Protocol


class Figure(StrEnum):
    """Which figure of a balance is not explained."""

    ON_HAND = "on_hand"
    RESERVED = "reserved"
    HELD = "held"
    PROMISED = "promised"  # in parcels and holds, more than is on hand
    MOMENT = "moment"  # of a count or a movement, dated ahead of now: by so many seconds


class Outcome(StrEnum):
    """What reconciliation did about it."""

    REPAIRED = "repaired"
    FENCED = "fenced"  # nothing is promised from the row until it is right


class Books(Protocol):
    """The figures of one row, and what they should be by what happened."""

    @property
    def on_hand(self) -> int: ...
    @property
    def reserved(self) -> int: ...
    @property
    def held(self) -> int: ...
    @property
    def moved(self) -> int: ...
    @property
    def in_parcels(self) -> int: ...
    @property
    def in_holds(self) -> int: ...


class Finding(NamedTuple):
    """A figure as it was found, and what it should be by what explains it."""

    figure: Figure
    found: int
    explained: int
    explained_by: str

    @property
    def difference(self) -> int:
        """By how much the figure is too high; negative where it is too low."""
        return self.found - self.explained


class Verdict(NamedTuple):
    """What is wrong with a row, and what is to be done."""

    findings: tuple[Finding, ...]
    reserved: int  # as they are to be
    held: int
    ledger: int  # units to be entered, so that it agrees with on-hand
    fence: str | None  # why nothing may be promised from the row

    @property
    def outcome(self) -> Outcome:
        return Outcome.REPAIRED if self.fence is None else Outcome.FENCED

    @property
    def wants_count(self) -> bool:
        """Whether only a look at the shelf can say how many units there are."""
        return self.fence is not None or self.ledger != 0


class Drift(NamedTuple):
    """A finding as it is kept."""

    sku: str
    warehouse: str
    partition: int
    finding: Finding
    outcome: Outcome


class KeptDrift(NamedTuple):
    """A drift with its story."""

    drift_id: int
    run_id: str
    found_at: datetime
    actor: str
    drift: Drift
