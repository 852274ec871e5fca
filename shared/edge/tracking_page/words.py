"""All that the page says, a value for each language.

A word that one language lacks is a type error; that the tables in it are whole, and that the same
names stand in braces everywhere, is tested.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.ops.order_story import Arrival, Situation, Step


@dataclass(frozen=True, slots=True)
class Counted:
    """A sentence about {count} of something."""

    one: str
    many: str

    def of(self, count: int, **more: str) -> str:
        """The sentence for so many."""
        return (self.one if count == 1 else self.many).format(count=count, **more)


@dataclass(frozen=True, slots=True)
class Words:
    """One language. In braces: {day} is "Thursday, 3 December" or "today", {on} "on Thursday, …".

    Attributes:
        arrivals: headlines of what is under way, by how much is known.
        headlines: those of all other situations.
        details: what happens at the moment, a sentence.
        actions: what the customer can do, where there is something.
        reasons: why a parcel does not go its usual way, and what the customer can do.
        statuses: lines of a history.
    """

    name: str
    order: str
    title: str
    arrivals: Mapping[Arrival, str]
    headlines: Mapping[Situation, str]
    details: Mapping[Situation, str]
    actions: Mapping[Situation, str]
    reasons: Mapping[str, str]
    statuses: Mapping[str, str]
    steps: Mapping[Step, str]
    progress: str
    step_done: str
    step_now: str
    step_ahead: str
    ordered: str
    promised: str
    late: str
    parcel: str
    parcels: str
    parcels_coming: str
    parcels_arrived: str
    parcels_delivered: Counted
    parcel_number: str
    items: Counted
    by_carrier: str
    code_end: str
    history: str
    last_seen: str
    out_of_stock: Counted
    restocked: str
    waiting: Counted
    cancelled: Counted
    wanted_back: str
    zone: str
    privacy: str
    languages: str
    nothing_title: str
    nothing: str
    trouble_title: str
    trouble: str
