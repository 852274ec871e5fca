"""Parcels on their way: each label that is bought sets one going."""

import asyncio
import random
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field

from emulators.sellers.hooks import Hooks
from emulators.sellers.ledger import Document, Ledger

OVERTAKING_S = 0.05  # apart enough for the later event to arrive first


@dataclass(frozen=True, slots=True)
class Pace:
    """How parcels travel: seconds from step to step, and what is doubled or overtaken."""

    step_s: float
    duplicates: float  # share of the events
    reorder: float  # share of the events
    seed: int


@dataclass(slots=True)
class Moving:
    """A parcel under way. `parcel` is the vendor's document of it, `name` what chance goes by."""

    key: str
    name: str
    parcel: Document
    next_step: int = 0
    kept_back: list[Document] = field(default_factory=list)  # events that the next one overtakes


class Journeys(ABC):
    """Moves parcels along and reports each step, with a share doubled and a share swapped.

    A vendor says what the steps are, which event tells of one, and when a label is void.
    """

    stages: tuple[str, ...]  # what the vendor calls the steps, in their order

    def __init__(self, hooks: Hooks, ledger: Ledger, pace: Pace) -> None:
        self.delivered = 0
        self.stopped = 0  # whose label was taken back
        self._hooks = hooks
        self._ledger = ledger
        self._pace = pace
        self._begun = 0
        self._holding = False
        self._hold_at: str | None = None
        self._held: list[Moving] = []
        self._silent: str | None = None

    @abstractmethod
    def is_void(self, parcel: Document) -> bool:
        """Whether the parcel's label was taken back."""

    @abstractmethod
    def advance(self, parcel: Document, step: int) -> Document:
        """Take a step, and return the event that tells of it."""

    @abstractmethod
    def keep(self, parcel: Document) -> None:
        """Remember the parcel as it is now."""

    @abstractmethod
    def carrier_of(self, parcel: Document) -> str:
        """Who carries the parcel, as the vendor names it."""

    @abstractmethod
    def name_of(self, parcel: Document) -> str:
        """What stays the same of a parcel from run to run, so that chance repeats."""

    def __len__(self) -> int:
        """How many parcels travel or have travelled."""
        return self._begun - self.stopped

    @property
    def held(self) -> int:
        """How many parcels stand still because of `hold`."""
        return len(self._held)

    def resume(self, find: Callable[[str], Document]) -> None:
        """Set going again what an earlier process left under way; needs a running event loop.

        Args:
            find: gives the parcel of a key.
        """
        for key, next_step, kept_back in self._ledger.journeys():
            parcel = find(key)
            self._begun += 1
            moving = Moving(key, self.name_of(parcel), parcel, next_step, kept_back)
            if self.is_void(parcel):
                self.stopped += 1
            elif self._has_arrived(moving):
                self.delivered += 1
            else:
                asyncio.get_running_loop().call_later(self._pace.step_s, self._move, moving)

    def begin(self, key: str, parcel: Document) -> None:
        """Set a parcel going."""
        self._begun += 1
        self._move(Moving(key, self.name_of(parcel), parcel))

    def stop(self, key: str) -> None:
        """The parcel of a label that was taken back goes nowhere any more."""
        self.stopped += 1
        self._held = [moving for moving in self._held if moving.key != key]

    def hold(self, at: str | None) -> None:
        """Stop every parcel where it is, or only once its step is `at`."""
        self._holding, self._hold_at = True, at

    def release(self) -> None:
        """Let the parcels go on, those that stood still at once."""
        self._holding, held, self._held = False, self._held, []
        for moving in held:
            self._move(moving)

    def silence(self, carrier: str | None) -> None:
        """Nothing is told of what this carrier's parcels do from now on; None: all is again."""
        self._silent = carrier

    def _has_arrived(self, moving: Moving) -> bool:
        return moving.next_step == len(self.stages)

    def _move(self, moving: Moving) -> None:
        if self.is_void(moving.parcel):
            self._send_kept_back(moving)  # what has happened is told all the same
            return
        if self._holding and self._stands_at(moving):
            self._send_kept_back(moving)  # nothing is coming that could overtake it
            self._note(moving)
            self._held.append(moving)
            return
        event = self.advance(moving.parcel, moving.next_step)
        moving.next_step += 1
        self._report(moving, event)
        self._note(moving)
        if self._has_arrived(moving):
            self.delivered += 1
        else:
            asyncio.get_running_loop().call_later(self._pace.step_s, self._move, moving)

    def _stands_at(self, moving: Moving) -> bool:
        reached = self.stages[moving.next_step - 1] if moving.next_step else ""
        return self._hold_at in (None, reached)

    def _note(self, moving: Moving) -> None:
        self.keep(moving.parcel)
        self._ledger.keep_journey(moving.key, moving.next_step, moving.kept_back)

    def _report(self, moving: Moving, event: Document) -> None:
        if self._silent is not None and self.carrier_of(moving.parcel) == self._silent:
            return
        # Drawn from the parcel and the step, so that a run repeats whatever overtakes what.
        key = f"{self._pace.seed}:{moving.name}:{moving.next_step}"
        chance = random.Random(key)  # noqa: S311, nothing here is secret
        twice, late = chance.random() < self._pace.duplicates, chance.random() < self._pace.reorder
        if late and not self._has_arrived(moving) and not moving.kept_back:
            moving.kept_back.append(event)
            return
        self._hooks.send(event, times=2 if twice else 1)
        self._send_kept_back(moving)

    def _send_kept_back(self, moving: Moving) -> None:
        for event in moving.kept_back:
            self._hooks.send(event, delay_s=OVERTAKING_S)
        moving.kept_back.clear()
