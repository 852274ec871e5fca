"""Mistakes that are planted in the product, one at a time: the simulation finds each of them.

From any seed: a mistake that only a seed found by trial shows would not be found in the product.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

import pytest

from emulators.laptop.postgres import Server
from emulators.simulation.announced import IN_ORDER
from emulators.simulation.post import ToTopics
from emulators.simulation.run import Plan
from shared.flows import track_parcel
from shared.platform import inbox, outbox
from shared.platform.db import Database, Write
from shared.platform.outbox import Outgoing
from shared.stock import store as stock
from shared.stock.types import Change, Locked, Movement
from tests.simulation.running import simulated

pytestmark = pytest.mark.parametrize("seed", [1, 2, 3])

Patch = pytest.MonkeyPatch
AS_REPORTED = "a balance is what was reported"
EVENTS = 6_000  # at most: nearly all of these runs end long before


def rules(server: Server, seed: int) -> set[str]:
    """Which rules a run finds violated."""
    return {seen.violation.rule for seen in simulated(server, Plan(seed, EVENTS)).violations}


def test_a_relay_that_forgets_before_it_sends_is_found(
    server: Server, monkeypatch: Patch, seed: int
) -> None:
    claim = outbox.claim

    def claim_and_forget(
        database: Database,
        lanes: Collection[str] | None,
        now: datetime,
        limit: int,
        sent: Sequence[Outgoing] = (),
    ) -> Sequence[Outgoing]:
        messages = claim(database, lanes, now, limit, sent)
        claim(database, [], now, limit, messages)
        return messages

    monkeypatch.setattr(outbox, "claim", claim_and_forget)

    assert IN_ORDER in rules(server, seed)


def test_a_relay_that_sends_the_newest_first_is_found(
    server: Server, monkeypatch: Patch, seed: int
) -> None:
    send = ToTopics.send

    def newest_first(
        self: ToTopics, name: str, key: str, messages: Sequence[Outgoing], within_s: float
    ) -> None:
        send(self, name, key, messages[::-1], within_s)

    monkeypatch.setattr(ToTopics, "send", newest_first)

    assert IN_ORDER in rules(server, seed)


def test_an_inbox_that_forgets_is_found(server: Server, monkeypatch: Patch, seed: int) -> None:
    # It notes what comes, and refuses nothing.
    monkeypatch.setattr(inbox, "Write", lambda sql, note, rows: Write(sql, note))

    assert rules(server, seed) != set()


def test_units_that_are_not_given_back_are_found(
    server: Server, monkeypatch: Patch, seed: int
) -> None:
    change = stock.change

    def forgetful(changes: Iterable[Change], counted_at: datetime | None = None) -> Write:
        made = list(changes)
        given_back = [one for one in made if one.reserved < 0 and not one.on_hand]
        return change(made[:-1] if given_back == made else made, counted_at)

    monkeypatch.setattr(stock, "change", forgetful)

    assert "reserved equals the units in open parcels" in rules(server, seed)


def test_a_count_that_forgets_what_has_moved_since_is_found(
    server: Server, monkeypatch: Patch, seed: int
) -> None:
    # Goal: found although a later count may set right what an earlier one got wrong.
    monkeypatch.setattr(stock, "moved_since", lambda *_, **_named: {})

    assert AS_REPORTED in rules(server, seed)


def test_a_parcel_that_leaves_a_second_time_after_a_count_is_found(
    server: Server, monkeypatch: Patch, seed: int
) -> None:
    # Goal: the other way round, a count that saw that a parcel had left before its carrier told.
    def blind(
        _locked: Locked, movements: Iterable[Movement]
    ) -> tuple[list[Movement], list[Change]]:
        made = list(movements)
        return made, [Change(one.key, on_hand=one.quantity) for one in made]

    monkeypatch.setattr(track_parcel, "as_of", blind)

    assert AS_REPORTED in rules(server, seed)
