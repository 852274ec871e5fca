"""Traces and metrics by OpenTelemetry, to where a setting says. The only file that imports it.

Loaded where `DISPATCH_TELEMETRY` asks for it, and by nobody else: the kit costs a quarter of a
second of a cold start.

An instance on Cloud Run has a processor while it answers a request, and perhaps none between two.
So the exporting threads are not enough: at the end of a step whoever finds that nothing was sent
for a while sends it, before the answer leaves. The rest goes when the instance is told to end, for
which it has ten seconds and a processor.
"""

import atexit
import logging
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from threading import Lock
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import requests
from opentelemetry import trace as otel
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    MetricExporter,
    MetricExportResult,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from shared.platform import log, metrics, trace
from shared.platform.config import Config, Misconfigured
from shared.platform.metrics import Label, Metric
from shared.platform.trace import Context, Fact, Kind

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricsData

GOOGLE_ENDPOINT = "https://telemetry.googleapis.com"
GOOGLE_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
SCOPE = "dispatch"
TIMEOUT_S = 2.0  # of an export; a step may have to wait for one
LATE = 2  # periods without an export, after which a step sends before it answers
PAUSE_S = 60.0  # after an export that failed, in which no step waits for another one
MOST_WAITING = 8_192  # spans; more than that are dropped, the newest first

_KINDS: Mapping[Kind, SpanKind] = {
    "server": SpanKind.SERVER,
    "consumer": SpanKind.CONSUMER,
    "client": SpanKind.CLIENT,
    "producer": SpanKind.PRODUCER,
    "internal": SpanKind.INTERNAL,
}

# It would tell of every export that fails with a trace, beside lines that are JSON.
logging.getLogger("opentelemetry").setLevel(logging.CRITICAL + 1)


def start(config: Config) -> Callable[[], None]:
    """Record the traces and figures of this process, and return what ends that.

    Raises:
        Misconfigured: OTLP is wanted, and not where to.
    """
    session = _google_session(config) if config.telemetry == "google" else None
    endpoint = config.telemetry_endpoint or (GOOGLE_ENDPOINT if session is not None else None)
    if endpoint is None:
        raise Misconfigured("DISPATCH_TELEMETRY_ENDPOINT: needed for DISPATCH_TELEMETRY=otlp")
    resource = _resource(config)
    post = _Post()
    spans = BatchSpanProcessor(
        _Spans(_span_exporter(endpoint, session), post),
        max_queue_size=MOST_WAITING,
        schedule_delay_millis=config.telemetry_period_s * 1_000,
    )
    tracers = TracerProvider(resource=resource, shutdown_on_exit=False)
    tracers.add_span_processor(spans)
    reader = PeriodicExportingMetricReader(
        _Figures(_metric_exporter(endpoint, session), post),
        export_interval_millis=config.telemetry_period_s * 1_000,
    )
    meters = MeterProvider([reader], resource, shutdown_on_exit=False)

    def send() -> None:
        spans.force_flush()
        reader.force_flush()

    recorder = _Recorder(tracers, config, _Late(post, config.telemetry_period_s * LATE, send))
    trace.record_with(recorder)
    metrics.keep_with(_Meter(meters))

    def end() -> None:
        trace.record_with(None)
        metrics.keep_with(None)
        tracers.shutdown()
        meters.shutdown()

    atexit.register(end)
    return end


class _Post:
    """When something was last sent, and whether it arrived."""

    def __init__(self) -> None:
        self.sent_s = time.monotonic()
        self.failed_s: float | None = None

    def note(self, *, arrived: bool) -> None:
        self.sent_s = time.monotonic()
        if not arrived and self.failed_s is None:
            log.line("telemetry.not_sent", "WARNING")  # once, until it works again
        self.failed_s = None if arrived else self.sent_s


class _Late:
    """Sends at the end of a step where the threads did not get to it."""

    def __init__(self, post: _Post, after_s: float, send: Callable[[], None]) -> None:
        self._post = post
        self._after_s = after_s
        self._send = send
        self._sending = Lock()

    def step_ended(self) -> None:
        now_s, failed_s = time.monotonic(), self._post.failed_s
        if now_s - self._post.sent_s < self._after_s:
            return
        if failed_s is not None and now_s - failed_s < PAUSE_S:
            return
        if self._sending.acquire(blocking=False):  # one of several steps is enough
            try:
                self._send()
            finally:
                self._sending.release()


class _Spans(SpanExporter):
    def __init__(self, exporter: SpanExporter, post: _Post) -> None:
        self._exporter = exporter
        self._post = post

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._exporter.export(spans)
        self._post.note(arrived=result is SpanExportResult.SUCCESS)
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()


class _Figures(MetricExporter):
    def __init__(self, exporter: MetricExporter, post: _Post) -> None:
        super().__init__()
        self._exporter = exporter
        self._post = post

    def export(
        self, metrics_data: "MetricsData", timeout_millis: float = 10_000, **kwargs: Any
    ) -> MetricExportResult:
        result = self._exporter.export(metrics_data, timeout_millis, **kwargs)
        self._post.note(arrived=result is MetricExportResult.SUCCESS)
        return result

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        return self._exporter.force_flush(timeout_millis)

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        self._exporter.shutdown(timeout_millis, **kwargs)


class _Recording:
    def __init__(self, span: otel.Span) -> None:
        self._span = span
        said = span.get_span_context()
        self.context = Context(
            f"{said.trace_id:032x}", f"{said.span_id:016x}", said.trace_flags.sampled
        )

    def end(self, facts: Mapping[str, Fact], error: str | None) -> None:
        self._span.set_attributes(facts)
        if error is not None:
            self._span.set_attribute("error.type", error)
            self._span.set_status(Status(StatusCode.ERROR))
        self._span.end()


class _Recorder:
    def __init__(self, tracers: TracerProvider, config: Config, late: _Late) -> None:
        self._tracer = tracers.get_tracer(SCOPE)
        self._bound = int(config.telemetry_sampled_percent / 100 * (1 << 56))
        self.step_ended = late.step_ended

    def samples(self, trace_id: str) -> bool:
        # The standard's random part of a trace id; every function comes to the same answer.
        return int(trace_id[-14:], 16) < self._bound

    def start(self, name: str, kind: Kind, parent: Context | None) -> _Recording:
        context = None
        if parent is not None:
            said = SpanContext(
                int(parent.trace_id, 16),
                int(parent.span_id, 16),
                is_remote=True,
                trace_flags=TraceFlags(TraceFlags.SAMPLED),
            )
            context = set_span_in_context(NonRecordingSpan(said))
        return _Recording(self._tracer.start_span(name, context, _KINDS[kind]))


class _Meter:
    """Instruments by name, made when they are first needed."""

    def __init__(self, meters: MeterProvider) -> None:
        self._meter = meters.get_meter(SCOPE)
        self._made: dict[str, Callable[[float, Mapping[str, Label]], None]] = {}
        self._making = Lock()

    def add(self, name: str, metric: Metric, value: float, labels: Mapping[str, Label]) -> None:
        record = self._made.get(name)
        if record is None:
            with self._making:
                record = self._made.get(name) or self._made.setdefault(
                    name, self._make(name, metric)
                )
        record(value, labels)

    def _make(self, name: str, metric: Metric) -> Callable[[float, Mapping[str, Label]], None]:
        match metric.kind:
            case "counter":
                return self._meter.create_counter(name, metric.unit, metric.about).add
            case "histogram":
                return self._meter.create_histogram(
                    name,
                    metric.unit,
                    metric.about,
                    explicit_bucket_boundaries_advisory=metric.edges,
                ).record
            case "gauge":
                gauge = _Gauge()
                self._meter.create_observable_gauge(name, [gauge.tell], metric.unit, metric.about)
                return gauge.set


class _Gauge:
    """Values that are told once: another instance may know better a minute later."""

    def __init__(self) -> None:
        self._values: dict[tuple[tuple[str, Label], ...], float] = {}

    def set(self, value: float, labels: Mapping[str, Label]) -> None:
        self._values[tuple(sorted(labels.items()))] = value

    def tell(self, _options: CallbackOptions) -> Iterable[Observation]:
        values, self._values = self._values, {}
        return [Observation(value, dict(labels)) for labels, value in values.items()]


def _resource(config: Config) -> Resource:
    service = os.environ.get("K_SERVICE", "dispatch")
    return Resource(
        {
            "service.name": service,
            "service.namespace": "dispatch",
            "service.version": os.environ.get("K_REVISION", "local"),
            "service.instance.id": uuid4().hex,
            "deployment.environment.name": config.env,
            "cloud.platform": "gcp_cloud_run" if "K_SERVICE" in os.environ else "",
            "cloud.region": config.location,
            "gcp.project_id": config.project,
        }
    )


def _span_exporter(endpoint: str, session: requests.Session | None) -> SpanExporter:
    return OTLPSpanExporter(f"{endpoint}/v1/traces", timeout=TIMEOUT_S, session=session)


def _metric_exporter(endpoint: str, session: requests.Session | None) -> MetricExporter:
    return OTLPMetricExporter(f"{endpoint}/v1/metrics", timeout=TIMEOUT_S, session=session)


def _google_session(config: Config) -> requests.Session:
    """An HTTP session that signs as this process's account."""
    import google.auth  # noqa: PLC0415  only in the cloud
    from google.auth.transport.requests import AuthorizedSession  # noqa: PLC0415

    credentials, _ = google.auth.default(scopes=[GOOGLE_SCOPE], quota_project_id=config.project)
    session: requests.Session = AuthorizedSession(credentials)  # type: ignore[no-untyped-call]
    return session
