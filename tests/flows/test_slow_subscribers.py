"""Who does not answer is left alone, holds nobody up, and is disabled in the end."""

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import pytest

from shared.flows.deliver_webhook import NotDelivered
from shared.kit.breaker import FIRST_PAUSE, OPENS_AFTER
from shared.platform.db import Database
from shared.platform.http import NoAnswer
from shared.subscribers.standing import DISABLED_AFTER, DISABLED_AFTER_FAILURES, MOST_AT_ONCE
from shared.subscribers.types import SubscriberBusy, SubscriberPaused
from shared.subscribers.webhook_deliveries import ATTEMPTS
from tests.subscribers import given as webhooks
from tests.subscribers.given import Subscriber, deliver, fails, state, subscribed, told
from tests.support.clock import TestClock


def test_what_was_not_tried_costs_no_attempt(database: Database, clock: TestClock) -> None:
    # Goal: an outage of a subscriber uses up the probes' attempts and nobody else's.
    webhooks.subscriber(database)
    probe, waiting = (told(database)[0] for _ in range(2))
    subscriber = Subscriber(500)
    for _ in range(OPENS_AFTER):
        fails(database, probe, subscriber)

    for _ in range(3 * ATTEMPTS):
        with pytest.raises(SubscriberPaused):
            deliver(database, waiting, subscriber)

    assert len(subscriber.sent) == OPENS_AFTER
    clock.advance(seconds=FIRST_PAUSE.total_seconds())
    deliver(database, waiting, Subscriber())
    assert state(database, waiting) == "delivered"
    deliver(database, probe, Subscriber())  # and the breaker is closed
    assert state(database, probe) == "delivered"


def test_a_slow_subscriber_has_a_share_of_the_calls_and_others_go_on(
    database: Database,
) -> None:
    # Goal: one that hangs must not hold all of the queue's places: a few, until it is found out.
    webhooks.subscriber(database, "dead")
    webhooks.subscriber(database, "well")
    pairs = [told(database) for _ in range(MOST_AT_ONCE + 1)]
    hang, under_way = Event(), Barrier(MOST_AT_ONCE + 1)

    def wait() -> None:
        under_way.wait(timeout=10)
        hang.wait(timeout=10)
        raise NoAnswer("timed_out")

    dead, well = Subscriber(before=wait), Subscriber()

    def deliver_dead(delivery_id: str) -> None:
        with pytest.raises(NotDelivered):
            deliver(database, delivery_id, dead)

    with ThreadPoolExecutor(max_workers=MOST_AT_ONCE) as pool:
        hanging = [pool.submit(deliver_dead, pair[0]) for pair in pairs[:-1]]
        under_way.wait(timeout=10)
        with pytest.raises(SubscriberBusy):
            deliver(database, pairs[-1][0], dead)
        for pair in pairs:
            deliver(database, pair[1], well)
        hang.set()
        for hung in hanging:
            hung.result()

    assert len(dead.sent) == MOST_AT_ONCE
    assert len(well.sent) == len(pairs)
    assert subscribed(database) == [("enabled", OPENS_AFTER, None), ("enabled", 0, None)]
    with pytest.raises(SubscriberPaused):
        deliver(database, pairs[-1][0], dead)


def test_of_a_paused_subscriber_one_call_at_a_time_is_the_probe(
    database: Database, clock: TestClock
) -> None:
    webhooks.subscriber(database)
    first, second = (told(database)[0] for _ in range(2))
    for _ in range(OPENS_AFTER):
        fails(database, first, Subscriber(500))
    clock.advance(seconds=FIRST_PAUSE.total_seconds())

    def meanwhile() -> None:
        with pytest.raises(SubscriberPaused):
            deliver(database, second, Subscriber())

    deliver(database, first, Subscriber(before=meanwhile))

    deliver(database, second, Subscriber())
    assert subscribed(database) == [("enabled", 0, None)]


def test_who_says_that_it_is_gone_is_disabled_at_once(database: Database) -> None:
    webhooks.subscriber(database)
    first, second = (told(database)[0] for _ in range(2))

    deliver(database, first, Subscriber(410))
    deliver(database, second, Subscriber())

    assert subscribed(database) == [("disabled", 1, "it answered that it is gone (410)")]
    assert [state(database, one) for one in (first, second)] == ["waiting", "waiting"]


def test_who_has_failed_for_days_is_disabled_with_the_reason(
    database: Database, clock: TestClock, capsys: pytest.CaptureFixture[str]
) -> None:
    webhooks.subscriber(database)
    waiting = [told(database)[0] for _ in range(2)]
    apart = DISABLED_AFTER / (DISABLED_AFTER_FAILURES - 1)
    for _ in range(DISABLED_AFTER_FAILURES - 1):
        fails(database, waiting[0], Subscriber(500))
        clock.advance(seconds=apart.total_seconds())
    assert subscribed(database)[0][0] == "enabled"

    clock.advance(seconds=1)
    deliver(database, waiting[1], Subscriber(500))  # no error: nothing is to be repeated

    ((standing, failures, reason),) = subscribed(database)
    assert (standing, failures) == ("disabled", DISABLED_AFTER_FAILURES)
    assert reason.startswith("20 calls in a row have failed, since 2026-03-02")
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["severity"] for line in said if line["message"] == "webhook.subscriber_disabled"]
    assert [line for line in said if "shop.test" in json.dumps(line)] == []


def test_one_success_in_between_is_enough(database: Database, clock: TestClock) -> None:
    webhooks.subscriber(database)
    failing, good = (told(database)[0] for _ in range(2))
    fails(database, failing, Subscriber(500))
    clock.advance(days=4)
    deliver(database, good, Subscriber())
    clock.advance(days=4)
    fails(database, failing, Subscriber(500))

    assert subscribed(database) == [("enabled", 1, None)]
