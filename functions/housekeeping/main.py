"""Cloud Scheduler -> work that no event starts, one job a path."""

from dataclasses import asdict

import functions_framework
from flask import Request, Response

from shared.edge import schedule
from shared.edge.schedule import counts, counts_in_steps, reports
from shared.flows.announce_availability import announce_availability
from shared.flows.audit_books import audit_books
from shared.flows.count_refusals import count_refusals
from shared.flows.early_changes import park_early_changes
from shared.flows.empty_partitions import empty_partitions
from shared.flows.expect_backorders import expect_backorders
from shared.flows.expire_holds import expire_holds
from shared.flows.forget_messages import forget_messages
from shared.flows.keep_decisions import keep_decisions
from shared.flows.reconcile_stock import reconcile_stock
from shared.flows.request_placement import promote_waiting, wake_backorders
from shared.flows.spread_hot_skus import spread_hot_skus
from shared.flows.watch_parcels import watch_parcels
from shared.wiring import hot_skus, longest_wait_s, services


@functions_framework.http
def housekeeping(request: Request) -> Response:
    """Run the job of this path."""
    return schedule.run_job(
        request,
        services(),
        {
            "/wake-backorders": counts("woken", wake_backorders),
            "/promote-waiting": counts(
                "promoted", lambda tx: promote_waiting(tx, longest_wait_s())
            ),
            "/expect-backorders": counts_in_steps("told", expect_backorders),
            "/announce-availability": counts_in_steps("announced", announce_availability),
            "/expire-holds": counts_in_steps("expired", expire_holds),
            "/empty-partitions": counts_in_steps("emptied", empty_partitions),
            "/spread-hot-skus": reports(lambda run: spread_hot_skus(run, *hot_skus())),
            "/watch-parcels": counts_in_steps("told", watch_parcels),
            "/count-refusals": counts("refused", count_refusals),
            "/keep-decisions": counts("months", keep_decisions),
            "/park-early-changes": counts("parked", park_early_changes),
            "/expire": reports(forget_messages),
            "/reconcile": reports(lambda run: asdict(reconcile_stock(run, actor="nightly"))),
            "/audit": counts("violations", audit_books),
        },
    )
