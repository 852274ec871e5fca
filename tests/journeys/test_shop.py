"""The sample shop through the whole line, with every mischief."""

from emulators.laptop.stack import Options
from emulators.line.run import Summary, run_shop
from emulators.line.sample import sample_shop
from emulators.line.script import Mischief, write_script
from shared.kit.clock import utc_now
from tests.journeys.stage import STEP_S, staged

EVERYTHING = Mischief(twice=0.2, late=0.2, cancelled=0.1, amended=0.1, wrong=0.1)
# Nothing was done twice: there is one for every parcel that was sent. An order that is cancelled
# late may have had another, which was given back: the audit holds that of each.
LABELS = "SELECT count(*) FROM labels WHERE state = 'bought'"
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
        assert stage.value(LABELS) == summary.parcels


def test_ten_orders_reach_the_door_with_a_process_for_each_function() -> None:
    options = Options(process_per_function=True, durable=False, carrier_step_s=STEP_S)
    with staged(options) as stage:
        calm = Mischief(twice=0, late=0)

        summary = run_shop(stage.line, sample_shop(10), calm, None, silent)

        check(summary)
        assert summary.orders_delivered + summary.orders_backordered == 10
        assert set(stage.stack.manifests) <= set(stage.stack.processes)
