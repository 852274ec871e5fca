"""Tables that turn a vendor's codes into our words."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from shared.tracking.types import TrackingReason, TrackingStatus


class Meaning(NamedTuple):
    """What a vendor's codes say in our words; not `is_documented` where the table lacks them."""

    status: TrackingStatus
    reason: TrackingReason | None = None
    is_documented: bool = True


@dataclass(frozen=True, slots=True)
class StatusTable:
    """The codes that a vendor's documents define.

    Attributes:
        by_status: the vendor's status -> our word.
        by_detail: (status, detail) -> our word, where ours are finer than the vendor's status.
        plain_details: details that say no more than the status beside them.
    """

    by_status: Mapping[str, Meaning]
    by_detail: Mapping[tuple[str, str], Meaning] = field(default_factory=dict)
    plain_details: frozenset[str] = frozenset()

    def meaning(self, raw_status: str, detail: str) -> Meaning:
        """Our words for the vendor's; what the table does not have is unknown, never a guess.

        A detail that the table does not have leaves the status as it is, and is not documented.
        """
        finer = self.by_detail.get((raw_status, detail))
        if finer is not None:
            return finer
        usual = self.by_status.get(raw_status)
        if usual is None:
            return Meaning(TrackingStatus.UNKNOWN, is_documented=False)
        if detail and detail not in self.plain_details:
            return Meaning(usual.status, usual.reason, is_documented=False)
        return usual

    def documented(self) -> Iterator[tuple[str, str, Meaning]]:
        """Every status and detail with its own row, and what it means."""
        for raw_status, meaning in self.by_status.items():
            yield raw_status, "", meaning
        for (raw_status, detail), meaning in self.by_detail.items():
            yield raw_status, detail, meaning
