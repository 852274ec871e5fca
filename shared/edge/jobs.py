"""What is done by the clock. A job's code is loaded when it runs: an instance is woken for one."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import timedelta

from shared.contracts.base import Cause
from shared.edge.schedule import Job
from shared.edge.services import Services

Did = Mapping[str, object]


def all_of(
    longest_wait_s: Callable[[], int],
    hot_skus: Callable[[], tuple[int, int]],
    updates_kept: Callable[[], timedelta],
) -> Mapping[str, Job]:
    """The jobs by their paths.

    Args:
        longest_wait_s: how long an order may wait to be placed.
        hot_skus: from how many orders a minute on a SKU is hot, and over how many rows it goes.
        updates_kept: for how long what carriers have sent is kept as they sent it.
    """
    return {
        "/wake-backorders": wake_backorders,
        "/promote-waiting": lambda parts, cause: promote_waiting(parts, cause, longest_wait_s()),
        "/expect-backorders": expect_backorders,
        "/announce-availability": announce_availability,
        "/expire-holds": expire_holds,
        "/empty-partitions": empty_partitions,
        "/spread-hot-skus": lambda parts, cause: spread_hot_skus(parts, cause, *hot_skus()),
        "/watch-parcels": watch_parcels,
        "/ask-for-manifests": ask_for_manifests,
        "/poll-parcels": poll_parcels,
        "/count-refusals": count_refusals,
        "/keep-reports": keep_reports,
        "/measure": measure,
        "/keep-decisions": keep_decisions,
        "/park-early-changes": park_early_changes,
        "/expire": lambda parts, cause: expire(parts, cause, updates_kept()),
        "/reconcile": reconcile,
        "/audit": audit,
    }


def wake_backorders(parts: Services, cause: Cause) -> Did:
    """Ask again for what backordered orders wait for and is there by now.

    What is released until the next time is kept for those who wait for it.
    """
    from shared.flows.keep_pre_orders import keep_pre_orders
    from shared.flows.request_placement import wake_backorders as flow

    kept = keep_pre_orders(parts.runner(cause))
    return {"kept": kept, "woken": parts.run(flow, cause)}


def expect_backorders(parts: Services, cause: Cause) -> Did:
    """Tell when what backordered orders wait for is expected."""
    from shared.flows.expect_backorders import expect_backorders as flow

    return {"told": flow(parts.runner(cause))}


def announce_availability(parts: Services, cause: Cause) -> Did:
    """Announce what can be sold, where that has changed."""
    from shared.flows.announce_availability import announce_availability as flow

    return {"announced": flow(parts.runner(cause))}


def expire_holds(parts: Services, cause: Cause) -> Did:
    """Give back what carts held for too long."""
    from shared.flows.expire_holds import expire_holds as flow

    return {"expired": flow(parts.runner(cause))}


def empty_partitions(parts: Services, cause: Cause) -> Did:
    """Empty the rows of SKUs that are to be in fewer."""
    from shared.flows.empty_partitions import empty_partitions as flow

    return {"emptied": flow(parts.runner(cause))}


def watch_parcels(parts: Services, cause: Cause) -> Did:
    """Tell of parcels that stand still."""
    from shared.flows.watch_parcels import watch_parcels as flow

    return {"told": flow(parts.runner(cause))}


def ask_for_manifests(parts: Services, cause: Cause) -> Did:
    """Ask for the manifests of what leaves soon."""
    from shared.flows.ask_for_manifests import ask_for_manifests as flow

    return {"asked": flow(parts.runner(cause))}


def poll_parcels(parts: Services, cause: Cause) -> Did:
    """Have carriers asked about parcels of which nothing is heard."""
    from shared.flows.poll_parcels import poll_parcels as flow

    return {"polled": flow(parts.runner(cause))}


def count_refusals(parts: Services, cause: Cause) -> Did:
    """Count what warehouses refused."""
    from shared.flows.count_refusals import count_refusals as flow

    return {"refused": parts.run(flow, cause)}


def keep_reports(parts: Services, cause: Cause) -> Did:
    """Add up the days of reports."""
    from shared.flows.keep_reports import keep_reports as flow

    return {"days": flow(parts.runner(cause))}


def keep_decisions(parts: Services, cause: Cause) -> Did:
    """Make room for the decisions of the months to come."""
    from shared.flows.keep_decisions import keep_decisions as flow

    return {"months": parts.run(flow, cause)}


def park_early_changes(parts: Services, cause: Cause) -> Did:
    """Park changes whose order did not come."""
    from shared.flows.early_changes import park_early_changes as flow

    return {"parked": parts.run(flow, cause)}


def audit(parts: Services, cause: Cause) -> Did:
    """Look for what must never be."""
    from shared.flows.audit_books import audit_books as flow

    return {"violations": parts.run(flow, cause)}


def promote_waiting(parts: Services, cause: Cause, longest_wait_s: int) -> Did:
    """Let orders that have waited for long ask the next queue too."""
    from shared.flows.request_placement import promote_waiting as flow

    return {"promoted": parts.run(lambda tx: flow(tx, longest_wait_s), cause)}


def spread_hot_skus(parts: Services, cause: Cause, orders_a_minute: int, partitions: int) -> Did:
    """Spread SKUs that everybody wants over several rows."""
    from shared.flows.spread_hot_skus import spread_hot_skus as flow

    return flow(parts.runner(cause), orders_a_minute, partitions)


def measure(parts: Services, cause: Cause) -> Did:
    """Tell how much waits, and for how long."""
    from shared.flows.measure import measure as flow

    return parts.run(flow, cause)


def expire(parts: Services, cause: Cause, updates_kept: timedelta) -> Did:
    """Forget what was kept for its time."""
    from shared.flows.forget_messages import forget_messages as flow

    return flow(parts.runner(cause), updates_kept)


def reconcile(parts: Services, cause: Cause) -> Did:
    """Compare stock with what explains it."""
    from shared.flows.reconcile_stock import reconcile_stock as flow

    return asdict(flow(parts.runner(cause), actor="nightly"))
