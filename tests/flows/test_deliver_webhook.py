"""A webhook reaches its subscriber, at least once, known by its id."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import pairwise
from threading import Barrier

import pytest

from shared.contracts.work import DeliverWebhook
from shared.flows.deliver_webhook import NotDelivered, give_up_webhook
from shared.flows.rotate_secret import OVERLAP, RotateSecret, rotate_secret
from shared.platform.db import Database
from shared.platform.http import Http, Reach
from shared.subscribers.signing import Keyring, UnknownKey
from shared.subscribers.types import DeliveryUnderWay
from shared.subscribers.webhook_deliveries import ATTEMPTS, KEPT, LEASE, forget
from tests.subscribers import given as webhooks
from tests.subscribers.given import (
    ADA,
    KEYS,
    Subscriber,
    deliver,
    fails,
    journal,
    state,
    subscribed,
    told,
)
from tests.support import given
from tests.support.clock import TestClock
from tests.support.receiver import Receiver, is_genuine, receiving


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


def test_it_arrives_signed_and_is_delivered(database: Database, receiver: Receiver) -> None:
    secret = webhooks.subscriber(database, url=receiver.url)
    (delivery_id,) = told(database)

    deliver(database, delivery_id)

    (request,) = receiver.received
    assert is_genuine(request, secret)
    assert request.path == "/hooks"
    assert request.headers["content-type"] == "application/json"
    body = json.loads(request.body)
    assert body["id"] == request.headers["webhook-id"]
    assert body["data"]["tracking_code"] == "BR1"
    assert state(database, delivery_id) == "delivered"
    assert journal(database) == [(1, 200, None)]
    assert subscribed(database) == [("enabled", 0, None)]


def test_refused_twice_and_then_taken_is_delivered_once(
    database: Database, clock: TestClock, receiver: Receiver
) -> None:
    secret = webhooks.subscriber(database, url=receiver.url)
    receiver.statuses = [500, 503, 204]
    (delivery_id,) = told(database)

    for _ in range(2):
        with pytest.raises(NotDelivered):
            deliver(database, delivery_id)
        assert state(database, delivery_id) == "waiting"
        clock.advance(seconds=20)
    deliver(database, delivery_id)
    deliver(database, delivery_id)  # a task that comes twice

    assert journal(database) == [(1, 500, None), (2, 503, None), (3, 204, None)]
    assert len({request.headers["webhook-id"] for request in receiver.received}) == 1
    assert len({request.body for request in receiver.received}) == 1
    moments = [int(request.headers["webhook-timestamp"]) for request in receiver.received]
    assert [later - earlier for earlier, later in pairwise(moments)] == [
        20,
        20,
    ]
    assert all(is_genuine(request, secret) for request in receiver.received)
    assert state(database, delivery_id) == "delivered"
    assert subscribed(database) == [("enabled", 0, None)]


@pytest.mark.parametrize("status", [301, 302, 304, 400, 401, 404, 429, 500, 503])
def test_only_2xx_is_taken(database: Database, status: int) -> None:
    webhooks.subscriber(database)
    (delivery_id,) = told(database)

    fails(database, delivery_id, Subscriber(status))

    assert state(database, delivery_id) == "waiting"


def test_who_does_not_answer_in_time_is_tried_again(database: Database, receiver: Receiver) -> None:
    webhooks.subscriber(database, url=receiver.url)
    receiver.statuses = [None]
    (delivery_id,) = told(database)
    impatient = Http(Reach.ANYWHERE, timeout_s=0.2, most_bytes=1)

    with pytest.raises(NotDelivered) as caught:
        deliver(database, delivery_id, impatient)

    assert caught.value.facts["error"] == "timed_out"
    assert journal(database) == [(1, None, "timed_out")]
    assert given.rows(
        database, "SELECT duration_ms BETWEEN 200 AND 5000 FROM webhook_attempts"
    ) == [(True,)]


def test_an_address_inside_is_not_called_and_the_attempt_says_so(
    database: Database, receiver: Receiver
) -> None:
    # Goal: a subscriber's name may lead inside after it was added; nothing is sent there.
    webhooks.subscriber(database, url="https://localhost/hooks")
    (delivery_id,) = told(database)
    outward = Http(Reach.PUBLIC, timeout_s=1.0, most_bytes=1)

    with pytest.raises(NotDelivered):
        deliver(database, delivery_id, outward)

    assert journal(database) == [(1, None, "forbidden_address")]


def test_an_address_that_may_not_be_called_any_more_is_a_failure_like_others(
    database: Database,
) -> None:
    webhooks.subscriber(database, url="http://shop.test/hooks")
    (delivery_id,) = told(database)

    with pytest.raises(NotDelivered):
        deliver(database, delivery_id, Http(Reach.PUBLIC, timeout_s=1.0, most_bytes=1))

    assert journal(database) == [(1, None, "bad_url")]


def test_who_dies_between_sending_and_recording_is_followed_by_the_same_webhook(
    database: Database, clock: TestClock
) -> None:
    # Goal: nobody knows whether it arrived, so it is sent again, and its id says that it is the
    # same. Until the lease is over the dead one might still live.
    class Killed(BaseException):
        """The process ends."""

    def die() -> None:
        raise Killed

    webhooks.subscriber(database)
    (delivery_id,) = told(database)
    dying, next_one = Subscriber(before=die), Subscriber()
    with pytest.raises(Killed):
        deliver(database, delivery_id, dying)

    with pytest.raises(DeliveryUnderWay):
        deliver(database, delivery_id, next_one)
    clock.advance(seconds=LEASE.total_seconds())
    deliver(database, delivery_id, next_one)

    assert dying.ids == next_one.ids
    assert dying.sent[0][1] == next_one.sent[0][1]
    assert state(database, delivery_id) == "delivered"
    assert journal(database) == [(1, None, None), (2, 200, None)]


def test_two_at_once_send_it_once(database: Database) -> None:
    webhooks.subscriber(database)
    (delivery_id,) = told(database)
    subscriber = Subscriber()
    both = Barrier(2)

    def race(_number: int) -> bool:
        both.wait(timeout=10)
        try:
            deliver(database, delivery_id, subscriber)
        except DeliveryUnderWay:
            return False
        return True

    with ThreadPoolExecutor(max_workers=2) as pool:
        list(pool.map(race, range(2)))

    assert len(subscriber.sent) == 1
    assert state(database, delivery_id) == "delivered"


def test_an_answer_that_comes_after_its_lease_still_counts(
    database: Database, clock: TestClock
) -> None:
    webhooks.subscriber(database)
    (delivery_id,) = told(database)

    def overtaken() -> None:
        clock.advance(seconds=LEASE.total_seconds())
        fails(database, delivery_id, Subscriber(500))

    deliver(database, delivery_id, Subscriber(before=overtaken))

    assert state(database, delivery_id) == "delivered"
    assert journal(database) == [(1, 200, None), (2, 500, None)]


def test_a_failure_that_comes_after_its_lease_takes_nothing_back(
    database: Database, clock: TestClock
) -> None:
    webhooks.subscriber(database)
    (delivery_id,) = told(database)

    def overtaken() -> None:
        clock.advance(seconds=LEASE.total_seconds())
        deliver(database, delivery_id, Subscriber())

    deliver(database, delivery_id, Subscriber(500, before=overtaken))

    assert state(database, delivery_id) == "delivered"


def test_after_its_last_attempt_it_is_given_up_and_its_task_is_done(
    database: Database, clock: TestClock
) -> None:
    webhooks.subscriber(database)
    (delivery_id,) = told(database)
    subscriber = Subscriber(500)
    for _ in range(ATTEMPTS - 1):
        fails(database, delivery_id, subscriber)
        clock.advance(hours=1)

    deliver(database, delivery_id, subscriber)  # no error: the queue has nothing more to do
    deliver(database, delivery_id, subscriber)

    assert state(database, delivery_id) == "failed"
    assert len(subscriber.sent) == ATTEMPTS
    assert given.rows(database, "SELECT count(*) FROM dead_letters") == [(0,)]


def test_when_the_last_attempt_dies_it_is_given_up_by_the_next(
    database: Database, clock: TestClock
) -> None:
    webhooks.subscriber(database)
    (delivery_id,) = told(database)
    subscriber = Subscriber(500)
    for _ in range(ATTEMPTS - 1):
        fails(database, delivery_id, subscriber)
        clock.advance(hours=1)

    def die() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        deliver(database, delivery_id, Subscriber(before=die))
    clock.advance(hours=1)
    deliver(database, delivery_id, subscriber)

    assert state(database, delivery_id) == "failed"
    assert len(subscriber.sent) == ATTEMPTS - 1


def test_while_a_secret_is_replaced_both_verify_and_then_only_the_new_one(
    database: Database, clock: TestClock, receiver: Receiver
) -> None:
    old = webhooks.subscriber(database, url=receiver.url)
    _, new = database.run(
        lambda tx: rotate_secret(tx, RotateSecret("shop", ADA), KEYS), given.cause()
    )
    within, after = (told(database)[0] for _ in range(2))

    clock.advance(seconds=(OVERLAP - timedelta(seconds=1)).total_seconds())
    deliver(database, within)
    clock.advance(seconds=1)
    deliver(database, after)

    genuine = [
        [is_genuine(request, secret) for secret in (old, new)] for request in receiver.received
    ]
    assert genuine == [[True, True], [False, True]]


def test_without_the_key_of_its_secret_nothing_is_sent_and_no_attempt_is_lost(
    database: Database,
) -> None:
    webhooks.subscriber(database)
    (delivery_id,) = told(database)
    subscriber = Subscriber()
    other = Keyring(["another-signing-key-of-the-tests!"])

    with pytest.raises(UnknownKey):
        deliver(database, delivery_id, subscriber, other)

    assert subscriber.sent == []
    assert journal(database) == []
    deliver(database, delivery_id, subscriber)
    assert state(database, delivery_id) == "delivered"


def test_what_is_forgotten_or_was_never_there_is_nothing_to_do(database: Database) -> None:
    subscriber = Subscriber()

    deliver(database, "whd_unheard_of", subscriber)

    assert subscriber.sent == []


def test_what_is_forgotten_while_it_is_sent_is_let_go(database: Database, clock: TestClock) -> None:
    webhooks.subscriber(database)
    (delivery_id,) = told(database)

    def forgotten() -> None:
        clock.advance(seconds=KEPT.total_seconds() + 1)
        assert database.run(lambda tx: forget(tx, 10), given.cause()) == 1

    deliver(database, delivery_id, Subscriber(500, before=forgotten))

    assert journal(database) == []


def test_work_that_is_parked_gives_the_webhook_up(database: Database) -> None:
    webhooks.subscriber(database)
    waiting, delivered = (told(database)[0] for _ in range(2))
    deliver(database, delivered, Subscriber())

    for delivery_id in (waiting, delivered, "whd_unheard_of"):
        work = DeliverWebhook(delivery_id=delivery_id)
        database.run(lambda tx, work=work: give_up_webhook(tx, work), given.cause())  # type: ignore[misc]

    assert [state(database, one) for one in (waiting, delivered)] == ["failed", "delivered"]
