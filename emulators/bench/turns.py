"""Figures that are measured in turns with their floors, round by round."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from emulators.bench.report import Figure


@dataclass(frozen=True, slots=True)
class Kind:
    """What is measured; `goal` and `at_most` as those of a `Figure`."""

    what: str
    unit: str
    goal: float | None = None
    at_most: bool = False


@dataclass(frozen=True, slots=True)
class Turns:
    """The rounds so far: of each kind the values, and what the machine allowed beside them."""

    _rounds: dict[Kind, list[tuple[float, float]]] = field(default_factory=dict)

    def add(self, kind: Kind, value: float, floor: float) -> None:
        """One round more of a kind."""
        self._rounds.setdefault(kind, []).append((value, floor))

    def figures(self) -> list[Figure]:
        """Every kind, in the order in which they were measured first."""
        return [
            Figure(
                what=kind.what,
                unit=kind.unit,
                rounds=[value for value, _ in rounds],
                floor_rounds=[floor for _, floor in rounds],
                goal=kind.goal,
                at_most=kind.at_most,
            )
            for kind, rounds in self._rounds.items()
        ]

    def last(self, kinds: Iterable[Kind]) -> str:
        """The latest round of these kinds, for people who wait."""
        latest = [(kind, *self._rounds[kind][-1]) for kind in kinds]
        return "; ".join(
            f"{kind.what} {value:,.0f} {kind.unit}, {value / floor:.2f} of its floor"
            for kind, value, floor in latest
        )
