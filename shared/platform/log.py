"""Log lines in Cloud Logging's JSON form: a constant message, and facts beside it.

Facts are ids, counts, codes and durations. Never a name, an address, a token or a payload: those
stay in the database, where they can be erased.
Source: https://cloud.google.com/logging/docs/structured-logging
"""

import json
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal

from shared.platform import trace

Severity = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
Fact = str | int | float | bool | None

LABELS = ("correlation_id", "function")  # what of a step's facts a line can be filtered by


class _Process:
    project: str = ""


_process = _Process()
_bound: ContextVar[dict[str, Fact] | None] = ContextVar("log_facts", default=None)


@contextmanager
def bound(**facts: Fact) -> Iterator[None]:
    """Every line written inside carries these facts too."""
    token = _bound.set({**(_bound.get() or {}), **facts})
    try:
        yield
    finally:
        _bound.reset(token)


def belong_to(project: str) -> None:
    """Say once in a process whose traces its lines belong to."""
    _process.project = project


def line(message: str, severity: Severity = "INFO", **facts: Fact) -> None:
    """Write one line to stdout; within a step it says which trace it belongs to."""
    record: dict[str, object] = {"severity": severity, "message": message, **_trace()}
    record |= {**(_bound.get() or {}), **facts}
    sys.stdout.write(json.dumps(record) + "\n")
    sys.stdout.flush()


def failure(message: str, error: BaseException, **facts: Fact) -> None:
    """Write an ERROR line with where it happened, but not what the error says: that may be data."""
    frames = traceback.extract_tb(error.__traceback__)
    where = " < ".join(f"{f.filename.rsplit('/', 1)[-1]}:{f.lineno}" for f in reversed(frames[-6:]))
    line(message, severity="ERROR", error=type(error).__name__, where=where, **facts)


def _trace() -> dict[str, object]:
    at = trace.current()
    if at is None:
        return {}
    told = trace.shared_facts()
    return {
        "logging.googleapis.com/trace": f"projects/{_process.project}/traces/{at.trace_id}",
        "logging.googleapis.com/spanId": at.span_id,
        "logging.googleapis.com/trace_sampled": at.sampled,
        "logging.googleapis.com/labels": {k: str(told[k]) for k in LABELS if k in told},
    }
