"""W3C trace context: which trace a step belongs to, and spans that tell where its time went.

Every step belongs to a trace, whether anybody records it or not: the context travels with each
message, and stands in each log line. Spans are recorded where `telemetry` was started; elsewhere
opening one costs less than a microsecond, and nothing of OpenTelemetry is imported.
Source: https://www.w3.org/TR/trace-context/, version 00.
"""

import re
from collections.abc import Mapping
from contextvars import ContextVar, Token
from random import getrandbits
from types import TracebackType
from typing import Literal, NamedTuple, Protocol, Self

Fact = str | int | float | bool
Kind = Literal["server", "consumer", "client", "producer", "internal"]

HEADER = "traceparent"  # of a request, a task among them
ATTRIBUTE = "ce-traceparent"  # of an event: CloudEvents' extension for distributed tracing

_FORM = re.compile(
    r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?"
)
_SAMPLED = 1


class Context(NamedTuple):
    """A place in a trace, with ids in hexadecimal. `sampled`: whether its spans are recorded."""

    trace_id: str
    span_id: str
    sampled: bool

    @property
    def header(self) -> str:
        """The same as a `traceparent`."""
        return f"00-{self.trace_id}-{self.span_id}-{'01' if self.sampled else '00'}"


class Recording(Protocol):
    """A span that is being recorded."""

    context: Context

    def end(self, facts: Mapping[str, Fact], error: str | None) -> None:
        """Close it; `error` names what went wrong, and never says what the error said."""


class Recorder(Protocol):
    """Whoever records spans in this process."""

    def samples(self, trace_id: str) -> bool:
        """Whether a trace that begins here is recorded."""

    def start(self, name: str, kind: Kind, parent: Context | None) -> Recording:
        """Open a span under `parent`; without one it is the first of its trace."""

    def step_ended(self) -> None:
        """A step is over: the last moment at which there surely is a processor to send with."""


class _Process:
    """What is set once in a process, before its first step."""

    recorder: Recorder | None = None


class _Step(NamedTuple):
    """What is told of every span of a step: it may be found out late."""

    facts: dict[str, Fact]


class _At(NamedTuple):
    context: Context
    step: _Step


_process = _Process()
_at: ContextVar[_At | None] = ContextVar("trace", default=None)


def record_with(recorder: Recorder | None) -> None:
    """Have the spans of this process recorded; None: no longer."""
    _process.recorder = recorder


def parse(header: str | None) -> Context | None:
    """Read a `traceparent`; None for anything that is none, as the standard wants it."""
    found = _FORM.fullmatch(header or "")
    if found is None or (found[1] == "00" and found[5]):
        return None
    return Context(found[2], found[3], bool(int(found[4], 16) & _SAMPLED))


def current() -> Context | None:
    """Where this thread is; None outside of every step."""
    at = _at.get()
    return at.context if at is not None else None


def shared_facts() -> Mapping[str, Fact]:
    """What is told of every span of this step."""
    at = _at.get()
    return at.step.facts if at is not None else {}


def tell(**facts: Fact) -> None:
    """Tell something of every span of this step, of those too that are open already."""
    at = _at.get()
    if at is not None:
        at.step.facts.update(facts)


def label() -> str:
    """Trace and trail of this step, for those who meet it elsewhere, as in Postgres.

    Empty outside of every step, and where this process records nothing.
    """
    at = _at.get()
    if at is None or _process.recorder is None:
        return ""
    return f"{at.context.trace_id} {at.step.facts.get('correlation_id', '')}".rstrip()


class _Nothing:
    """A span that nobody records."""

    __slots__ = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        return

    def note(self, **facts: Fact) -> None:
        """Nobody asks."""


class _Open:
    """A span that is recorded."""

    __slots__ = ("_at", "_facts", "_kind", "_name", "_recorder", "_recording", "_token")

    def __init__(
        self, recorder: Recorder, at: _At, name: str, kind: Kind, facts: dict[str, Fact]
    ) -> None:
        self._recorder = recorder
        self._at = at
        self._name = name
        self._kind = kind
        self._facts = facts
        self._recording: Recording
        self._token: Token[_At | None]

    def __enter__(self) -> Self:
        self._recording = self._recorder.start(self._name, self._kind, self._at.context)
        self._token = _at.set(_At(self._recording.context, self._at.step))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        _error: BaseException | None,
        _where: TracebackType | None,
    ) -> None:
        _at.reset(self._token)
        self._recording.end({**self._at.step.facts, **self._facts}, _name_of(kind))

    def note(self, **facts: Fact) -> None:
        """Tell more of this span alone."""
        self._facts.update(facts)


Span = _Nothing | _Open

_NOTHING = _Nothing()


def span(name: str, kind: Kind = "internal", **facts: Fact) -> Span:
    """A part of the present step, to be used with `with`. Facts are ids, counts, codes."""
    recorder = _process.recorder
    if recorder is None:
        return _NOTHING
    at = _at.get()
    if at is None or not at.context.sampled:
        return _NOTHING
    return _Open(recorder, at, name, kind, facts)


class Step:
    """One request, message, task or job, from its arrival to its answer; to be used with `with`.

    It continues the trace that `parent` names; without one a trace begins. From there on `facts`
    are told of every span.
    """

    __slots__ = ("_facts", "_kind", "_name", "_own", "_parent", "_recording", "_token")

    def __init__(self, name: str, kind: Kind, parent: Context | None, **facts: Fact) -> None:
        self._name = name
        self._kind = kind
        self._parent = parent
        self._facts = facts
        self._own: dict[str, Fact] = {}
        self._recording: Recording | None = None
        self._token: Token[_At | None]

    def __enter__(self) -> Self:
        recorder, parent = _process.recorder, self._parent
        trace_id = parent.trace_id if parent is not None else _hexadecimal(128)
        sampled = parent is not None and parent.sampled
        if recorder is not None and (sampled or recorder.samples(trace_id)):
            self._recording = recorder.start(self._name, self._kind, parent)
            context = self._recording.context
        else:
            context = Context(trace_id, _hexadecimal(64), sampled)
        self._token = _at.set(_At(context, _Step(self._facts)))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        _error: BaseException | None,
        _where: TracebackType | None,
    ) -> None:
        _at.reset(self._token)
        if self._recording is not None:
            self._recording.end({**self._facts, **self._own}, _name_of(kind))
        if _process.recorder is not None:
            _process.recorder.step_ended()

    def note(self, **facts: Fact) -> None:
        """Tell more of the step's own span."""
        self._own.update(facts)


def _name_of(error: type[BaseException] | None) -> str | None:
    return error.__name__ if error is not None else None


def _hexadecimal(bits: int) -> str:
    """An id, never zero; no secret, and the generator is seeded anew in every forked process."""
    return f"{getrandbits(bits) or 1:0{bits // 4}x}"
