"""Mistakes that are planted in the product, one at a time: the simulation finds each of them."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

import pytest

from emulators.laptop.postgres import Server
from emulators.simulation.post import ToTopics
from emulators.simulation.run import Outcome, Plan
from shared.platform import inbox, outbox
from shared.platform.db import Database, Transaction, Write
from shared.platform.outbox import Outgoing
from shared.stock import store as stock
from shared.stock.types import Change
from tests.simulation.running import simulated

pytestmark = pytest.mark.slow

Patch = pytest.MonkeyPatch
IN_ORDER = "announced events come to their topic in order"


def rules(server: Server, seed: int = 1, events: int = 600) -> set[str]:
    """Which rules a run finds violated."""
    outcome: Outcome = simulated(server, Plan(seed=seed, events=events))
    return {seen.violation.rule for seen in outcome.violations}


def test_a_relay_that_forgets_before_it_sends_is_found(server: Server, monkeypatch: Patch) -> None:
    claim = outbox.claim

    def claim_and_forget(
        database: Database, lanes: Collection[str] | None, now: datetime, limit: int
    ) -> Sequence[Outgoing]:
        messages = claim(database, lanes, now, limit)
        outbox.sent(database, [message.outbox_id for message in messages])
        return messages

    monkeypatch.setattr(outbox, "claim", claim_and_forget)

    assert IN_ORDER in rules(server)


def test_a_relay_that_sends_the_newest_first_is_found(server: Server, monkeypatch: Patch) -> None:
    send = ToTopics.send

    def newest_first(
        self: ToTopics, name: str, ordering_key: str, messages: Sequence[Outgoing]
    ) -> None:
        send(self, name, ordering_key, messages[::-1])

    monkeypatch.setattr(ToTopics, "send", newest_first)

    assert IN_ORDER in rules(server)


def test_an_inbox_that_forgets_is_found(server: Server, monkeypatch: Patch) -> None:
    first_time = inbox.first_time

    def every_time(tx: Transaction, consumer: str) -> bool:
        first_time(tx, consumer)
        return True

    monkeypatch.setattr(inbox, "first_time", every_time)

    assert rules(server) != set()


def test_units_that_are_not_given_back_are_found(server: Server, monkeypatch: Patch) -> None:
    change = stock.change

    def forgetful(changes: Iterable[Change], counted_at: datetime | None = None) -> Write:
        made = list(changes)
        given_back = [one for one in made if one.reserved < 0 and not one.on_hand]
        return change(made[:-1] if given_back == made else made, counted_at)

    monkeypatch.setattr(stock, "change", forgetful)

    assert "reserved equals the units in open parcels" in rules(server)


def test_a_count_that_forgets_what_has_moved_since_is_found(
    server: Server, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(stock, "moved_since", lambda *_: {})

    # A later count sets right what an earlier one got wrong: the seed's last one has to be late.
    assert "a balance is what lies there" in rules(server, seed=11)
