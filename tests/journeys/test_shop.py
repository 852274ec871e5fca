"""The sample shop through the whole line, with every mischief, and with accidents on top."""

from dataclasses import dataclass, field

import pytest

from emulators.laptop.stack import Options
from emulators.line.run import Summary, run_shop
from emulators.line.sample import sample_shop
from emulators.line.script import Mischief, write_script
from shared.kit.clock import utc_now
from tests.journeys.stage import STEP_S, Stage, staged

pytestmark = pytest.mark.slow

EVERYTHING = Mischief(twice=0.2, late=0.2, cancelled=0.1, amended=0.1, wrong=0.1)
MISTAKES = ("malformed", "unknown_sku", "unsupported_version", "order_conflict")


def silent(_text: str) -> None:
    """Nobody watches."""


def check(summary: Summary) -> None:
    """Every order is accounted for, at rest, and the books are right."""
    assert summary.is_good, summary.as_json()
    assert summary.orders_unaccounted == 0
    assert summary.orders_sent == summary.orders_accepted + summary.orders_rejected
    assert summary.orders_accepted == (
        summary.orders_delivered
        + summary.orders_cancelled
        + summary.orders_backordered
        + summary.orders_in_review
        + summary.orders_returned
    )
    assert summary.parcels_delivered == summary.parcels
    assert summary.orders_delivered > 0.7 * summary.orders_accepted
    assert summary.cost_minor > 0
    assert summary.currency == "BRL"


def test_the_sample_with_all_mischief_runs_to_the_end() -> None:
    with staged() as stage:
        sample = sample_shop(60)
        script = write_script(sample, utc_now(), EVERYTHING)
        event_ids = [message.event_id for message in script.messages]

        summary = run_shop(stage.line, sample, EVERYTHING, None, silent)

        check(summary)
        assert summary.duplicates_sent == len(event_ids) - len(set(event_ids)) > 0
        assert summary.reordered_sent > 0
        parked = sum(summary.parked.get(code, 0) for code in MISTAKES)
        assert parked == len({one for one in event_ids if one.endswith("-wrong")}) > 0
        latency = summary.event_to_placed_ms
        assert 0 < latency.p50 <= latency.p95 <= latency.max
        assert stage.value("SELECT sum(amount_cents) FROM charges") == summary.cost_minor
        # Nothing was done twice: one label for every parcel that was sent.
        assert stage.value("SELECT count(*) FROM labels") == summary.parcels


@dataclass(slots=True)
class Accidents:
    """Happens to a run: told of its progress, it kills and restarts in the midst of it."""

    stage: Stage
    happened: list[str] = field(default_factory=list)

    def __call__(self, text: str) -> None:
        """Take the next accident once orders are under way, and let time pass for the leases."""
        if "messages sent" not in text:
            return
        orders = self.stage.value("SELECT count(*) FROM orders")
        if orders > 10 and not self.happened:
            self.stage.switchboard.kill("functions")
            self.stage.stack.restart("functions")
            self.happened.append("functions killed")
        elif orders > 40 and len(self.happened) == 1:
            postgres = self.stage.stack.postgres
            assert postgres is not None
            postgres.restart("immediate")
            self.stage.line.books.close()  # its connections are dead; it opens new ones
            self.happened.append("Postgres killed")
        self._let_leases_end()
        self.stage.run_job("outbox_relay-sweep")

    def _let_leases_end(self) -> None:
        """What a minute or two would do: whoever leased this over three seconds ago is dead."""
        self.stage.rows(
            "UPDATE labels SET leased_until = now()"
            " WHERE leased_until < now() + interval '87 s' RETURNING 1"
        )
        self.stage.rows(
            "UPDATE outbox SET claimed_until = now()"
            " WHERE claimed_until < now() + interval '27 s' RETURNING 1"
        )


def test_killed_functions_and_a_crash_of_postgres_lose_nothing() -> None:
    # Goal: both in the middle of a stream, with orders in every stage. Postgres must be durable
    # here: without it a crash may take back what was committed.
    with staged(Options(durable=True, carrier_step_s=STEP_S)) as stage:
        accidents = Accidents(stage)

        summary = run_shop(stage.line, sample_shop(120), EVERYTHING, 40.0, accidents)

        assert accidents.happened == ["functions killed", "Postgres killed"]
        check(summary)
        assert stage.value("SELECT count(*) FROM labels") == summary.parcels


def test_ten_orders_reach_the_door_with_a_process_for_each_function() -> None:
    options = Options(process_per_function=True, durable=False, carrier_step_s=STEP_S)
    with staged(options) as stage:
        calm = Mischief(twice=0, late=0)

        summary = run_shop(stage.line, sample_shop(10), calm, None, silent)

        check(summary)
        assert summary.orders_delivered + summary.orders_backordered == 10
        assert set(stage.stack.manifests) <= set(stage.stack.processes)
