"""Log lines: JSON that Cloud Logging reads, with facts, and without what errors say."""

import json

import pytest

from shared.platform import log, trace
from shared.platform.trace import Step


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_line_is_one_json_object_with_its_facts(capsys: pytest.CaptureFixture[str]) -> None:
    log.line("message.handled", order_id="ord_1", duration_ms=4.5, last=False, code=None)
    log.line("two\nlines", "WARNING")

    assert lines(capsys) == [
        {
            "severity": "INFO",
            "message": "message.handled",
            "order_id": "ord_1",
            "duration_ms": 4.5,
            "last": False,
            "code": None,
        },
        {"severity": "WARNING", "message": "two\nlines"},
    ]


def test_bound_facts_stand_in_every_line_inside_and_in_none_outside(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with log.bound(queue="labels", attempt=1):
        with log.bound(attempt=2):
            log.line("inner")
        log.line("outer")
    log.line("outside")

    assert [
        {name: fact for name, fact in line.items() if name not in {"severity", "message"}}
        for line in lines(capsys)
    ] == [{"queue": "labels", "attempt": 2}, {"queue": "labels", "attempt": 1}, {}]


def test_facts_are_unbound_when_the_work_fails(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RuntimeError), log.bound(order_id="ord_1"):
        raise RuntimeError("failed")
    log.line("after")

    assert "order_id" not in lines(capsys)[0]


def _refuse(_found: object) -> None:
    raise ValueError("Ada Lovelace, Some Street 1")


def test_a_failure_tells_its_kind_and_place_but_not_what_the_error_says(
    capsys: pytest.CaptureFixture[str],
) -> None:
    # Goal: messages of errors quote their input, and the input is a customer's address.
    with pytest.raises(ValueError, match="Ada") as caught:
        json.JSONDecoder(object_hook=_refuse).decode("{}")
    log.failure("message.failed", caught.value, code="fault")

    (line,) = lines(capsys)
    assert line["severity"] == "ERROR"
    assert line["error"] == "ValueError"
    assert str(line["where"]).startswith("test_log.py:")
    assert line["code"] == "fault"
    assert "Ada" not in json.dumps(line)


def test_a_line_within_a_step_says_which_trace_trail_and_function_it_belongs_to(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log.belong_to("dispatch-test")
    parent = trace.parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00")
    with Step("step", "consumer", parent, function="order_intake", correlation_id="trail"):
        at = trace.current()
        log.line("here", order_id="ord_1")
    assert at is not None

    (line,) = lines(capsys)
    assert line == {
        "severity": "INFO",
        "message": "here",
        "logging.googleapis.com/trace": (
            "projects/dispatch-test/traces/4bf92f3577b34da6a3ce929d0e0e4736"
        ),
        "logging.googleapis.com/spanId": at.span_id,
        "logging.googleapis.com/trace_sampled": False,
        "logging.googleapis.com/labels": {"correlation_id": "trail", "function": "order_intake"},
        "order_id": "ord_1",
    }
