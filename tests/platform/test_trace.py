"""Trace context as the standard wants it, and spans that cost nothing where nobody records them."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulators.laptop.stack import ROOT
from shared.platform import trace
from shared.platform.trace import Context, Fact, Kind, Step, span

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
HEADER = f"00-{TRACE}-{SPAN}-01"


@dataclass
class Kept:
    """A span that the recorder below was told of."""

    name: str
    kind: Kind
    parent: Context | None
    context: Context
    facts: Mapping[str, Fact] = field(default_factory=dict)
    error: str | None = None
    ended: bool = False

    def end(self, facts: Mapping[str, Fact], error: str | None) -> None:
        self.facts, self.error, self.ended = facts, error, True


class Recorder:
    """Remembers spans, numbered in the order in which they began."""

    def __init__(self, *, samples: bool = True) -> None:
        self.kept: list[Kept] = []
        self.steps_ended = 0
        self._samples = samples
        self._numbers = count(1)

    def samples(self, _trace_id: str) -> bool:
        return self._samples

    def start(self, name: str, kind: Kind, parent: Context | None) -> Kept:
        trace_id = parent.trace_id if parent else f"{7:032x}"
        context = Context(trace_id, f"{next(self._numbers):016x}", sampled=True)
        self.kept.append(Kept(name, kind, parent, context))
        return self.kept[-1]

    def step_ended(self) -> None:
        self.steps_ended += 1


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    found = Recorder()
    trace.record_with(found)
    yield found
    trace.record_with(None)


def test_a_traceparent_is_read_and_written_as_it_came() -> None:
    found = trace.parse(HEADER)

    assert found == Context(TRACE, SPAN, sampled=True)
    assert found.header == HEADER


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        HEADER.upper(),
        f"ff-{TRACE}-{SPAN}-01",  # forbidden
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"{HEADER}-more",  # version 00 has four parts
        f"00-{TRACE[:-1]}-{SPAN}-01",
        f" {HEADER}",
        f"{HEADER}\n",
    ],
)
def test_what_is_no_traceparent_is_as_if_it_were_not_there(header: str | None) -> None:
    assert trace.parse(header) is None


def test_of_a_version_from_the_future_what_is_known_is_read() -> None:
    assert trace.parse(f"cc-{TRACE}-{SPAN}-01-what-the-future-brings") == Context(
        TRACE, SPAN, sampled=True
    )


@given(st.text(alphabet="0123456789abcdef-", max_size=60))
def test_whatever_is_read_is_written_so_that_it_is_read_again(text: str) -> None:
    found = trace.parse(text)

    assert found is None or trace.parse(found.header) == found


def test_a_step_continues_the_trace_of_its_message_under_a_span_of_its_own() -> None:
    with Step("step", "consumer", trace.parse(HEADER)):
        found = trace.current()

    assert found is not None
    assert (found.trace_id, found.sampled) == (TRACE, True)
    assert found.span_id != SPAN
    assert trace.current() is None


def test_without_a_parent_a_trace_begins_and_each_is_another() -> None:
    begun = set()
    for _ in range(3):
        with Step("step", "server", None):
            found = trace.current()
            assert found is not None
            assert trace.parse(found.header) == found
            begun.add(found.trace_id)

    assert len(begun) == 3


def test_a_step_that_fails_leaves_no_trace_behind() -> None:
    with pytest.raises(RuntimeError), Step("step", "server", None):
        raise RuntimeError("failed")

    assert trace.current() is None


def test_spans_hang_below_one_another_and_what_is_told_is_told_of_all(recorder: Recorder) -> None:
    # Goal: the trail of a carrier's update is found out in the midst of its step, and the spans
    # that are open by then belong to it as well.
    with Step("step", "consumer", trace.parse(HEADER), correlation_id="hook") as step:
        step.note(attempt=2)
        with span("outer"):
            trace.tell(correlation_id="trail")
            with span("inner", "client", carrier="post") as inner:
                inner.note(outcome="answered")

    step_span, outer, inner_span = recorder.kept
    assert step_span.parent == Context(TRACE, SPAN, sampled=True)
    assert outer.parent == step_span.context
    assert inner_span.parent == outer.context
    assert step_span.facts == {"correlation_id": "trail", "attempt": 2}
    assert outer.facts == {"correlation_id": "trail"}
    assert inner_span.facts == {
        "correlation_id": "trail", "carrier": "post", "outcome": "answered",
    }  # fmt: skip
    assert all(kept.ended for kept in recorder.kept)
    assert recorder.steps_ended == 1


def test_a_span_says_what_went_wrong_by_name_alone(recorder: Recorder) -> None:
    with Step("step", "server", None), pytest.raises(ValueError, match="Ada"), span("part"):
        raise ValueError("Ada Lovelace, Some Street 1")

    assert [kept.error for kept in recorder.kept] == [None, "ValueError"]


def test_a_trace_that_is_not_sampled_is_passed_on_and_not_recorded() -> None:
    recorder = Recorder(samples=False)
    trace.record_with(recorder)
    try:
        with Step("step", "server", trace.parse(f"00-{TRACE}-{SPAN}-00")), span("part"):
            found = trace.current()
    finally:
        trace.record_with(None)

    assert found is not None
    assert (found.trace_id, found.sampled) == (TRACE, False)
    assert recorder.kept == []


def test_where_nobody_records_a_span_is_always_the_same_nothing() -> None:
    with Step("step", "server", trace.parse(HEADER)):
        assert span("one") is span("two", "client", carrier="post")


def test_outside_of_a_step_there_are_no_spans(recorder: Recorder) -> None:
    with span("part"):
        trace.tell(anything="at all")

    assert recorder.kept == []


def test_opentelemetry_is_not_loaded_where_it_is_not_wanted() -> None:
    code = (
        "import sys; import shared.wiring, shared.edge.pubsub, shared.edge.api;"
        "sys.exit(any(name.startswith('opentelemetry') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
