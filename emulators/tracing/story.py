"""The way of an order as rows: steps in the order in which they began, and what each spent time on.

A trace may be of many: orders are placed together, and an update of a carrier begins a trace of its
own. What belongs to an order is what names its trail, or the order, and all that this is a part of.
Pure.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import ceil
from typing import Any

from shared.edge.arrival import NANO, REQUEST_NANO_USD, SECOND_NANO_USD

PAUSE_NS = 1_000_000_000  # without anything under way, after which a new episode begins
STEPS = frozenset({"server", "consumer"})
HIDDEN = frozenset({"flow"})  # as long as what is in it


@dataclass(frozen=True, slots=True)
class Span:
    """A span as the stand-in tells of it."""

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    kind: str
    service: str
    started_ns: int
    ended_ns: int
    failed: bool
    facts: Mapping[str, Any]

    @property
    def is_step(self) -> bool:
        """Whether it is a whole step, and not a part of one."""
        return self.kind in STEPS

    @property
    def waited_ns(self) -> int:
        """How long its message waited before it; 0 where nobody says so."""
        return int(float(self.facts.get("age_s", 0)) * 1e9)

    @property
    def took_ns(self) -> int:
        """From its beginning to its end."""
        return self.ended_ns - self.started_ns


@dataclass(frozen=True, slots=True)
class Row:
    """A span at its place; `depth` 0 is a step."""

    span: Span
    depth: int


@dataclass(frozen=True, slots=True)
class Episode:
    """Rows with no pause among them."""

    started_ns: int
    ended_ns: int
    rows: Sequence[Row]


@dataclass(frozen=True, slots=True)
class Sum:
    """What it all came to.

    Attributes:
        steps: how many there were, further attempts included.
        retries: attempts beyond the first.
        busy_s: of all steps together.
        waited_s: of their messages, before each step.
        at_most_usd: what the steps cost at list prices.
    """

    steps: int
    retries: int
    busy_s: float
    waited_s: float
    at_most_usd: float

    def as_json(self) -> dict[str, Any]:
        """As JSON shows it."""
        return asdict(self)


def belonging(spans: Sequence[Span], trail: str, order_id: str) -> list[Span]:
    """The spans that tell of the order, in the order of their beginning."""
    by_id = {span.span_id: span for span in spans}
    chosen: set[str] = set()
    for span in spans:
        if span.facts.get("correlation_id") == trail or span.facts.get("order_id") == order_id:
            at: Span | None = span
            while at is not None and at.span_id not in chosen:
                chosen.add(at.span_id)
                at = by_id.get(at.parent_id)
    return sorted(
        (by_id[span_id] for span_id in chosen), key=lambda span: (span.started_ns, span.span_id)
    )


def episodes(spans: Sequence[Span]) -> list[Episode]:
    """The rows by episodes; each step is followed by its parts."""
    made: list[Episode] = []
    for rows in _by_step(spans):
        step = rows[0].span
        began_ns = step.started_ns - step.waited_ns
        ended_ns = max(row.span.ended_ns for row in rows)
        last = made[-1] if made else None
        if last is None or began_ns > last.ended_ns + PAUSE_NS:
            made.append(Episode(began_ns, ended_ns, rows))
        else:
            made[-1] = Episode(
                min(last.started_ns, began_ns),
                max(last.ended_ns, ended_ns),
                [*last.rows, *rows],
            )
    return made


def summed(spans: Sequence[Span]) -> Sum:
    """What the order's steps came to."""
    steps = [span for span in spans if span.is_step]
    busy_s = sum(step.took_ns for step in steps) / 1e9
    return Sum(
        steps=len(steps),
        retries=sum(1 for step in steps if int(step.facts.get("attempt", 1)) > 1),
        busy_s=round(busy_s, 3),
        waited_s=round(sum(step.waited_ns for step in steps) / 1e9, 3),
        at_most_usd=(ceil(busy_s * SECOND_NANO_USD) + len(steps) * REQUEST_NANO_USD) / NANO,
    )


def _by_step(spans: Sequence[Span]) -> Iterator[list[Row]]:
    """Each step with its parts below it; a part whose step is not known stands for itself."""
    known = {span.span_id for span in spans}
    parts: dict[str, list[Span]] = {}
    for span in spans:
        if not span.is_step:
            parts.setdefault(span.parent_id, []).append(span)
    for span in spans:
        if span.is_step or span.parent_id not in known:
            yield [Row(span, 0), *_below(span, parts, 1)]


def _below(span: Span, parts: Mapping[str, Sequence[Span]], depth: int) -> Iterator[Row]:
    for part in parts.get(span.span_id, ()):
        if part.name in HIDDEN:
            yield from _below(part, parts, depth)
        else:
            yield Row(part, depth)
            yield from _below(part, parts, depth + 1)
