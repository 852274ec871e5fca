"""Spans as they are kept: rows of one SQLite file, the oldest forgotten first."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1 import trace_pb2

from emulators.disk import Unusable

KEPT = 1_000_000  # spans, some half a gigabyte
SWEPT_EVERY = 10_000
MOST_TOLD = 20_000  # in one answer

_SCHEMA = """
    CREATE TABLE IF NOT EXISTS spans (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        trace_id TEXT NOT NULL,
        span_id TEXT NOT NULL,
        parent_id TEXT NOT NULL,
        name TEXT NOT NULL,
        kind TEXT NOT NULL,
        service TEXT NOT NULL,
        started_ns INTEGER NOT NULL,
        ended_ns INTEGER NOT NULL,
        failed INTEGER NOT NULL,
        facts TEXT NOT NULL,
        correlation_id TEXT,
        order_id TEXT
    );
    CREATE INDEX IF NOT EXISTS spans_by_trace ON spans (trace_id);
    CREATE INDEX IF NOT EXISTS spans_by_trail ON spans (correlation_id, trace_id);
    CREATE INDEX IF NOT EXISTS spans_by_order ON spans (order_id, trace_id)
        WHERE order_id IS NOT NULL;
"""
_PUT = """
    INSERT INTO spans (trace_id, span_id, parent_id, name, kind, service, started_ns, ended_ns,
                       failed, facts, correlation_id, order_id)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_FIND = """
    SELECT trace_id, span_id, parent_id, name, kind, service, started_ns, ended_ns, failed, facts
      FROM spans
     WHERE trace_id IN (SELECT trace_id FROM spans WHERE correlation_id = :trail
                         UNION
                        SELECT trace_id FROM spans WHERE order_id = :order_id)
     ORDER BY started_ns, number
     LIMIT :limit
"""
_FORGET = "DELETE FROM spans WHERE number <= (SELECT max(number) FROM spans) - ?"
_KINDS = {
    trace_pb2.Span.SPAN_KIND_SERVER: "server",
    trace_pb2.Span.SPAN_KIND_CLIENT: "client",
    trace_pb2.Span.SPAN_KIND_PRODUCER: "producer",
    trace_pb2.Span.SPAN_KIND_CONSUMER: "consumer",
}


@dataclass(frozen=True, slots=True)
class Span:
    """One span: ids in hexadecimal, an empty `parent_id` where its trace begins."""

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    kind: str
    service: str
    started_ns: int  # since 1970, as `ended_ns`
    ended_ns: int
    failed: bool
    facts: dict[str, Any]

    def shown(self) -> dict[str, Any]:
        """As JSON shows it."""
        return asdict(self)


class Shelf:
    """The spans that were received, newest last; without a path they live as long as this does.

    Any thread may call it. What a power cut takes is no loss to anybody.

    Raises:
        Unusable: the file cannot be opened.
    """

    def __init__(self, path: Path | None) -> None:
        self._lock = Lock()
        self._since_sweep = 0
        try:
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
            self._rows = sqlite3.connect(path or ":memory:", check_same_thread=False)
            self._rows.row_factory = sqlite3.Row
            self._rows.execute("PRAGMA journal_mode = WAL")
            self._rows.execute("PRAGMA synchronous = OFF")
            self._rows.executescript(_SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise Unusable(f"Cannot keep spans in {path}: {error}.") from None

    def put(self, spans: Iterable[Span]) -> int:
        """Keep them. Returns how many."""
        rows = [_row(span) for span in spans]
        with self._lock, self._rows:
            self._rows.executemany(_PUT, rows)
            self._since_sweep += len(rows)
            if self._since_sweep >= SWEPT_EVERY:
                self._rows.execute(_FORGET, (KEPT,))
                self._since_sweep = 0
        return len(rows)

    def find(self, correlation_id: str, order_id: str) -> Sequence[Span]:
        """Every span of the traces in which the trail or the order is named, by their beginning."""
        asked = {"trail": correlation_id, "order_id": order_id, "limit": MOST_TOLD}
        with self._lock:
            rows = self._rows.execute(_FIND, asked).fetchall()
        return [
            Span(**{**row, "failed": bool(row["failed"]), "facts": json.loads(row["facts"])})
            for row in map(dict, rows)
        ]

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._rows.close()


def decode(body: bytes) -> Iterator[Span]:
    """The spans of an ExportTraceServiceRequest.

    Raises:
        DecodeError: it is none.
    """
    for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        service = str(facts(resource.resource.attributes).get("service.name", ""))
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield Span(
                    trace_id=span.trace_id.hex(),
                    span_id=span.span_id.hex(),
                    parent_id=span.parent_span_id.hex(),
                    name=span.name,
                    kind=_KINDS.get(span.kind, "internal"),
                    service=service,
                    started_ns=span.start_time_unix_nano,
                    ended_ns=span.end_time_unix_nano,
                    failed=span.status.code == trace_pb2.Status.STATUS_CODE_ERROR,
                    facts=facts(span.attributes),
                )


def facts(pairs: Iterable[KeyValue]) -> dict[str, Any]:
    """Attributes as plain values."""
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: AnyValue) -> Any:
    match value.WhichOneof("value"):
        case "array_value":
            return [_value(each) for each in value.array_value.values]
        case "kvlist_value":
            return facts(value.kvlist_value.values)
        case "bytes_value":
            return value.bytes_value.hex()
        case None:
            return None
        case name:
            return getattr(value, name)


def _row(span: Span) -> tuple[object, ...]:
    return (
        span.trace_id,
        span.span_id,
        span.parent_id,
        span.name,
        span.kind,
        span.service,
        span.started_ns,
        span.ended_ns,
        span.failed,
        json.dumps(span.facts),
        span.facts.get("correlation_id"),
        span.facts.get("order_id"),
    )
