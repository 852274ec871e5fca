"""A dry run tells what a retry would do now, and does nothing."""

from collections.abc import Callable

import pytest

from emulators.laptop.atlas import contracts, reaches
from emulators.laptop.stack import ROOT
from shared.contracts import work
from shared.contracts.base import Event, Work
from shared.contracts.orders import OrderAmended, OrderCancelled
from shared.contracts.parcels import ParcelCancelled, ParcelPlanned
from shared.contracts.stock import ReceivedUnits, StockReceived
from shared.contracts.work import DeliverWebhook, PlaceOrder
from shared.costing.book import Bookshelf
from shared.flows.charge_parcel import charge_parcel
from shared.flows.try_letter import FLOWS, TOLD, Outcome, Trial, try_letter
from shared.kit.errors import Fault
from shared.platform.db import Database
from shared.platform.letters import UnknownLetter
from shared.platform.sql import text
from tests.edge.serving import Caller
from tests.flows.doubles import parcels_of
from tests.letters.letters import dead, label_for, only, park, work_on
from tests.letters.test_story import working
from tests.subscribers import given as webhooks
from tests.support import given


def tried(database: Database) -> Trial:
    letter_id = only(database).letter_id
    return database.run(lambda tx: try_letter(tx, letter_id), given.cause())


def park_event(database: Database, event: Event, source: str = "order_intake.orders") -> None:
    attributes = {"ce-type": event.type, "ce-id": "evt_1"}
    given.apply(database, park, dead(source=source, attributes=attributes, payload=event.encode()))


def everything(database: Database) -> dict[str, list[str]]:
    """Every row of every table."""
    tables = database.statement(
        text("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
    )
    return {
        name: [str(row) for row in given.rows(database, f"SELECT * FROM {name} ORDER BY 1, 2")]
        for (name,) in tables
        if name != "alembic_version"
    }


def seen(trial: Trial) -> list[tuple[str, str]]:
    return [(change.table, change.subject) for change in trial.changes]


def test_a_refusal_that_would_come_again_says_so(database: Database) -> None:
    given.apply(database, park, dead())

    assert tried(database) == Trial(
        Outcome.REJECTED, "unknown_sku", "lines.0.sku: GHOST is not in the catalogue"
    )


def test_an_order_that_would_be_accepted_is_shown_with_its_lines(database: Database) -> None:
    given.catalogue(database, {"BER": {"GHOST": 5}})
    given.apply(database, park, dead())
    before = everything(database)

    trial = tried(database)

    assert trial.outcome is Outcome.APPLIED
    assert seen(trial) == [("order_lines", "ord_1 line 1"), ("orders", "ord_1")]
    assert trial.changes[1].before is None
    assert trial.changes[1].after is not None
    assert trial.changes[1].after["state"] == "waiting"
    assert trial.announces == ("dispatch.order.accepted.v1",)
    assert everything(database) == before


def test_a_cancellation_shows_the_stock_and_the_money_that_would_come_back(
    database: Database,
) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    given.order(database, "ord_1", {"MUG": 2})
    given.place(database, "ord_1")
    given.silence(database)
    park_event(database, OrderCancelled(order_id="ord_1", reason="no"))
    before = everything(database)

    trial = tried(database)

    changed = {change.subject: (change.before, change.after) for change in trial.changes}
    (parcel,) = parcels_of(database, "ord_1")
    assert changed["MUG in BER"] == ({"reserved": 2}, {"reserved": 0})
    assert changed[parcel] == ({"state": "planned"}, {"state": "cancelled"})
    assert changed["ord_1 line 1"] == (
        {"allocated": 2, "cancelled": 0},
        {"allocated": 0, "cancelled": 2},
    )
    assert trial.quoted_cents == {"EUR": -490}
    assert set(trial.announces) == {
        "dispatch.parcel.cancelled.v1",
        "dispatch.stock.increased.v1",
        "dispatch.order.closed.v1",
    }
    assert everything(database) == before


def test_a_placement_shows_what_would_be_reserved_and_what_it_would_cost(
    caller: Caller, database: Database
) -> None:
    # Goal: with the way out of review that a retry would make.
    given.catalogue(database, {"BER": {"MUG": 5}})
    given.order(database, "ord_1", {"MUG": 2})
    caller.task(working(caller, Fault("x")), work_on("ord_1"), max_attempts=1)
    given.silence(database)
    before = everything(database)

    trial = tried(database)

    stock = next(change for change in trial.changes if change.table == "stock_levels")
    assert (stock.before, stock.after) == ({"reserved": 0}, {"reserved": 2})
    order = next(change for change in trial.changes if change.table == "orders")
    assert order.after is not None
    assert order.after["state"] == "placed"
    assert trial.quoted_cents == {"EUR": 490}
    assert trial.announces[-1] == "dispatch.work.buy_label.v1"
    assert everything(database) == before


def test_a_charge_shows_the_money(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    given.order(database, "ord_1", {"MUG": 2})
    given.place(database, "ord_1")
    (row,) = given.rows(
        database, "SELECT body FROM outbox WHERE attributes->>'ce-type' LIKE '%parcel.planned%'"
    )
    given.silence(database)
    park_event(database, ParcelPlanned.decode(row[0].encode()), "order_costing.parcel-events")

    trial = tried(database)

    assert trial.charged_cents == {"EUR": 490}
    assert given.rows(database, "SELECT count(*) FROM charges") == [(0,)]


def charged_and_cancelled(database: Database) -> ParcelCancelled:
    """A parcel that was charged, and what says that it will not be sent."""
    given.catalogue(database, {"BER": {"MUG": 5}})
    given.order(database, "ord_1", {"MUG": 2})
    given.place(database, "ord_1")
    ((body,),) = given.rows(
        database, "SELECT body FROM outbox WHERE attributes->>'ce-type' LIKE '%parcel.planned%'"
    )
    planned = ParcelPlanned.decode(body.encode())
    given.apply(database, lambda tx, event: charge_parcel(tx, event, Bookshelf()), planned)
    given.silence(database)
    return ParcelCancelled(parcel_id=planned.parcel_id, order_id="ord_1")


def test_a_letter_of_the_webhooks_shows_who_would_be_told_and_takes_no_money_back(
    database: Database,
) -> None:
    # Goal: two functions hear this event; what is tried is what the letter's own would do.
    event = charged_and_cancelled(database)
    webhooks.subscriber(database)
    park_event(database, event, "webhook_events.parcel-events")
    before = everything(database)

    assert tried(database) == Trial(Outcome.APPLIED, announces=(DeliverWebhook.type,))
    assert everything(database) == before


def test_the_same_event_in_a_letter_of_costing_shows_the_money_and_tells_nobody(
    database: Database,
) -> None:
    event = charged_and_cancelled(database)
    webhooks.subscriber(database)
    park_event(database, event, "order_costing.parcel-events")

    trial = tried(database)

    assert (trial.outcome, trial.charged_cents) == (Outcome.APPLIED, {"EUR": -490})
    assert trial.announces == ("dispatch.parcel.charged.v1",)


def test_a_letter_of_the_webhooks_that_nobody_wants_would_change_nothing(
    database: Database,
) -> None:
    event = charged_and_cancelled(database)
    park_event(database, event, "webhook_events.parcel-events")

    assert tried(database) == Trial(Outcome.APPLIED)


def test_a_receipt_shows_the_stock_that_would_be_there(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    event = StockReceived(
        warehouse="BER",
        receipt_id="rcp_1",
        received_at=database.now(),
        lines=(ReceivedUnits(sku="MUG", quantity=3),),
    )
    park_event(database, event, "stock_intake.stock-updates")

    trial = tried(database)

    assert seen(trial) == [("stock_levels", "MUG in BER")]
    assert trial.changes[0].after == {"on_hand": 8}
    assert trial.announces == ("dispatch.stock.increased.v1",)
    assert given.violations(database) == []


def test_what_was_applied_already_would_be_ignored(database: Database) -> None:
    given.catalogue(database, {"BER": {"GHOST": 5}})
    given.apply(database, park, dead())
    database.statement(
        text("INSERT INTO inbox VALUES ('order_intake', 'evt_1', '2026-03-02T12:00:00Z')")
    )

    assert tried(database) == Trial(Outcome.DONE_BEFORE)


@pytest.mark.parametrize(
    "kind",
    [
        kind
        for kind in vars(work).values()
        if isinstance(kind, type) and issubclass(kind, Work) and kind not in {Work, PlaceOrder}
    ],
)
def test_nobody_outside_is_asked(database: Database, kind: type[Work]) -> None:
    # Goal: no kind of work is read as placing an order because nothing said that it is another.
    given.apply(
        database,
        park,
        dead(
            source="labels-correios",
            attributes={"ce-type": kind.type},
            payload=label_for("par_1"),
        ),
    )

    assert tried(database).outcome is Outcome.UNTRIED


def test_what_was_never_sent_is_not_tried_as_if_it_had_come(database: Database) -> None:
    given.apply(database, park, dead(source="outbox.orders", code="no_such_topic"))

    assert tried(database).outcome is Outcome.UNTRIED


@pytest.mark.parametrize(
    ("payload", "code"),
    [(b"\xff", "malformed"), (b"[" * 100_000, "malformed"), (b"", "malformed")],
    ids=["no text", "deep", "empty"],
)
def test_what_cannot_be_read_would_be_refused_again(
    database: Database, payload: bytes, code: str
) -> None:
    given.apply(database, park, dead(payload=payload))

    trial = tried(database)

    assert (trial.outcome, trial.code) == (Outcome.REJECTED, code)


def test_work_that_cannot_be_read_would_be_refused_again(database: Database) -> None:
    given.apply(
        database,
        park,
        dead(source="placement-bulk", attributes={"ce-type": PlaceOrder.type}, payload=b"{}"),
    )

    assert tried(database).code == "malformed"


def test_a_letter_that_is_not_there_cannot_be_tried(database: Database) -> None:
    with pytest.raises(UnknownLetter):
        database.run(lambda tx: try_letter(tx, 1), given.cause())


def amended(database: Database) -> None:
    given.order(database, "ord_1", {"MUG": 1})
    lines = given.submitted("ord_1", {"PEN": 3}).lines
    park_event(database, OrderAmended(order_id="ord_1", revision=2, lines=lines))


def cancelled(database: Database) -> None:
    given.order(database, "ord_1", {"MUG": 1})
    park_event(database, OrderCancelled(order_id="ord_1", reason="no"))


@pytest.mark.parametrize("prepare", [amended, cancelled])
def test_two_dry_runs_say_the_same(database: Database, prepare: Callable[[Database], None]) -> None:
    given.catalogue(database, {"BER": {"MUG": 5, "PEN": 5}})
    prepare(database)

    first, second = tried(database), tried(database)

    assert first == second
    assert first.outcome is Outcome.APPLIED


def test_everything_that_a_function_hears_can_be_tried() -> None:
    # Goal: a new event must not be the one that cannot be tried when it matters.
    heard = {name for reach in reaches(ROOT).values() for name in reach.hears}
    events = {name for name, c in contracts(ROOT).items() if issubclass(c, Event)}

    assert {contract.__name__ for contract in (*FLOWS, *TOLD)} == heard & events
