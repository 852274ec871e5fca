"""A shop without Pub/Sub follows its orders by webhooks, from the command to its own server."""

import json
from typing import Any

from tests.journeys.stage import Stage, wait_until
from tests.support.loopback import Request
from tests.support.receiver import Receiver, is_genuine, receiving
from tests.support.terminal import said


def webhooks(stage: Stage, *words: str) -> Any:
    """What `python3 -m emulators webhooks` says to programs."""
    return said(stage.stack.directory, "webhooks", *words)


def about(receiver: Receiver, order_id: str) -> list[Request]:
    """What came about an order."""
    return [
        request
        for request in list(receiver.received)
        if json.loads(request.body)["data"].get("order_id") == order_id
    ]


def test_a_shop_follows_its_order_though_its_server_fails_at_first(stage: Stage) -> None:
    # Goal: the whole way with nothing in its place: events, the queue's own back-off, real calls.
    # What the shop knows in the end is what happened, each thing once.
    stage.wait_for_rest()
    with receiving([500, 200]) as receiver:
        secret = webhooks(stage, "add", "journey", receiver.url)["secret"]
        try:
            stage.submit("webhook-order", {"TEAPOT-RED": 1})
            stage.wait_for("webhook-order", "delivered")
            stage.wait_for_rest()
            came = about(receiver, "webhook-order")
            shown = webhooks(stage, "show", "journey")
        finally:
            webhooks(stage, "disable", "journey", "--reason", "the journey is over")

    told = {request.headers["webhook-id"]: json.loads(request.body) for request in came}
    kinds = [body["type"] for body in sorted(told.values(), key=lambda body: body["timestamp"])]
    assert kinds[0] == "dispatch.parcel.labelled.v1"
    assert kinds.count("dispatch.order.closed.v1") == 1
    assert "dispatch.delivery.updated.v1" in kinds
    assert len(came) == len(told) + 1  # one was refused, and came again
    assert all(is_genuine(request, secret) for request in came)
    assert shown["waiting"] == 0
    refused = [one for one in shown["deliveries"] if len(one["attempts"]) > 1]
    assert [[attempt["status"] for attempt in one["attempts"]] for one in refused] == [[500, 200]]
    assert stage.line.books.violations() == ()


def test_a_test_event_arrives_at_once(stage: Stage) -> None:
    with receiving() as receiver:
        secret = webhooks(stage, "add", "tried", receiver.url)["secret"]
        try:
            webhooks(stage, "send", "tried")
            wait_until(lambda: receiver.received, "the test event has come")
        finally:
            webhooks(stage, "disable", "tried", "--reason", "it was only a try")

    assert is_genuine(receiver.received[0], secret)
    assert json.loads(receiver.received[0].body)["data"] == {"subscriber": "tried"}


def test_what_has_waited_for_who_was_disabled_comes_when_they_are_enabled(stage: Stage) -> None:
    # Goal: giving out is work of its own, and reaches the function that does it.
    with receiving() as receiver:
        webhooks(stage, "add", "away", receiver.url)
        webhooks(stage, "disable", "away", "--reason", "holidays")
        try:
            stage.submit("webhook-late", {"TEAPOT-RED": 1})
            stage.wait_for("webhook-late", "delivered")
            stage.wait_for_rest()
            meanwhile = about(receiver, "webhook-late")
            waiting = webhooks(stage, "show", "away")["waiting"]
            webhooks(stage, "enable", "away")
            wait_until(lambda: about(receiver, "webhook-late"), "what has waited has come")
            stage.wait_for_rest()
            came = about(receiver, "webhook-late")
            shown = webhooks(stage, "show", "away")
        finally:
            webhooks(stage, "disable", "away", "--reason", "it was only a try")

    assert meanwhile == []
    told = {request.headers["webhook-id"]: json.loads(request.body) for request in came}
    kinds = [body["type"] for body in told.values()]
    assert kinds.count("dispatch.parcel.labelled.v1") == 1
    assert kinds.count("dispatch.order.closed.v1") == 1
    assert waiting >= len(told)
    assert (shown["waiting"], shown["failures"]) == (0, 0)
