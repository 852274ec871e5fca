"""Who gets webhooks, seen and changed at the console; what is secret is told once."""

import re
from typing import Any

import pytest

from shared.contracts.work import DeliverWebhook, GiveOutWebhooks
from shared.people.permissions import Action
from shared.people.types import Role
from shared.platform.db import Database
from shared.subscribers import signing
from shared.subscribers.types import MOST_RETIRING, SecretName
from tests.console.browser import Browser, Machine
from tests.people import given as people
from tests.platform.doubles import RecordingQueues
from tests.subscribers import given as webhooks
from tests.subscribers.given import KEYS, Subscriber, deliver, fails, state, subscribed, told
from tests.support import given
from tests.support.clock import TestClock

PAGE = "/webhooks/shop"
WISH: dict[str, Any] = {
    "name": "shop",
    "url": "https://shop.test/hooks",
    "event_types": ["dispatch.order.closed.v1"],
    "channel": "web",
    "reason": "they asked for it",
}
CHANGE = {"url": "https://other.test/hooks", "reason": "they have moved"}


@pytest.fixture
def admin(browser: Browser, placed: Database) -> Browser:
    ben = people.user(placed, "ben@example.org", Role.ADMIN)
    browser.carry(people.session(placed, ben))
    return browser


@pytest.fixture
def machine(browser: Browser, placed: Database) -> Machine:
    return Machine(browser.client, key=people.key(placed, *Action))


def secret_of(page: str) -> str:
    found = re.search(r'<code class="secret"[^>]*>([^<]*)</code>', page)
    assert found
    return found[1].strip()


def everything_kept(database: Database) -> str:
    """All that is written down of what was asked, answered and done."""
    tables = ("idempotency_keys", "audit_log", "webhook_subscribers", "outbox")
    rows = [given.rows(database, f"SELECT to_jsonb(t)::text FROM {name} AS t") for name in tables]
    return str(rows)


def derived(database: Database, version: int) -> str:
    """The secret that the shop signs with in this version."""
    rows = given.rows(database, "SELECT subscriber_id, key_id FROM webhook_subscribers")
    ((subscriber_id, key_id),) = rows
    return signing.shown(KEYS.secret(subscriber_id, SecretName(version, key_id)))


def given_out(queues: RecordingQueues) -> list[str]:
    """The types of the work about webhooks that the console has sent."""
    return [
        attributes["ce-type"]
        for queue, attributes, _ in queues.added.values()
        if queue == "webhooks"
    ]


def given_up(database: Database, *delivery_ids: str) -> None:
    """All their attempts were in vain."""
    ids = ", ".join(f"'{one}'" for one in delivery_ids)
    given.rows(
        database,
        "UPDATE webhook_deliveries SET state = 'failed', attempts_left = 0, ended_at = created_at"
        f" WHERE delivery_id IN ({ids}) RETURNING 1",
    )


def test_an_admin_adds_somebody_and_sees_the_secret_once(
    admin: Browser, machine: Machine, placed: Database, capfd: pytest.CaptureFixture[str]
) -> None:
    admin.get("/webhooks")
    form = admin.page
    told_once = admin.post("/webhooks/add", WISH)
    secret = secret_of(admin.page)

    assert told_once.status_code == 200
    assert secret == derived(placed, 1)
    admin.page = form
    admin.post("/webhooks/add", WISH)
    assert "It was shown already" in admin.page
    assert secret not in admin.page + everything_kept(placed) + capfd.readouterr().out
    assert people.trail(placed) == [
        ("ben@example.org", "add_subscriber", "shop", "they asked for it")
    ]
    (row,) = machine.get("/webhooks").get_json()["subscribers"]
    assert (row["event_types"], row["channel"], row["state"], row["added_by"]) == (
        ["dispatch.order.closed.v1"],
        "web",
        "enabled",
        "ben@example.org",
    )
    admin.get("/audit")
    assert f'href="{PAGE}"' in admin.page


@pytest.mark.parametrize(
    ("wrong", "status", "field"),
    [
        ({"url": "http://shop.test/"}, 400, "url"),
        ({"url": "https://shop.test:5432/"}, 400, "url"),
        ({"event_types": ["dispatch.parcel.charged.v1"]}, 400, "event_types"),
        ({"channel": "a channel"}, 400, "channel"),
        ({"name": "Shop"}, 400, "name"),
        ({"reason": ""}, 400, "reason"),
        ({"name": "taken"}, 409, "name"),
    ],
)
def test_what_is_wrong_is_told_with_its_field_and_nobody_is_added(
    machine: Machine, placed: Database, wrong: dict[str, Any], status: int, field: str
) -> None:
    webhooks.subscriber(placed, "taken")

    refused = machine.post("/webhooks/add", {**WISH, **wrong})

    problem = refused.get_json()
    assert refused.status_code == status
    assert field in {problem.get("field"), *(one["field"] for one in problem.get("errors", ()))}
    assert given.rows(placed, "SELECT count(*) FROM webhook_subscribers") == [(1,)]


def test_of_two_admins_the_second_sees_what_the_first_said(
    admin: Browser, machine: Machine, placed: Database
) -> None:
    webhooks.subscriber(placed)
    admin.get(PAGE)
    machine.post(f"{PAGE}/change", {**CHANGE, "url": "https://first.test/"})

    for act, said in (("change", CHANGE), ("rotate", {}), ("disable", {})):
        shown = admin.page
        refused = admin.post(f"{PAGE}/{act}", said, reason="second")
        assert refused.status_code == 409, act
        assert "shop has changed since you looked: address was" in admin.page
        admin.page = shown
    assert given.rows(placed, "SELECT url, secret_version, state FROM webhook_subscribers") == [
        ("https://first.test/", 1, "enabled")
    ]


def test_a_version_that_is_named_by_a_machine_is_checked(
    machine: Machine, placed: Database
) -> None:
    webhooks.subscriber(placed)
    seen = machine.get(PAGE).headers["ETag"]

    first = machine.post(f"{PAGE}/change", CHANGE, headers={"If-Match": seen})
    second = machine.post(f"{PAGE}/change", CHANGE, headers={"If-Match": seen})

    assert (first.status_code, second.status_code) == (200, 409)
    assert first.get_json()["subscriber"]["url"] == CHANGE["url"]
    assert second.get_json()["changed"][0]["field"] == "address"


def test_another_address_is_not_left_alone_for_what_the_one_before_has_failed(
    machine: Machine, placed: Database
) -> None:
    webhooks.subscriber(placed)
    given.rows(
        placed,
        "UPDATE webhook_subscribers SET failures = 9, failed_at = added_at,"
        " failing_since = added_at RETURNING 1",
    )

    machine.post(f"{PAGE}/change", {**CHANGE, "url": "https://shop.test/hooks", "channel": "web"})
    assert machine.get(PAGE).get_json()["subscriber"]["failures"] == 9
    machine.post(f"{PAGE}/change", CHANGE)
    assert machine.get(PAGE).get_json()["subscriber"]["failures"] == 0
    (delivery_id,) = told(placed)
    server = Subscriber()
    deliver(placed, delivery_id, server)
    assert [url for url, _, _ in server.sent] == [CHANGE["url"]]


@pytest.mark.parametrize(("at_once", "signatures"), [("false", 2), ("true", 1)])
def test_a_new_secret_is_shown_once_and_the_old_one_signs_as_long_as_was_said(
    admin: Browser, placed: Database, at_once: str, signatures: int
) -> None:
    webhooks.subscriber(placed)
    admin.get(PAGE)
    admin.post(f"{PAGE}/rotate", at_once=at_once, reason="it has leaked")
    secret = secret_of(admin.page)

    assert secret == derived(placed, 2)
    assert secret not in everything_kept(placed)
    (delivery_id,) = told(placed)
    server = Subscriber()
    deliver(placed, delivery_id, server)
    ((_, _, headers),) = server.sent
    assert len(headers["webhook-signature"].split()) == signatures
    ((before, after),) = given.rows(
        placed, "SELECT before, after FROM audit_log WHERE action = 'rotate_secret'"
    )
    assert (before["version of the secret"], after["version of the secret"]) == ("1", "2")


def test_a_secret_too_many_is_refused_with_when_there_is_room(
    admin: Browser, machine: Machine, placed: Database
) -> None:
    webhooks.subscriber(placed)
    for _ in range(MOST_RETIRING):
        assert machine.post(f"{PAGE}/rotate", {"reason": "again"}).status_code == 200

    refused = machine.post(f"{PAGE}/rotate", {"reason": "and again"})

    assert (refused.status_code, refused.get_json()["code"]) == (409, "too_many_secrets")
    shown = machine.get(PAGE).get_json()["subscriber"]["previous_secrets"]
    assert [one["version"] for one in shown] == [4, 3, 2, 1]
    assert shown[-1]["until"][:16].replace("T", " ") in refused.get_json()["detail"]
    admin.get(PAGE)
    assert "version 1 signs until" in admin.page
    assert machine.post(f"{PAGE}/rotate", {"reason": "known", "at_once": True}).status_code == 200
    assert machine.get(PAGE).get_json()["subscriber"]["previous_secrets"] == []


def test_disabled_with_a_reason_and_enabled_with_all_that_waits(
    admin: Browser, placed: Database, queues: RecordingQueues
) -> None:
    webhooks.subscriber(placed)
    admin.get(PAGE)
    admin.post(f"{PAGE}/disable", reason="moving house")
    assert subscribed(placed) == [("disabled", 0, "moving house")]
    told(placed)
    admin.get(PAGE)
    assert "moving house. What happens meanwhile waits" in admin.page
    assert f'action="{PAGE}/try"' not in admin.page

    done = admin.post(f"{PAGE}/enable", reason="they are back")

    assert (done.status_code, done.location) == (303, f"{PAGE}?done=enableSubscriber")
    assert subscribed(placed) == [("enabled", 0, None)]
    assert given_out(queues) == [GiveOutWebhooks.type]
    assert [one[1] for one in people.trail(placed)][-2:] == [
        "disable_subscriber",
        "enable_subscriber",
    ]


def test_a_page_has_what_was_sent_by_state_with_the_last_answer_and_when_it_is_tried_next(
    machine: Machine, placed: Database, clock: TestClock
) -> None:
    webhooks.subscriber(placed)
    webhooks.subscriber(placed, "other")
    taken, failing, lost = (told(placed)[1] for _ in range(3))
    deliver(placed, taken, Subscriber())
    fails(placed, failing, Subscriber(503))
    clock.advance(seconds=10)
    fails(placed, failing, Subscriber(500))
    given_up(placed, lost)

    shown = machine.get(PAGE).get_json()
    rows = {row["delivery_id"]: row for row in shown["deliveries"]}
    assert list(rows) == [lost, failing, taken]
    assert (rows[taken]["state"], rows[taken]["status"], rows[taken]["tried_next"]) == (
        "delivered",
        200,
        None,
    )
    assert rows[lost]["tried_next"] is None
    waiting = rows[failing]
    assert (waiting["state"], waiting["attempts"], waiting["status"]) == ("waiting", 2, 500)
    assert (waiting["tried_next"], waiting["not_before"]) == ("within_the_hour", None)
    assert (shown["subscriber"]["failures"], shown["subscriber"]["waiting"]) == (2, 1)
    assert shown["subscriber"]["failed"] == 1
    for word, found in (("waiting", failing), ("delivered", taken), ("failed", lost)):
        (row,) = machine.get(f"{PAGE}?state={word}").get_json()["deliveries"]
        assert row["delivery_id"] == found
    one = machine.get(f"{PAGE}/{failing}").get_json()
    assert [(tried["number"], tried["status"]) for tried in one["attempts"]] == [(1, 503), (2, 500)]
    assert machine.get(f"/webhooks/other/{failing}").status_code == 404
    for of_nobody in ("/webhooks/nobody", f"/webhooks/nobody/{failing}"):
        assert machine.get(of_nobody).status_code == 404


def test_the_pages_together_have_each_webhook_once(
    machine: Machine, placed: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.flows.show_subscribers.PAGE", 2)
    webhooks.subscriber(placed)
    sent = [told(placed)[0] for _ in range(5)]

    found, cursor = [], ""
    while cursor is not None:
        page = machine.get(f"{PAGE}?cursor={cursor}").get_json()
        found += [row["delivery_id"] for row in page["deliveries"]]
        cursor = page["next"]

    assert found == sent[::-1]
    assert machine.get(f"{PAGE}?cursor=x").status_code == 400


def test_one_is_sent_again_whatever_became_of_it(
    admin: Browser, machine: Machine, placed: Database, queues: RecordingQueues
) -> None:
    webhooks.subscriber(placed)
    webhooks.subscriber(placed, "other")
    others, delivery_id = told(placed)
    deliver(placed, delivery_id, Subscriber())
    page = f"{PAGE}/{delivery_id}"
    admin.get(page)

    done = admin.post(f"{page}/redeliver", reason="they have lost it")

    assert (done.status_code, done.location) == (303, f"{page}?done=redeliverWebhook")
    assert (state(placed, delivery_id), given_out(queues)) == ("waiting", [DeliverWebhook.type])
    ((before, after),) = given.rows(
        placed, "SELECT before, after FROM audit_log WHERE action = 'redeliver_webhook'"
    )
    assert (before, after) == ({delivery_id: "delivered"}, {delivery_id: "waiting"})
    strange = machine.post(f"{PAGE}/{others}/redeliver", {"reason": "x"})
    assert (strange.status_code, strange.get_json()["code"]) == (404, "unknown_delivery")


def test_all_of_a_time_that_were_given_up_are_sent_and_each_says_what_became_of_it(
    machine: Machine, placed: Database, clock: TestClock
) -> None:
    webhooks.subscriber(placed)
    (old,) = told(placed)
    clock.advance(hours=1)
    since = clock.now.isoformat()
    lost, settled, waits = (told(placed)[0] for _ in range(3))
    clock.advance(hours=1)
    until = clock.now.isoformat()
    (late,) = told(placed)
    given_up(placed, old, lost, settled, late)
    meant = {"everything": True, "since": since, "until": until, "reason": "an outage"}

    first = machine.post(f"{PAGE}/redeliver", meant, key="outage")
    again = machine.post(f"{PAGE}/redeliver", meant, key="outage")

    assert first.get_json() == again.get_json()
    assert {one["id"] for one in first.get_json()["results"]} == {lost, settled}
    assert first.get_json()["done"] == 2
    assert [state(placed, one) for one in (old, lost, settled, waits, late)] == [
        "failed",
        "waiting",
        "waiting",
        "waiting",
        "failed",
    ]
    assert [one[1] for one in people.trail(placed)].count("redeliver_webhook") == 2


def test_of_the_ticked_ones_each_is_done_by_itself(admin: Browser, placed: Database) -> None:
    webhooks.subscriber(placed)
    (delivery_id,) = told(placed)
    given_up(placed, delivery_id)
    admin.get(PAGE)

    form = re.search(rf'<form method="post" action="({PAGE}/redeliver[^"]*)"', admin.page)
    assert form
    chosen = {"delivery_ids": [delivery_id, "whd_unheard"]}
    admin.post(form[1], chosen, reason="they are back")

    assert "1 of 2 sent again" in admin.page
    assert f'href="{PAGE}/{delivery_id}"' in admin.page
    assert state(placed, delivery_id) == "waiting"
    admin.get(PAGE)
    assert admin.post(form[1], reason="none").status_code == 400
    assert "Tick at least one webhook" in admin.page


def test_who_is_disabled_is_sent_nothing(machine: Machine, placed: Database) -> None:
    webhooks.subscriber(placed)
    (delivery_id,) = told(placed)
    machine.post(f"{PAGE}/disable", {"reason": "moving"})

    for path in (f"{PAGE}/{delivery_id}/redeliver", f"{PAGE}/try"):
        refused = machine.post(path, {"reason": "x"})
        assert (refused.status_code, refused.get_json()["code"]) == (409, "subscriber_disabled")
    many = machine.post(f"{PAGE}/redeliver", {"reason": "x", "delivery_ids": [delivery_id]})
    ((result),) = many.get_json()["results"]
    assert (result["done"], result["code"]) == (False, "subscriber_disabled")


def test_a_test_is_sent(admin: Browser, placed: Database) -> None:
    webhooks.subscriber(placed)
    admin.get(PAGE)
    admin.post(f"{PAGE}/try", reason="does it arrive")
    admin.get(PAGE)
    assert "dispatch.webhook.test.v1" in admin.page


@pytest.mark.parametrize(
    ("role", "warehouses"), [(Role.VIEWER, None), (Role.OPERATOR, None), (Role.ADMIN, {"BER"})]
)
def test_who_is_no_admin_of_all_warehouses_looks_and_changes_nothing(
    browser: Browser, placed: Database, role: Role, warehouses: set[str] | None
) -> None:
    webhooks.subscriber(placed)
    places = None if warehouses is None else frozenset(warehouses)
    user = people.user(placed, "zoe@example.org", role, warehouses=places)
    machine = Machine(browser.client, session=people.session(placed, user))

    shown = machine.get(PAGE)
    acts = ("change", "rotate", "disable", "enable", "try", "redeliver")
    refused = [machine.post(f"{PAGE}/{act}", {**CHANGE, **WISH}).status_code for act in acts]

    assert (shown.status_code, shown.get_json()["acts"]) == (200, [])
    assert refused == [403] * len(acts)
    assert machine.post("/webhooks/add", WISH).status_code == 403


def test_others_look_and_have_no_form(operator: Browser, placed: Database) -> None:
    webhooks.subscriber(placed)
    (delivery_id,) = told(placed)
    for page in ("/webhooks", PAGE, f"{PAGE}/{delivery_id}"):
        assert operator.get(page).status_code == 200
        assert 'class="act' not in operator.page
        assert "/redeliver" not in operator.page
