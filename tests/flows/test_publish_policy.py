"""Policies are published as versions, refused where they are wrong, and followed when they hold."""

from datetime import datetime, timedelta

import pytest

from shared.contracts.policies import PolicyDocument
from shared.contracts.work import PlaceOrder
from shared.flows.place_order import place_order
from shared.flows.publish_policy import PublishPolicy, publish_policy
from shared.flows.rules import Rules
from shared.flows.show_policies import list_policies
from shared.kit.errors import Malformed
from shared.kit.kept import KEPT_FOR
from shared.people.permissions import Action, Who
from shared.people.types import ActorKind, Person
from shared.placement import placement_policies
from shared.placement.policy import PolicyRefused
from shared.platform.db import Database
from tests.flows.rerouting import offer
from tests.support import given
from tests.support.clock import TestClock

EVERYBODY = Who(ActorKind.USER, "ada", "Ada", frozenset(Action), None)


def publish(
    database: Database, valid_from: datetime | None = None, reason: str = "a test", **wishes: object
) -> str:
    document = PolicyDocument.model_validate(wishes)
    wanted = PublishPolicy(document, valid_from, Person("ada", reason))
    return database.run(lambda tx: publish_policy(tx, wanted), given.cause())


def fallback(*to: str, carrier: str = "a", zone: str = "z") -> dict[str, object]:
    return {"carrier": carrier, "zone": zone, "to": list(to)}


def place(database: Database, order_id: str, rules: Rules) -> str:
    work = PlaceOrder(order_id=order_id, priority="standard")
    database.run(lambda tx: place_order(tx, work, rules), given.cause())
    ((state,),) = given.rows(database, f"SELECT state FROM orders WHERE order_id = '{order_id}'")
    return str(state)


def test_versions_are_numbered_by_channel_and_kept_as_they_were_said(database: Database) -> None:
    assert publish(database, channel="web", late_day_cents=300) == "web-1"
    assert publish(database, split_cents=50) == "every-channel-1"
    later = database.now() + timedelta(days=1)
    assert publish(database, later, channel="web") == "web-2"

    book = database.run(placement_policies.read_book, given.cause())
    assert book.valid_at(database.now(), "web").late_day_cents == 300
    assert book.valid_at(database.now(), "shop").split_cents == 50
    assert book.valid_at(later, "web").late_day_cents == 10_000, "what is left out is the default"


def test_it_is_followed_by_running_functions_within_a_minute(
    database: Database, clock: TestClock
) -> None:
    # Goal: published without a redeploy, and picked up at the next batch.
    given.catalogue(database, {"BER": {"MUG": 4, "PEN": 0}})
    for name in ("ord_1", "ord_2"):
        given.order(database, name, {"MUG": 2, "PEN": 1})
    rules = Rules()
    assert place(database, "ord_1", rules) == "backordered", "20.00 are not worth a parcel"

    publish(database, channel="web", ship_partial_from_cents=2_000)
    clock.advance(seconds=KEPT_FOR.total_seconds())

    assert place(database, "ord_2", rules) == "partly_placed"


@pytest.mark.parametrize(
    ("wishes", "said"),
    [
        ({"late_day_cent": 3}, "late_day_cent: Extra inputs are not permitted"),
        ({"split_cents": -1}, "split_cents: Input should be greater than or equal to 0"),
        ({"excluded_services": ["a/b/c"]}, "excluded_services.0: String should match"),
        ({"fallbacks": [{"carrier": "a", "zone": "z"}]}, "fallbacks.0.to: Field required"),
        ({"fallbacks": [fallback("a")]}, "fallbacks.0.to: .* cannot take its own parcels over"),
        ({"fallbacks": [fallback("b", "b")]}, "fallbacks.0.to: .* there twice"),
        ({"fallbacks": [fallback("b"), fallback("c")]}, "fallbacks: .* entry 1 is for a and z"),
        ({"fallbacks": [fallback()]}, "fallbacks.0.to: .* at least 1 item"),
    ],
)
def test_a_document_that_cannot_be_meant_is_refused_by_its_field(
    wishes: dict[str, object], said: str
) -> None:
    import json  # noqa: PLC0415  only here

    with pytest.raises(Malformed, match=said):
        PolicyDocument.decode(json.dumps(wishes).encode())


def test_warehouses_that_are_not_there_are_all_named(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 1}})

    with pytest.raises(PolicyRefused, match=r"avoid_cents\.MARS: there is no such") as refused:
        publish(database, avoid_cents={"BER": 5, "MARS": 5}, excluded_warehouses=["MOON"])

    fields = [wrong.field for wrong in refused.value.wrong]
    assert fields == ["avoid_cents.MARS", "excluded_warehouses.MOON"]


def test_what_has_begun_is_not_rewritten(database: Database) -> None:
    in_two_days = database.now() + timedelta(days=2)
    publish(database, in_two_days)

    with pytest.raises(PolicyRefused, match="valid_from: must not be past"):
        publish(database, database.now() - timedelta(seconds=1))
    with pytest.raises(PolicyRefused, match="valid_from: every-channel-1 begins at that moment"):
        publish(database, in_two_days)


def test_between_two_versions_another_can_be_published(database: Database) -> None:
    # Goal: a moment that was mistyped by a century does not keep the shop from having a policy.
    publish(database, split_cents=100)
    publish(database, database.now() + timedelta(days=36_500), split_cents=200)
    publish(database, database.now() + timedelta(days=1), split_cents=300)

    book = database.run(placement_policies.read_book, given.cause())
    held = [book.valid_at(database.now() + timedelta(days=n), "web") for n in (0, 1, 36_500)]
    assert [policy.split_cents for policy in held] == [100, 300, 200]
    shown = database.run(lambda tx: list_policies(tx, EVERYBODY), given.cause()).policies
    assert [(one.version, one.standing) for one in shown] == [
        (3, "to come"),
        (2, "to come"),
        (1, "holds"),
    ]


def test_nobody_publishes_without_saying_why(database: Database) -> None:
    with pytest.raises(Malformed, match="reason: 1 to 200 characters"):
        publish(database, reason=" ")


def test_secondary_carriers_are_kept_in_their_order(database: Database) -> None:
    for carrier in ("jadlog", "dhl", "ups"):
        offer(database, carrier, 100)
    publish(database, fallbacks=[fallback("ups", "dhl", carrier="jadlog", zone="all")])

    policy = database.run(placement_policies.read_book, given.cause()).valid_at(
        database.now(), "web"
    )

    assert policy.fallbacks_of("jadlog", "all") == ("ups", "dhl")
    for carrier, zone in (("dhl", "all"), ("jadlog", "elsewhere"), ("jadlog", None)):
        assert policy.fallbacks_of(carrier, zone) == ()


def test_carriers_and_zones_that_are_not_there_are_named_all_at_once(database: Database) -> None:
    offer(database, "jadlog", 100)
    offer(database, "dhl", 100)

    with pytest.raises(PolicyRefused) as caught:
        publish(
            database,
            fallbacks=[
                fallback("dhl", "pigeon", carrier="jadlog", zone="moon"),
                fallback("dhl", carrier="snail", zone="all"),
            ],
        )

    assert [(wrong.field, wrong.reason) for wrong in caught.value.wrong] == [
        ("fallbacks.0.zone", "jadlog has no such zone"),
        ("fallbacks.0.to.1", "no such carrier has a rate card"),
        ("fallbacks.1.carrier", "no such carrier has a rate card"),
    ]


def test_services_that_are_not_there_are_refused_as_nothing_would_be_excluded(
    database: Database,
) -> None:
    offer(database, "jadlog", 100)
    offer(database, "dhl", 100)

    with pytest.raises(PolicyRefused) as caught:
        publish(
            database,
            excluded_services=["jadlg", "jadlg/standard", "jadlog/standrd", "dhl/standard", "dhl"],
        )

    assert [(wrong.field, wrong.reason) for wrong in caught.value.wrong] == [
        ("excluded_services.jadlg", "no such carrier has a rate card"),
        ("excluded_services.jadlg/standard", "no such carrier has a rate card"),
        ("excluded_services.jadlog/standrd", "jadlog has no such service"),
    ]
