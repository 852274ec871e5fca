"""`webhooks` on the command line."""

import pytest

from shared.kit.clock import utc_now
from shared.platform.config import Config
from shared.platform.db import Database
from shared.platform.relay import Relay
from tests.subscribers import given as webhooks
from tests.subscribers.given import deliver, told
from tests.support import commands, given
from tests.support.clock import TestClock
from tests.support.commands import Command, as_json
from tests.support.receiver import receiving


@pytest.fixture
def verb(
    config: Config,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Command:
    """The verb on an empty database; what is announced stays in the outbox."""
    monkeypatch.setattr(Relay, "send", lambda *_: None)
    key = {"DISPATCH_WEBHOOK_SIGNING_KEY": "a-signing-key-of-the-commands-tests"}
    return commands.command("webhooks", config, monkeypatch, capsys, **key)


def add(verb: Command, *words: str, url: str = "https://shop.test/hooks") -> str:
    """A subscriber of the name `shop`; returns its secret."""
    secret: str = as_json(verb, "add", "shop", url, *words)["secret"]
    return secret


def test_a_secret_is_printed_once_and_never_again(verb: Command) -> None:
    secret = add(verb)
    rotated = as_json(verb, "rotate", "shop")["secret"]

    assert secret.startswith("whsec_")
    assert rotated != secret
    for words in (("list",), ("show", "shop"), ("deliveries",)):
        for form in ((), ("--json",)):
            _, out, err = verb(*words, *form)
            assert "whsec_" not in out + err


def test_people_see_the_secret_too(verb: Command) -> None:
    code, out, _ = verb("add", "shop", "https://shop.test/hooks", "--by", "ada")

    assert code == 0
    assert "whsec_" in out.splitlines()[1]
    assert "not shown again" in out
    assert as_json(verb, "list")["subscribers"][0]["added_by"] == "ada"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("add", "Shop", "https://shop.test/"), "name: "),
        (("add", "shop", "ftp://shop.test/"), "url: "),
        (("add", "shop", "https://shop.test/", "--event", "x"), "event_types: "),
        (("add", "shop", "https://shop.test/", "--channel", "a b"), "channel: "),
        (("show", "nobody"), "name: "),
        (("rotate", "nobody"), "name: "),
        (("enable", "nobody"), "name: "),
        (("disable", "nobody", "--reason", "x"), "name: "),
        (("send", "nobody"), "name: "),
        (("redeliver", "nothing"), "delivery: "),
        (("redeliver", "--failed", "nobody"), "name: "),
        (("redeliver",), "Give either "),
        (("redeliver", "whd_1", "--failed", "shop"), "Give either "),
    ],
)
def test_what_is_wrong_is_a_sentence_that_names_the_field(
    verb: Command, words: tuple[str, ...], said: str
) -> None:
    code, out, err = verb(*words)

    assert (code, out) == (1, "")
    assert err.startswith(said)


def test_a_subscriber_with_all_that_is_known_of_it(verb: Command, database: Database) -> None:
    with receiving([500, 200]) as receiver:
        add(verb, "--event", "dispatch.parcel.labelled.v1", url=receiver.url)
        as_json(verb, "rotate", "shop")
        (delivery_id,) = told(database)
        shown = as_json(verb, "show", "shop")

    assert shown["url"] == receiver.url
    assert shown["event_types"] == ["dispatch.parcel.labelled.v1"]
    assert (shown["state"], shown["breaker"], shown["failures"]) == ("enabled", "closed", 0)
    assert (shown["waiting"], shown["failed"], shown["secret_version"]) == (1, 0, 2)
    (before,) = shown["previous_secrets"]
    assert (before["version"], before["until"]) == (1, shown["previous_secret_until"])
    (delivery,) = shown["deliveries"]
    assert delivery["delivery_id"] == delivery_id
    assert delivery["attempts"] == []
    _, out, _ = verb("show", "shop")
    assert "version 2" in out
    assert "version 1 signs until" in out


def test_deliveries_with_every_attempt(verb: Command, database: Database) -> None:
    with receiving() as receiver:
        webhooks.subscriber(database, "shop", receiver.url)
        webhooks.subscriber(database, "other", receiver.url)
        first, second = (told(database)[1] for _ in range(2))
        deliver(database, first)

        everything = as_json(verb, "deliveries")["deliveries"]
        mine = as_json(verb, "deliveries", "shop")["deliveries"]
        waiting = as_json(verb, "deliveries", "shop", "--state", "waiting")["deliveries"]
        (newest,) = as_json(verb, "deliveries", "shop", "--limit", "1")["deliveries"]
        number = str(newest["sequence"])
        (older,) = as_json(verb, "deliveries", "shop", "--before", number)["deliveries"]
        _, out, _ = verb("deliveries")

    assert len(everything) == 4
    assert [one["delivery_id"] for one in mine] == [second, first]
    assert [one["delivery_id"] for one in waiting] == [second]
    assert (newest["delivery_id"], older["delivery_id"]) == (second, first)
    (attempt,) = older["attempts"]
    assert (attempt["number"], attempt["status"], attempt["error"]) == (1, 200, None)
    assert attempt["duration_ms"] >= 0
    assert "200 in" in out


def test_nothing_to_show_is_said(verb: Command) -> None:
    assert verb("list")[1] == "Nobody gets webhooks.\n"
    assert verb("deliveries")[1] == "Nothing was sent.\n"


def test_disabled_with_a_reason_and_enabled_again(
    verb: Command, database: Database, clock: TestClock
) -> None:
    clock.now = utc_now()  # as the command has it
    add(verb)
    assert as_json(verb, "disable", "shop", "--reason", "moving") == {"disabled": "shop"}
    told(database)

    (listed,) = as_json(verb, "list")["subscribers"]
    assert (listed["state"], listed["disabled_because"]) == ("disabled", "moving")
    assert "disabled" in verb("list")[1]
    assert "moving" in verb("show", "shop")[1]
    code, _, err = verb("send", "shop")
    assert (code, err) == (
        1,
        "name: shop is disabled; enable it first (subscriber_disabled)\n",
    )
    assert as_json(verb, "enable", "shop") == {"enabled": "shop", "sent": 1}
    assert "enabled" in verb("list")[1]


def test_a_test_is_sent_and_what_failed_is_sent_again(verb: Command, database: Database) -> None:
    add(verb)
    delivery_id = as_json(verb, "send", "shop")["delivery"]
    given.rows(
        database,
        "UPDATE webhook_deliveries SET state = 'failed', ended_at = created_at RETURNING 1",
    )

    assert as_json(verb, "redeliver", "--failed", "shop", "--hours", "1") == {"sent": 1}
    assert as_json(verb, "redeliver", delivery_id) == {"sent": 1}
    assert given.told(database) == ["work.deliver_webhook"] * 3


def test_what_a_command_changes_is_kept_with_who_and_why(verb: Command, database: Database) -> None:
    why = ("--by", "ada", "--reason", "they asked for it")
    add(verb, *why)
    as_json(verb, "rotate", "shop", *why)
    as_json(verb, "disable", "shop", *why)
    as_json(verb, "enable", "shop", *why)
    delivery_id = as_json(verb, "send", "shop", *why)["delivery"]
    as_json(verb, "redeliver", delivery_id, *why)

    kept = given.rows(
        database,
        "SELECT action, actor_kind, actor, subject_id, reason FROM audit_log ORDER BY audit_id",
    )
    assert kept == [
        (action, "command", "ada", "shop", "they asked for it")
        for action in (
            "add_subscriber",
            "rotate_secret",
            "disable_subscriber",
            "enable_subscriber",
            "try_subscriber",
            "redeliver_webhook",
        )
    ]
