"""The stand-in for telemetry.googleapis.com, driven by OpenTelemetry's own exporters."""

from pathlib import Path
from typing import Any

import pytest
import requests
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import Counter, MeterProvider
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode

from emulators.disk import Unusable
from emulators.google.telemetry import spans
from emulators.google.telemetry.spans import Shelf, Span
from tests.conformance.cloud import Cloud, unique

TIMEOUT_S = 30


def tracer(cloud: Cloud) -> Any:
    provider = TracerProvider(resource=Resource({"service.name": "tests"}))
    exporter = OTLPSpanExporter(f"{cloud.http}/v1/traces", timeout=TIMEOUT_S)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider.get_tracer("tests")


def kept(cloud: Cloud, **asked: str) -> list[dict[str, Any]]:
    answer = requests.get(f"{cloud.http}/spans", params=asked, timeout=TIMEOUT_S)
    found: list[dict[str, Any]] = answer.json()["spans"]
    return found


def text(cloud: Cloud) -> str:
    answer = requests.get(f"{cloud.http}/metrics", timeout=TIMEOUT_S)
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    return answer.text


def test_a_span_is_kept_as_it_was_sent(cloud: Cloud) -> None:
    trail = unique("trail")
    with tracer(cloud).start_as_current_span("outer", kind=SpanKind.CONSUMER) as outer:
        outer.set_attributes({"correlation_id": trail, "attempt": 2, "done": True, "sites": [1, 2]})
        with tracer(cloud).start_as_current_span("inner", kind=SpanKind.CLIENT) as inner:
            inner.set_status(Status(StatusCode.ERROR))

    outer_found, inner_found = kept(cloud, correlation_id=trail)
    at = outer.get_span_context()
    assert (outer_found["trace_id"], outer_found["span_id"], outer_found["parent_id"]) == (
        f"{at.trace_id:032x}",
        f"{at.span_id:016x}",
        "",
    )
    assert (outer_found["name"], outer_found["kind"], outer_found["service"]) == (
        "outer",
        "consumer",
        "tests",
    )
    assert outer_found["facts"] == {
        "correlation_id": trail, "attempt": 2, "done": True, "sites": [1, 2],
    }  # fmt: skip
    assert inner_found["parent_id"] == outer_found["span_id"]
    assert (inner_found["kind"], inner_found["failed"]) == ("client", True)
    assert outer_found["started_ns"] <= inner_found["started_ns"] <= inner_found["ended_ns"]


def test_whole_traces_are_found_by_a_trail_or_an_order_that_any_span_names(cloud: Cloud) -> None:
    trail, order_id = unique("trail"), unique("order")
    made = tracer(cloud)
    with made.start_as_current_span("step"), made.start_as_current_span("decide") as decide:
        decide.set_attributes({"correlation_id": trail, "order_id": order_id})
    with tracer(cloud).start_as_current_span("another's"):
        pass

    by_trail = kept(cloud, correlation_id=trail)
    assert [found["name"] for found in by_trail] == ["step", "decide"]
    assert kept(cloud, order_id=order_id) == by_trail
    assert kept(cloud, correlation_id=unique("trail")) == []
    assert kept(cloud) == []


def meters(cloud: Cloud, instance: str, **options: Any) -> MeterProvider:
    exporter = OTLPMetricExporter(f"{cloud.http}/v1/metrics", timeout=TIMEOUT_S, **options)
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=60_000)
    return MeterProvider([reader], Resource({"service.instance.id": instance}))


def test_counters_of_several_processes_add_up_and_the_last_gauge_counts(cloud: Cloud) -> None:
    name = unique("tests.parked").replace("-", ".")
    for instance, count in (("one", 2), ("two", 3)):
        provider = meters(cloud, instance)
        meter = provider.get_meter("tests")
        meter.create_counter(name, "{message}", "what was parked").add(count, {"code": 'a"b\\c'})
        meter.create_gauge(f"{name}.age", "s", "how old").set(count)
        provider.shutdown()

    shown = name.replace(".", "_")
    lines = text(cloud).splitlines()
    assert f"# HELP {shown}_total what was parked" in lines
    assert f"# TYPE {shown}_total counter" in lines
    assert f'{shown}_total{{code="a\\"b\\\\c"}} 5' in lines
    assert f"{shown}_age_seconds 3" in lines


def test_a_histogram_shows_how_many_lie_below_each_edge(cloud: Cloud) -> None:
    name = unique("tests.age").replace("-", ".")
    provider = meters(cloud, "one")
    bars = provider.get_meter("tests").create_histogram(
        name, "s", "how old", explicit_bucket_boundaries_advisory=[0.5, 1.0, 10.0]
    )
    for age_s in (0.2, 0.5, 0.7, 20.0):
        bars.record(age_s)
    provider.shutdown()

    shown = f"{name.replace('.', '_')}_seconds"
    assert [line for line in text(cloud).splitlines() if line.startswith(shown)] == [
        f'{shown}_bucket{{le="0.5"}} 2',
        f'{shown}_bucket{{le="1"}} 3',
        f'{shown}_bucket{{le="10"}} 3',
        f'{shown}_bucket{{le="+Inf"}} 4',
        f"{shown}_sum 21.4",
        f"{shown}_count 4",
    ]


def test_differences_are_refused_point_by_point_and_not_mistaken_for_sums(cloud: Cloud) -> None:
    name = unique("tests.delta").replace("-", ".")
    provider = meters(cloud, "one", preferred_temporality={Counter: AggregationTemporality.DELTA})
    provider.get_meter("tests").create_counter(name).add(1)
    provider.shutdown()

    assert name.replace(".", "_") not in text(cloud)


@pytest.mark.parametrize("signal", ["traces", "metrics"])
def test_what_is_no_protobuf_is_refused(cloud: Cloud, signal: str) -> None:
    url = f"{cloud.http}/v1/{signal}"
    binary = {"Content-Type": "application/x-protobuf"}

    assert requests.post(url, b"\xff", headers=binary, timeout=TIMEOUT_S).status_code == 400
    assert requests.post(url, json={}, timeout=TIMEOUT_S).status_code == 415


def numbered(number: int) -> Span:
    return Span(
        "t", f"{number}", "", "n", "internal", "s", number, number, False, {"order_id": "a"}
    )


def test_spans_outlive_the_process_and_the_oldest_are_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spans, "KEPT", 30)
    monkeypatch.setattr(spans, "SWEPT_EVERY", 10)
    shelf = Shelf(tmp_path / "spans.sqlite3")
    for first in range(0, 100, 10):
        shelf.put(numbered(number) for number in range(first, first + 10))
    shelf.close()

    again = Shelf(tmp_path / "spans.sqlite3")
    assert [span.started_ns for span in again.find("", "a")] == list(range(70, 100))
    again.close()


def test_a_place_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")

    with pytest.raises(Unusable, match="spans"):
        Shelf(tmp_path / "taken" / "spans.sqlite3")
