"""What rate cards or a policy would have done is found from the receipts of yesterday."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.contracts.http_ops_rules import Effect
from shared.costing import store as costing
from shared.costing.types import RateCard, RateCardDraft, Step, Zone, ZoneRule
from shared.flows import preview_rules as flow
from shared.flows.preview_rules import Proposal, preview_rules
from shared.placement import placement_policies
from shared.placement.placement_policies import policy_of
from shared.platform.db import Database, Transaction
from shared.platform.sql import text
from tests.support import given
from tests.support.clock import TestClock

DRAFT_FIELDS = RateCardDraft.__dataclass_fields__


def preview(database: Database, **proposed: object) -> Effect:
    proposal = Proposal(**proposed)  # type: ignore[arg-type]
    return database.run(lambda tx: preview_rules(tx, proposal), given.cause())


def policy(**wishes: object) -> object:
    return policy_of("proposed", wishes)


def sums(effect: Effect) -> Mapping[str, tuple[int, int]]:
    return {one.currency: (one.before_cents, one.after_cents) for one in effect.sums}


@pytest.fixture
def decided(database: Database) -> Database:
    """Yesterday: orders in one parcel and in two, in time and late, by a policy with wishes."""
    given.catalogue(
        database, {"BER": {"MUG": 9, "PEN": 3}, "LIS": {"MUG": 9, "PEN": 30}, "MUC": {"MUG": 2}}
    )
    wishes = {"split_cents": 35, "avoid_cents": {"LIS": 10}, "refusal_cents": 700}

    def prepare(tx: Transaction) -> None:
        placement_policies.publish(
            tx, wishes, channel=None, valid_from=tx.now, by="ada", reason="a test"
        )

    database.run(prepare, given.cause())
    for number, wants in enumerate([{"MUG": 1}, {"MUG": 2, "PEN": 5}, {"MUG": 5}, {"PEN": 6}]):
        given.order(database, f"ord_{number}", wants)
        given.place(database, f"ord_{number}")
    return database


def published(database: Database) -> RateCardDraft:
    """What holds, proposed once more."""
    book = database.run(costing.read_book, given.cause())
    card: RateCard = book.versions("correios", "standard")[-1]
    return RateCardDraft(**{name: getattr(card, name) for name in DRAFT_FIELDS})


def dearer(card: RateCardDraft, factor: int) -> RateCardDraft:
    return replace(
        card,
        zones=tuple(
            zone._replace(
                steps=tuple(
                    Step(step.max_weight_g, step.price_cents * factor) for step in zone.steps
                ),
            )
            for zone in card.zones
        ),
    )


def test_what_holds_already_would_have_changed_nothing(decided: Database) -> None:
    # Goal: whatever differs in a preview comes from what is proposed, and from nothing else.
    wishes = {"split_cents": 35, "avoid_cents": {"LIS": 10}, "refusal_cents": 700}
    for effect in (
        preview(decided, cards=[published(decided)]),
        preview(decided, policy=policy(**wishes)),
        preview(decided),
    ):
        assert effect.sampled == effect.decisions == 4
        assert (effect.cheaper, effect.dearer, effect.other_service, effect.impossible) == (
            0,
            0,
            0,
            0,
        )
        assert effect.examples == ()
        assert all(before == after for before, after in sums(effect).values())


def test_nothing_is_changed_by_looking(decided: Database) -> None:
    given.silence(decided)
    before = given.rows(decided, "SELECT * FROM parcels ORDER BY 1")

    preview(decided, cards=[dearer(published(decided), 2)])

    assert given.rows(decided, "SELECT * FROM parcels ORDER BY 1") == before
    assert given.told(decided) == []
    assert given.rows(decided, "SELECT count(*) FROM rate_cards") == [(1,)]


def test_dearer_freight_is_added_up_as_it_would_be_charged(decided: Database) -> None:
    # Goal: all parcels go as before, and their freight, not their handling, is twice as much.
    ((parcels, quoted),) = given.rows(
        decided, "SELECT count(*), sum(quoted_cents)::integer FROM parcels"
    )

    effect = preview(decided, cards=[dearer(published(decided), 2)])

    handling = 90 * parcels
    assert effect.dearer == 4
    assert sums(effect)["EUR"][0] == quoted
    assert sums(effect)["EUR"][1] <= handling + (quoted - handling) * 2


def test_what_is_previewed_is_what_is_decided_once_it_holds(
    database: Database, clock: TestClock
) -> None:
    given.catalogue(database, {"BER": {"MUG": 90}, "LIS": {"MUG": 90}})
    given.order(database, "before", {"MUG": 3})
    given.place(database, "before")
    everywhere = (Zone("all", (ZoneRule(),), (Step(30_000, 410),), transit_days=9),)
    card = replace(published(database), zones=everywhere, valid_from=clock.now + timedelta(hours=1))

    effect = preview(database, cards=[card])

    database.run(lambda tx: costing.publish(tx, card, "ada", "cheaper"), given.cause())
    clock.advance(hours=1)
    given.order(database, "after", {"MUG": 3})
    given.place(database, "after")
    paid = dict(given.rows(database, "SELECT order_id, quoted_cents FROM parcels"))
    assert sums(effect)["EUR"] == (paid["before"], paid["after"])


def test_a_new_service_takes_the_parcels_for_which_it_is_cheaper(decided: Database) -> None:
    everywhere = (Zone("all", (ZoneRule(),), (Step(30_000, 1),)),)
    cheap = replace(published(decided), service="express", zones=everywhere, handling_cents=0)

    effect = preview(decided, cards=[cheap])

    after = {one.service: one.parcels_after for one in effect.services}
    assert after["standard"] == 0
    assert after["express"] >= 4
    assert effect.other_service == effect.cheaper == 4
    assert sums(effect)["EUR"][1] == after["express"]


def test_what_no_service_would_carry_is_told_and_in_no_sum(decided: Database) -> None:
    nowhere = (Zone("moon", (ZoneRule(to_country="XX"),), (Step(30_000, 1),)),)

    effect = preview(decided, cards=[replace(published(decided), zones=nowhere)])

    assert (effect.impossible, effect.sums) == (4, ())
    assert {one.after_cents for one in effect.examples} == {None}


def test_another_currency_is_no_offer_to_these_orders(decided: Database) -> None:
    effect = preview(decided, cards=[replace(published(decided), currency="USD")])

    assert effect.impossible == 4


def test_excluded_warehouses_send_nothing_and_others_do(decided: Database) -> None:
    effect = preview(decided, policy=policy(excluded_warehouses=["BER", "MUC"]))

    assert {box for one in effect.examples for box in one.after} == {"LIS · correios standard"}
    assert effect.impossible == 0


def test_an_excluded_service_that_is_let_in_again_is_offered(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 9}})
    everywhere = (Zone("all", (ZoneRule(),), (Step(30_000, 1),)),)

    def prepare(tx: Transaction) -> None:
        given.rates(tx, carrier="cheap", valid_from=tx.now - timedelta(days=1), zones=everywhere)
        placement_policies.publish(
            tx,
            {"excluded_services": ["cheap"]},
            channel=None,
            valid_from=tx.now,
            by="ada",
            reason="a test",
        )

    database.run(prepare, given.cause())
    given.order(database, "ord_1", {"MUG": 1})
    given.place(database, "ord_1")

    effect = preview(database, policy=policy())

    (example,) = effect.examples
    assert (example.before, example.after) == (
        ("BER · correios standard",),
        ("BER · cheap standard",),
    )


def test_a_policy_of_a_channel_is_tried_on_its_orders_alone(decided: Database) -> None:
    decided.statement(text("UPDATE orders SET channel = 'shop' WHERE order_id = 'ord_0'"))

    assert preview(decided, policy=policy(), channel="shop").decisions == 1
    assert preview(decided, policy=policy(), channel="web").decisions == 3
    decided.run(
        lambda tx: placement_policies.publish(
            tx, {}, channel="shop", valid_from=tx.now, by="ada", reason="its own"
        ),
        given.cause(),
    )
    assert preview(decided, policy=policy()).decisions == 3, "who has an own one is left out"


def test_of_many_decisions_some_are_drawn_and_all_are_counted(
    decided: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow, "SAMPLED", 3)

    effect = preview(decided)

    assert (effect.sampled, effect.decisions) == (3, 4)


def test_only_the_engines_decisions_of_the_last_day_count(
    decided: Database, clock: TestClock
) -> None:
    decided.statement(
        text("UPDATE placement_decisions SET decided_by = 'ada' WHERE order_id = 'ord_0'")
    )
    decided.statement(
        text(
            "UPDATE placement_decisions SET receipt = jsonb_set(receipt, '{inputs,engine}', '0')"
            " WHERE order_id = 'ord_1'"
        )
    )
    decided.statement(
        text(
            "UPDATE placement_decisions SET receipt = replace(receipt::text, 'correios-1', 'gone')"
            "::jsonb WHERE order_id = 'ord_2'"
        )
    )

    effect = preview(decided)
    assert (effect.decisions, effect.sampled, effect.skipped) == (3, 1, 2)

    clock.advance(hours=25)
    assert preview(decided).decisions == 0
