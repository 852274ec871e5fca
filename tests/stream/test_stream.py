"""Whoever looks on is told of every change in their rooms, and of nothing else."""

import threading
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from queue import Queue

import pytest

from shared.contracts.order_facts import OrderClosed
from shared.contracts.work import CloseManifest
from shared.edge.stream import hub, serving
from shared.flows.close_manifest import close_manifest
from shared.flows.forget_messages import forget_messages
from shared.kit.errors import Malformed
from shared.ops import live_rooms
from shared.ops.live_rooms import Heard
from shared.people import sessions
from shared.people.permissions import Who
from shared.people.types import Role, User
from shared.platform import live_changes, outbox
from shared.platform.db import Database, Transaction
from shared.platform.live_changes import KEPT, Position
from shared.platform.sql import text
from tests.console import stocked
from tests.flows import doubles, papers
from tests.letters.letters import dead, park
from tests.people import given as people
from tests.platform.doubles import RecordingQueues, RecordingTopics, relay
from tests.stream.conftest import PATIENCE_S, Listen, Listener
from tests.support import given
from tests.support.clock import TestClock

OF_HUB = {"hub", "doorkeeper"}  # its threads: the one that reads, the one that looks who may stay


def change(database: Database, order_id: str = "ord_1") -> None:
    """Something happens to an order, is announced, and the relay of its function sends it."""
    sender = relay(database, RecordingTopics(), RecordingQueues())
    sender.run(
        lambda tx: tx.write(outbox.put(tx, OrderClosed(order_id=order_id, state="cancelled"))),
        given.cause(),
    )


def position(database: Database) -> Position:
    return database.run(live_rooms.position, given.cause())


def since(database: Database, seen: Position) -> Heard:
    return database.run(lambda tx: live_rooms.since(tx, seen), given.cause())


def test_a_change_is_heard_in_every_room_that_it_concerns(placed: Database) -> None:
    seen = position(placed)
    relay(placed, RecordingTopics(), RecordingQueues()).sweep()

    heard = since(placed, seen)

    parcels = {f"parcel:{name}" for (name,) in given.rows(placed, "SELECT parcel_id FROM parcels")}
    things = {"order:ord_1", "queue:standard", "warehouse:BER", "carrier:correios", "sku:MUG"}
    lists = {"overview", "orders", "parcels", "stock", "carriers"}
    assert things | lists | parcels <= heard.rooms
    assert heard.rooms.isdisjoint({"warehouse:LIS", "letters", "transfers"})
    assert since(placed, heard.position).rooms == frozenset()


def test_a_manifest_is_heard_in_the_list_of_them(placed: Database) -> None:
    carrier = doubles.RecordingCarrier()
    doubles.buy(placed, "par_1", carrier)
    given.silence(placed)
    asked = position(placed)
    manifest_id = papers.ask_by_hand(placed)
    relay(placed, RecordingTopics(), RecordingQueues()).sweep()
    closed = position(placed)
    work = CloseManifest(manifest_id=manifest_id, carrier="correios")
    sellers = doubles.everywhere(carrier)
    close_manifest(papers.runner(placed), work, sellers, papers.Cabinet())
    relay(placed, RecordingTopics(), RecordingQueues()).sweep()

    for seen in (asked, closed):
        assert "manifests" in since(placed, seen).rooms


def test_what_is_announced_to_nobody_is_heard_all_the_same(placed: Database) -> None:
    def heard_of(change: Callable[[], object]) -> frozenset[str]:
        given.silence(placed)
        seen = position(placed)
        change()
        return since(placed, seen).rooms

    cart = heard_of(lambda: stocked.hold(placed, "cart_1", "LIS", {"MUG": 1}))
    fewer = heard_of(lambda: given.keep_back(placed, "LIS", {"MUG": 1}))
    parked = heard_of(lambda: given.apply(placed, park, dead()))
    picked = heard_of(lambda: doubles.picked(placed, "par_1"))

    assert {"sku:MUG", "warehouse:LIS", "stock", "overview"} <= cart & fewer
    assert {"letters", "overview", "order:ord_1"} <= parked
    assert {"parcel:par_1", "parcels", "order:ord_1", "warehouse:BER"} <= picked


def test_a_transfer_is_heard_at_both_ends(placed: Database) -> None:
    seen = position(placed)
    stocked.transfer(placed, "trf_1", "LIS", "BER", {"MUG": 1})
    relay(placed, RecordingTopics(), RecordingQueues()).sweep()

    heard = since(placed, seen).rooms

    assert {"inbound:trf_1", "transfers", "sku:MUG", "warehouse:LIS", "warehouse:BER"} <= heard


def test_a_slow_transaction_is_heard_though_a_faster_one_was_heard_before(
    database: Database,
) -> None:
    # Goal: no gap, whatever the order of commits. The slow one has the lower number of the two.
    began, may_end = threading.Event(), threading.Event()

    def slow(tx: Transaction) -> None:
        tx.written(live_changes.note(tx, "order:slow"))
        began.set()
        may_end.wait()

    thread = threading.Thread(target=database.run, args=(slow, given.cause()))
    thread.start()
    began.wait()
    start = position(database)
    database.run(lambda tx: tx.write(live_changes.note(tx, "order:fast")), given.cause())
    first = since(database, start)
    may_end.set()
    thread.join()
    second = since(database, first.position)

    assert "order:fast" in first.rooms
    assert "order:slow" not in first.rooms
    assert "order:slow" in second.rooms
    assert "order:fast" not in second.rooms


def test_what_is_not_kept_any_more_is_told_to_be_looked_at(
    database: Database, clock: TestClock
) -> None:
    seen = position(database)
    change(database)
    clock.advance(seconds=KEPT.total_seconds() + 1)
    forget_messages(lambda step: database.run(step, given.cause()), updates_kept=KEPT)
    fresh = seen._replace(at_s=seen.at_s + int(KEPT.total_seconds()))
    ahead = fresh._replace(snapshot="900000000:900000000:")
    other = fresh._replace(server_s=fresh.server_s - 1)

    assert since(database, seen).is_all is False
    assert since(database, ahead).is_all is False
    assert since(database, other).is_all is False
    assert since(database, fresh).is_all is True
    assert given.rows(database, "SELECT count(*) FROM live_changes") == [(0,)]


@pytest.mark.parametrize(
    "said",
    [
        "",
        "1",
        "1.",
        "1.1.5:3:",
        "1.1.0:5:",
        "1.1.5:9:3",
        "1.1.5:9:8,7",
        "1.1.5:9:9",
        "1.x.5:9:",
        "1.5:9:" * 800,
    ],
)
def test_a_position_that_is_none_is_refused(said: str) -> None:
    with pytest.raises(Malformed):
        Position.read(said)


def test_a_change_is_told_to_who_looks_at_the_order_and_to_nobody_else(
    listen: Listen, placed: Database
) -> None:
    given.order(placed, "ord_2", {"MUG": 1})
    own, other = listen("order:ord_1"), listen("order:ord_2")
    assert own.next().event == other.next().event == "ready"

    change(placed, "ord_1")
    change(placed, "ord_2")

    assert (said := own.next()).event == "changed"
    assert said.rooms == ["order:ord_1"]
    assert other.next().rooms == ["order:ord_2"]


def test_who_comes_back_is_told_what_they_missed_by_whichever_instance(
    listen: Listen, placed: Database
) -> None:
    first = listen("order:ord_1", "orders")
    first.next()
    change(placed)
    heard = first.next().position
    first.close()
    change(placed)

    again = listen("order:ord_1", "orders", since=heard)
    assert (said := again.next()).event == "changed"
    assert said.rooms == ["order:ord_1", "orders"]
    assert listen("order:ord_1", since=said.position).next().event == "ready"


def test_what_happens_between_the_page_and_its_stream_is_not_lost(
    listen: Listen, placed: Database
) -> None:
    shown = position(placed)
    change(placed)

    assert listen("orders", since=str(shown)).next().event == "changed"


def test_many_changes_are_told_in_a_few_words(listen: Listen, placed: Database) -> None:
    listener = listen("orders")
    listener.next()
    for _ in range(50):
        change(placed)

    words = [listener.next()]
    while since(placed, Position.read(words[-1].position)).rooms:
        words.append(listener.next())

    assert len(words) < 10


@pytest.mark.parametrize("how", ["signed out", "disabled", "other warehouses"])
def test_a_stream_ends_with_what_it_was_opened_by(
    listen: Listen, placed: Database, ada: User, how: str
) -> None:
    token = people.session(placed, ada)
    listener = listen("order:ord_1", token=token)
    listener.next()

    if how == "signed out":
        placed.run(lambda tx: tx.write(sessions.end(token)), given.cause())
    else:
        what = "disabled_at = now()" if how == "disabled" else "warehouses = ARRAY['LIS']"
        placed.statement(text(f"UPDATE users SET {what}"))

    assert listener.next().event == "over"
    with suppress(StopIteration):
        pytest.fail(f"told more: {listener.next()}")


@pytest.mark.parametrize("what", ["reading", "checking"])
def test_a_hub_that_fails_goes_on_and_nothing_is_lost(
    listen: Listen, placed: Database, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    module, name = (live_rooms, "since") if what == "reading" else (sessions, "alive")
    right, has_failed = getattr(module, name), threading.Event()

    def once_wrong(tx: Transaction, asked: object) -> object:
        if threading.current_thread().name in OF_HUB and not has_failed.is_set():
            has_failed.set()
            raise ValueError("'auditor' is not a role")
        return right(tx, asked)

    listener = listen("order:ord_1")
    listener.next()
    monkeypatch.setattr(module, name, once_wrong)
    assert has_failed.wait(PATIENCE_S)

    if what == "reading":  # what came meanwhile may be unknown
        assert listener.next().event == "look"
    late = listen("order:ord_1")
    assert late.next().event == "ready"
    change(placed)
    assert listener.next().rooms == ["order:ord_1"]
    assert late.next().rooms == ["order:ord_1"]


@pytest.mark.parametrize("what", ["reading", "checking"])
def test_a_reader_that_fails_for_good_keeps_nobody(
    listen: Listen, placed: Database, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    # Goal: whoever is told nothing must not take that for silence, nor look on without a session.
    module, name = (live_rooms, "since") if what == "reading" else (sessions, "alive")
    right = getattr(module, name)

    def wrong(tx: Transaction, asked: object) -> object:
        if threading.current_thread().name in OF_HUB:
            raise ValueError("'auditor' is not a role")
        return right(tx, asked)

    monkeypatch.setattr(hub, "DEAF_AFTER_S", 0.2)
    listener = listen("order:ord_1")
    listener.next()
    monkeypatch.setattr(module, name, wrong)

    def rest(listener: Listener) -> list[str]:
        heard = []
        with suppress(StopIteration):
            while True:
                heard.append(listener.next().event)
        return heard

    assert set(rest(listener)) <= {"look"}
    assert set(rest(listen("order:ord_1"))) <= {"ready", "look"}


def test_nobody_waits_to_be_told_while_sessions_are_looked_after(
    placed: Database, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Goal: as soon with 250 viewers, whose sessions take a while to be found, as with one.
    monkeypatch.setattr(hub, "CHECK_EVERY_S", 0.0)
    checking, go_on = threading.Event(), threading.Event()
    at = position(placed)
    changes: Queue[frozenset[str]] = Queue()
    token = people.session(placed, ada)
    session = placed.run(lambda tx: sessions.find(tx, token), given.cause())
    assert session is not None

    def read(seen: Position | None) -> Heard:
        return Heard(at, frozenset() if seen is None or changes.empty() else changes.get())

    def check(_tokens: Collection[str]) -> Mapping[str, Who]:
        checking.set()
        assert go_on.wait(PATIENCE_S)
        return {}

    viewer = hub.Viewer(frozenset({"orders"}), token, session.who)
    watched = hub.Hub(read, check, lambda _busy_s: None)
    watched.join(viewer)
    assert checking.wait(PATIENCE_S)
    changes.put(frozenset({"orders"}))

    viewer.wait(PATIENCE_S)
    assert watched.take(viewer).rooms == {"orders"}
    go_on.set()
    viewer.wait(PATIENCE_S)
    assert watched.take(viewer).over == "session"
    watched.leave(viewer)


def test_a_hub_tells_how_long_somebody_has_looked_on(
    placed: Database, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "TELL_EVERY_S", 0.05)
    told: Queue[float] = Queue()
    token = people.session(placed, ada)
    session = placed.run(lambda tx: sessions.find(tx, token), given.cause())
    assert session is not None
    viewer = hub.Viewer(frozenset({"orders"}), token, session.who)
    heard = Heard(position(placed), frozenset())
    watched = hub.Hub(lambda _seen: heard, lambda _tokens: {token: session.who}, told.put)

    began = time.monotonic()
    watched.join(viewer)
    spent = [told.get(timeout=PATIENCE_S)]
    watched.leave(viewer)
    (reader,) = (thread for thread in threading.enumerate() if thread.name == "hub")
    reader.join(PATIENCE_S)
    while not told.empty():
        spent.append(told.get())

    assert spent[0] >= 0.05
    assert sum(spent) <= time.monotonic() - began


def status(listener: Listener) -> int:
    return listener.answer.status_code


def test_nobody_looks_on_where_they_may_not(listen: Listen, placed: Database, ada: User) -> None:
    stocked.transfer(placed, "trf_1", "BER", "MUC", {"MUG": 1})
    eve = people.user(placed, "eve@example.org", Role.VIEWER, frozenset({"LIS"}))
    token = people.session(placed, eve)

    assert status(listen("order:ord_1", token=token)) == 404
    assert status(listen("warehouse:BER", token=token)) == 403
    assert status(listen("parcel:par_1", token=token)) == 404
    assert status(listen("inbound:trf_1", token=token)) == 404
    assert status(listen("audit", token=token)) == 403
    for open_to_all in (
        "orders",
        "parcels",
        "stock",
        "sku:MUG",
        "transfers",
        "carriers",
        "letters",
    ):
        assert status(listen("warehouse:LIS", "queue:express", open_to_all, token=token)) == 200
    assert status(listen("parcel:par_1", "inbound:trf_1", "audit", "carrier:correios")) == 200
    assert status(listen("order:ord_9")) == 404
    assert status(listen("parcel:par_9")) == 404
    assert status(listen("queue:nothing")) == 400
    assert status(listen("sku:")) == 400
    assert status(listen("cellar")) == 400
    assert status(listen()) == 400
    assert status(listen("orders", since="nonsense")) == 400
    assert status(listen("orders", token="x" * 43)) == 401
    half = people.session(placed, ada, is_complete=False)
    assert status(listen("orders", token=half)) == 401


def test_whoever_has_a_part_in_something_looks_on(listen: Listen, placed: Database) -> None:
    # Goal: both ends of a transfer, and everybody at an order that nobody sends yet.
    stocked.transfer(placed, "trf_1", "BER", "MUC", {"MUG": 1})
    given.order(placed, "ord_2", {"MUG": 1})

    def sees(warehouse: str, room: str) -> int:
        name = f"{warehouse.lower()}@example.org"
        user = people.user(placed, name, Role.VIEWER, frozenset({warehouse}))
        return status(listen(room, token=people.session(placed, user)))

    assert sees("BER", "order:ord_1") == sees("LIS", "order:ord_2") == 200
    assert sees("MUC", "inbound:trf_1") == 200


def test_to_look_on_does_not_keep_a_session_alive(
    listen: Listen, placed: Database, ada: User, clock: TestClock
) -> None:
    token = people.session(placed, ada)
    clock.advance(seconds=1_800)
    listen("orders", token=token).next()
    clock.advance(seconds=1_801)

    assert status(listen("orders", token=token)) == 401


def test_nothing_is_read_while_nobody_looks_on(
    listen: Listen, placed: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "HEARTBEAT_S", 0.05)  # by it a viewer who has gone is noticed
    listener = listen("orders")
    listener.next()
    (reader,) = (thread for thread in threading.enumerate() if thread.name == "hub")

    listener.close()

    reader.join(PATIENCE_S)
    assert not reader.is_alive()
