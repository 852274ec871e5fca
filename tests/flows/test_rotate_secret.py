"""A new secret, with or without a time in which both sign."""

from datetime import timedelta

import pytest

from shared.flows.rotate_secret import OVERLAP, RotateSecret, rotate_secret
from shared.platform.db import Database
from shared.subscribers.signing import Keyring
from shared.subscribers.types import UnknownSubscriber
from tests.subscribers import given as webhooks
from tests.subscribers.given import ADA, KEYS, told
from tests.support import given
from tests.support.clock import TestClock
from tests.support.receiver import is_genuine, receiving


def rotated(database: Database, keys: Keyring = KEYS, overlap: timedelta = OVERLAP) -> str:
    """The new secret of the shop."""
    _, secret = database.run(
        lambda tx: rotate_secret(tx, RotateSecret("shop", ADA, overlap), keys), given.cause()
    )
    return secret


def test_every_secret_is_another_one(database: Database) -> None:
    secrets = [webhooks.subscriber(database), *(rotated(database) for _ in range(3))]

    assert len(set(secrets)) == 4
    assert given.rows(database, "SELECT secret_version, changed_by FROM webhook_subscribers") == [
        (4, "ada")
    ]


def test_a_secret_that_others_know_signs_no_more_at_once(database: Database) -> None:
    with receiving() as receiver:
        leaked = webhooks.subscriber(database, url=receiver.url)
        fresh = rotated(database, overlap=timedelta(0))
        webhooks.deliver(database, told(database)[0])

    (request,) = receiver.received
    assert [is_genuine(request, secret) for secret in (leaked, fresh)] == [False, True]


def test_a_second_rotation_leaves_the_first_old_secret_its_time(
    database: Database, clock: TestClock
) -> None:
    # Goal: whoever was told "for 24 hours" has them, whoever rotates meanwhile, by mistake or not.
    with receiving() as receiver:
        secrets = [webhooks.subscriber(database, url=receiver.url)]
        for _ in range(2):
            secrets.append(rotated(database))
            clock.advance(hours=1)
        for hours in (21, 1, 1, 0):  # it is 2 h after the first rotation
            webhooks.deliver(database, told(database)[0])
            clock.advance(hours=hours)

    genuine = [[is_genuine(one, secret) for secret in secrets] for one in receiver.received]
    assert genuine == [[True, True, True]] * 2 + [[False, True, True], [False, False, True]]


def test_a_signing_key_is_replaced_by_rotating_everybody(database: Database) -> None:
    # Goal: with both keys set, a subscriber goes from the old key to the new one and misses
    # nothing; then the old key can go.
    both = Keyring(["the-new-signing-key-of-the-tests!", "the-first-signing-key-of-the-tests"])
    only_new = Keyring(["the-new-signing-key-of-the-tests!"])
    with receiving() as receiver:
        old = webhooks.subscriber(database, url=receiver.url)
        new = rotated(database, both)
        webhooks.deliver(database, told(database)[0], keys=both)
        webhooks.deliver(database, told(database)[0], keys=only_new)

    genuine = [[is_genuine(one, secret) for secret in (old, new)] for one in receiver.received]
    assert genuine == [[True, True], [False, True]]


def test_nobody_of_that_name_is_said(database: Database) -> None:
    with pytest.raises(UnknownSubscriber) as caught:
        rotated(database)

    assert caught.value.facts["field"] == "name"
