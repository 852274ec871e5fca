"""Signatures that others can verify, and secrets that are stored nowhere."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from shared.platform.config import Config, Misconfigured
from shared.subscribers import signing
from shared.subscribers.signing import Keyring, UnknownKey, headers, shown
from shared.subscribers.types import MOST_RETIRING, SecretName, Secrets, TooManySecrets
from tests.support.loopback import Request
from tests.support.receiver import is_genuine

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
OLD, NEW = "an-old-signing-key-of-thirty-two!", "a-new-signing-key-of-thirty-two!!"


def first(keys: Keyring) -> SecretName:
    return SecretName(1, keys.newest_id)


def test_the_published_example_of_standard_webhooks() -> None:
    # Source: the tests of every reference library, github.com/standard-webhooks/standard-webhooks.
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    moment = datetime.fromtimestamp(1_614_265_330, UTC)

    found = headers("msg_p5jXN8AQM9LWM0D4loKWxJek", moment, b'{"test": 2432232314}', [secret])

    assert found == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_a_subscriber_verifies_with_what_it_was_shown_and_nobody_else_can() -> None:
    keys = Keyring([NEW])
    mine, others = (keys.secret(who, first(keys)) for who in ("whs_1", "whs_2"))
    sent = Request("POST", "/", headers("evt_1", NOON, b"{}", [mine]), b"{}")

    assert is_genuine(sent, shown(mine))
    assert not is_genuine(sent, shown(others))
    assert not is_genuine(Request("POST", "/", sent.headers, b"{ }"), shown(mine))
    for name, other in (("webhook-id", "evt_2"), ("webhook-timestamp", "1")):
        assert not is_genuine(
            Request("POST", "/", {**sent.headers, name: other}, b"{}"), shown(mine)
        )


def test_a_secret_is_what_standard_webhooks_wants_of_one() -> None:
    keys = Keyring([NEW])

    text = shown(keys.secret("whs_1", first(keys)))

    assert text.startswith("whsec_")
    assert 24 <= len(base64.b64decode(text.removeprefix("whsec_"), validate=True)) <= 64


def test_every_subscriber_version_and_key_has_a_secret_of_its_own() -> None:
    both = Keyring([NEW, OLD])
    old_id = Keyring([OLD]).newest_id
    names = [(who, SecretName(n, key)) for who in ("whs_1", "whs_11") for n in (1, 2, 11)
             for key in (both.newest_id, old_id)]  # fmt: skip

    secrets = {both.secret(who, name) for who, name in names}

    assert len(secrets) == len(names)
    assert both.newest_id == Keyring([NEW]).newest_id != old_id


def test_while_a_signing_key_is_replaced_those_of_the_old_one_verify_as_before() -> None:
    before = Keyring([OLD])
    secret = before.secret("whs_1", first(before))

    assert Keyring([NEW, OLD]).secret("whs_1", first(before)) == secret
    with pytest.raises(UnknownKey) as caught:
        Keyring([NEW]).secret("whs_1", first(before))
    assert caught.value.facts["key_id"] == before.newest_id


def test_the_secret_before_signs_until_its_time_is_over_or_its_key_is_taken_away() -> None:
    before, both = Keyring([OLD]), Keyring([NEW, OLD])
    secrets = Secrets(first(before)).rotated(both.newest_id, NOON, timedelta(hours=24))
    old, new = before.secret("whs_1", first(before)), both.secret("whs_1", secrets.current)

    def signing_at(keys: Keyring, hours: int) -> list[bytes]:
        names = secrets.signing_at(NOON + timedelta(hours=hours))
        return list(keys.signing("whs_1", names))

    assert signing_at(both, 0) == signing_at(both, 23) == [new, old]
    assert signing_at(both, 24) == [new]
    assert signing_at(Keyring([NEW]), 0) == [new]


def test_each_secret_of_before_signs_as_long_as_was_said_when_it_was_replaced() -> None:
    # Goal: rotating again shortens nobody's time.
    keys, day = Keyring([OLD]), timedelta(hours=24)
    secrets = Secrets(first(keys))
    for hour in range(3):
        secrets = secrets.rotated(keys.newest_id, NOON + timedelta(hours=hour), day)

    def versions(hours: float) -> list[int]:
        return [one.version for one in secrets.signing_at(NOON + timedelta(hours=hours))]

    assert versions(2) == versions(23.9) == [4, 3, 2, 1]
    assert versions(24) == [4, 3, 2]
    assert versions(25) == [4, 3]
    assert versions(26) == [4]


def test_what_is_over_is_forgotten_and_more_than_a_few_are_refused_with_when_there_is_room() -> (
    None
):
    keys, day = Keyring([OLD]), timedelta(hours=24)
    secrets = Secrets(first(keys))
    for minute in range(MOST_RETIRING):
        secrets = secrets.rotated(keys.newest_id, NOON + timedelta(minutes=minute), day)

    with pytest.raises(
        TooManySecrets, match=r"the first of them until 2026-\d\d-\d\d 12:00:00 UTC"
    ):
        secrets.rotated(keys.newest_id, NOON + timedelta(hours=23), day)

    assert secrets.rotated(keys.newest_id, NOON, timedelta(0)).retiring == ()
    later = secrets.rotated(keys.newest_id, NOON + day, day)
    assert len(later.retiring) == MOST_RETIRING
    assert later.current.version == MOST_RETIRING + 2


def test_two_signatures_are_two_words_of_one_header() -> None:
    found = headers("evt_1", NOON, b"{}", [b"one", b"two"])["webhook-signature"]

    assert [word.partition(",")[0] for word in found.split(" ")] == ["v1", "v1"]


@pytest.mark.parametrize("text", [None, "", "too-short", f"{NEW},", f"{NEW},short"])
def test_without_a_key_that_nobody_can_guess_there_are_no_webhooks(
    config: Config, text: str | None
) -> None:
    secret = None if text is None else SecretStr(text)

    with pytest.raises(Misconfigured, match=r"^DISPATCH_WEBHOOK_SIGNING_KEY: ") as caught:
        signing.keyring(config.model_copy(update={"webhook_signing_key": secret}))

    assert not text or text not in str(caught.value)


def test_several_keys_are_read_the_newest_first(config: Config) -> None:
    secret = SecretStr(f" {NEW} , {OLD}")

    keys = signing.keyring(config.model_copy(update={"webhook_signing_key": secret}))

    assert keys.newest_id == Keyring([NEW]).newest_id
    assert keys.secret("whs_1", SecretName(1, Keyring([OLD]).newest_id))
