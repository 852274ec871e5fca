"""What OpenTelemetry sends, as a collector receives it, and what a collector that is away costs."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from google.oauth2.credentials import Credentials

from emulators.google.telemetry.figures import Figures
from emulators.google.telemetry.spans import Span, decode
from shared.platform import log, metrics, telemetry, trace
from shared.platform.config import Config, Misconfigured
from shared.platform.trace import Step, span
from tests.laptop.conftest import wait_until
from tests.support.database import settings

NOWHERE = "http://127.0.0.1:9"
URL = "postgresql+pg8000://nobody@127.0.0.1:1/none"
ONCE_A_MINUTE = 60.0


class Collector(ThreadingHTTPServer):
    """Takes everything and keeps it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.bodies: list[tuple[str, bytes]] = []
        self.authorizations: set[str | None] = set()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def spans(self) -> list[Span]:
        return [s for path, body in self.bodies if path == "/v1/traces" for s in decode(body)]

    def text(self) -> str:
        figures = Figures()
        for path, body in self.bodies:
            if path == "/v1/metrics":
                assert figures.take(body) == 0
        return figures.text()


class _Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.bodies.append((self.path, body))
        self.server.authorizations.add(self.headers["Authorization"])
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_words: object) -> None:
        """Nobody reads it."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as found:
        threading.Thread(
            target=found.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()
        yield found
        found.shutdown()


def telling(**fields: Any) -> Config:
    return settings(URL, telemetry="otlp", telemetry_period_s=ONCE_A_MINUTE, **fields)


@contextmanager
def recording(config: Config) -> Iterator[Callable[[], None]]:
    end = telemetry.start(config)
    try:
        yield end
    finally:
        end()


def test_a_step_arrives_with_its_parts_its_parent_and_its_facts(collector: Collector) -> None:
    parent = trace.parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
    with (
        recording(telling(telemetry_endpoint=collector.endpoint)),
        Step("order_intake", "consumer", parent, correlation_id="trail"),
    ):
        with span("transaction", run=1):
            pass
        with pytest.raises(RuntimeError), span("carrier buy", "client"):
            raise RuntimeError("Ada Lovelace")

    step, transaction, call = sorted(collector.spans(), key=lambda found: found.started_ns)
    assert (step.trace_id, step.parent_id) == (parent.trace_id, parent.span_id)  # type: ignore[union-attr]
    assert (step.kind, step.facts) == ("consumer", {"correlation_id": "trail"})
    assert (transaction.parent_id, transaction.facts["run"]) == (step.span_id, 1)
    assert (call.kind, call.failed, call.facts["error.type"]) == ("client", True, "RuntimeError")
    assert b"Ada" not in b"".join(body for _, body in collector.bodies)


def test_counters_add_up_histograms_have_our_buckets_and_gauges_are_told_once(
    collector: Collector,
) -> None:
    with recording(telling(telemetry_endpoint=collector.endpoint)):
        for code in ("malformed", "malformed", "unknown_sku"):
            metrics.measure("dispatch.parked", 1, source="order_intake.orders", code=code)
        metrics.measure("dispatch.event.age", 0.02, source="labels-jadlog")
        metrics.measure("dispatch.outbox.depth", 7)
        metrics.measure("dispatch.outbox.depth", 5)

    text = collector.text()
    assert 'dispatch_parked_total{code="malformed",source="order_intake.orders"} 2' in text
    assert 'dispatch_event_age_seconds_bucket{source="labels-jadlog",le="0.01"} 0' in text
    assert 'dispatch_event_age_seconds_bucket{source="labels-jadlog",le="0.025"} 1' in text
    assert "dispatch_outbox_depth 5" in text


def test_whoever_ends_a_step_late_sends_what_is_there(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Goal: between two requests an instance may have no processor, and its threads stand still.
    monkeypatch.setattr(telemetry, "LATE", 0)
    with recording(telling(telemetry_endpoint=collector.endpoint)):
        with Step("first", "server", None):
            pass

        assert [found.name for found in collector.spans()] == ["first"]


def test_a_collector_that_is_away_is_told_of_once_and_holds_up_one_step_a_minute(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(telemetry, "LATE", 0)
    monkeypatch.setattr(telemetry, "TIMEOUT_S", 0.2)
    tried: list[int] = []
    with recording(telling(telemetry_endpoint=NOWHERE)):
        monkeypatch.setattr(
            telemetry._Spans,
            "export",
            _counting(telemetry._Spans.export, tried),
        )
        for _ in range(3):
            with Step("step", "server", None):
                pass
        assert len(tried) == 1

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["message"] for line in lines].count("telemetry.not_sent") == 1


def _counting(export: Callable[..., Any], tried: list[int]) -> Callable[..., Any]:
    def count(self: Any, spans: Any) -> Any:
        tried.append(len(spans))
        return export(self, spans)

    return count


@pytest.mark.parametrize(("percent", "recorded"), [(0.0, 0), (100.0, 50)])
def test_as_many_traces_are_recorded_as_the_setting_says(
    collector: Collector, percent: float, recorded: int
) -> None:
    config = telling(telemetry_endpoint=collector.endpoint, telemetry_sampled_percent=percent)
    with recording(config):
        for _ in range(50):
            with Step("step", "server", None):
                pass

    assert len(collector.spans()) == recorded


def test_what_was_sampled_where_it_began_is_recorded_everywhere(collector: Collector) -> None:
    config = telling(telemetry_endpoint=collector.endpoint, telemetry_sampled_percent=0)
    with recording(config):
        for flag in ("00", "01"):
            parent = trace.parse(f"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-{flag}")
            with Step(flag, "consumer", parent):
                pass

    assert [found.name for found in collector.spans()] == ["01"]


def test_threads_send_without_any_further_step(collector: Collector) -> None:
    config = telling(telemetry_endpoint=collector.endpoint)
    with recording(config.model_copy(update={"telemetry_period_s": 0.05})):
        with Step("step", "server", None):
            metrics.measure("dispatch.outbox.depth", 1)

        wait_until(lambda: collector.spans() and "outbox_depth" in collector.text(), "they do")


def test_google_is_sent_to_as_the_account_of_this_process(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    def default(scopes: Any, quota_project_id: str) -> tuple[Credentials, str]:
        asked.append((scopes, quota_project_id))
        return Credentials("a-token-of-the-tests"), quota_project_id  # type: ignore[no-untyped-call]

    monkeypatch.setattr("google.auth.default", default)
    config = telling(telemetry_endpoint=collector.endpoint)
    google = config.model_copy(update={"telemetry": "google"})
    with recording(google), Step("step", "server", None):
        metrics.measure("dispatch.outbox.depth", 1)

    assert [found.name for found in collector.spans()] == ["step"]
    assert collector.authorizations == {"Bearer a-token-of-the-tests"}
    assert asked == [([telemetry.GOOGLE_SCOPE], "dispatch-test")]


def test_otlp_without_an_endpoint_is_a_mistake() -> None:
    with pytest.raises(Misconfigured, match="DISPATCH_TELEMETRY_ENDPOINT"):
        telemetry.start(telling())


def test_a_log_line_names_the_span_that_is_recorded(
    collector: Collector, capsys: pytest.CaptureFixture[str]
) -> None:
    log.belong_to("dispatch-test")
    with (
        recording(telling(telemetry_endpoint=collector.endpoint)),
        Step("step", "server", None, correlation_id="trail", function="intake"),
    ):
        log.line("here")

    (line,) = (json.loads(text) for text in capsys.readouterr().out.splitlines())
    (found,) = collector.spans()
    assert line["logging.googleapis.com/trace"] == f"projects/dispatch-test/traces/{found.trace_id}"
    assert line["logging.googleapis.com/spanId"] == found.span_id
    assert line["logging.googleapis.com/trace_sampled"] is True
    assert line["logging.googleapis.com/labels"] == {
        "correlation_id": "trail",
        "function": "intake",
    }


def test_a_figure_that_nobody_knows_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        metrics.measure("dispatch.no_such_thing", 1)
