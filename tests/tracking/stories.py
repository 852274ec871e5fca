"""Parcels' stories as vendors tell them, and what must be known once all of it has been told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

from shared.tracking.fold import ON_THE_WAY, Progress, fold
from shared.tracking.types import TrackingStatus, TrackingUpdate
from tests.tracking.lab.cases.case import Scan
from tests.tracking.lab.cases.table import ALL_VENDORS, CASES

# How a story ends, and how many of a hundred do so.
ENDS: Mapping[tuple[TrackingStatus, ...], int] = {
    (TrackingStatus.DELIVERED,): 75,
    (TrackingStatus.DELIVERED, TrackingStatus.RETURN_TO_SENDER): 8,
    (TrackingStatus.RETURN_TO_SENDER,): 7,
    (): 10,
}
STRANGE_SHARE = 0.02  # codes that no table has
WHOLE_SHARE = 0.1  # messages with the whole history, as most vendors send them
MOST_SCANS = 4  # in each of the others
_NO_MOMENT = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Story:
    """A parcel's updates, by the vendor that tells of it, oldest first."""

    code: str
    vendor: str
    bodies: tuple[bytes, ...]

    def updates(self) -> dict[str, TrackingUpdate]:
        """All that is in them, each content once."""
        found: dict[str, TrackingUpdate] = {}
        for body in self.bodies:
            report = ALL_VENDORS[self.vendor].read(body)
            assert report is not None
            assert report.tracking_code == self.code
            found |= {update.content_id: update for update in report.updates}
        return found

    def end(self) -> Progress:
        """What must be known in the end: the pure fold over what happened, in order."""
        return fold(Progress(), sorted(self.updates().values(), key=lambda one: one.occurred_at))


def story(code: str, vendor: str, length: int, begun_at: datetime, random: Random) -> Story:
    """So many updates, the last of them with all that happened."""
    moment, history = begun_at, list[Scan]()
    ends = random.choices([*ENDS], [*ENDS.values()])[0]
    for number in range(length):
        left = length - number
        status = ends[-left] if left <= len(ends) else random.choice(ON_THE_WAY[1:])
        history.append(Scan(*_codes(vendor, status, random), moment, f"seen {number}"))
        moment += timedelta(minutes=random.choice((0, 7, 45, 300)))
    bodies = [_message(code, vendor, history[: n + 1], random) for n in range(length - 1)]
    return Story(code, vendor, (*bodies, CASES[vendor].body(code, history)))


def standing(status: str, at: str) -> tuple[int, datetime, int]:
    """How far along a parcel is that is said to be there; later news never stands lower."""
    found, moment = TrackingStatus(status), datetime.fromisoformat(at)
    if found in (TrackingStatus.DELIVERED, TrackingStatus.RETURN_TO_SENDER):
        return 1 + (found is TrackingStatus.RETURN_TO_SENDER), _NO_MOMENT, 0
    return 0, moment, ON_THE_WAY.index(found)


def _message(code: str, vendor: str, history: Sequence[Scan], random: Random) -> bytes:
    whole = random.random() < WHOLE_SHARE
    scans = history if whole else history[-random.randint(1, MOST_SCANS) :]
    return CASES[vendor].body(code, scans)


def _codes(vendor: str, status: TrackingStatus, random: Random) -> tuple[str, str]:
    """The vendor's codes for it, or for something else where it has no such word."""
    if status in ON_THE_WAY and random.random() < STRANGE_SHARE:
        return "TELEPORTED", ""
    documented = [
        (raw, detail, meaning.status)
        for raw, detail, meaning in ALL_VENDORS[vendor].statuses.documented()
    ]
    fitting = [(raw, detail) for raw, detail, said in documented if said is status]
    return random.choice(fitting) if fitting else CASES[vendor].moving
