"""Which of our log lines a metric counts, by its filter in Cloud Logging's language."""

import pytest

from tests.infra.alerts import Line, counts, log_filters
from tests.infra.conftest import Plans


@pytest.mark.parametrize(
    ("metric", "line", "counted"),
    [
        ("parked", {"message": "message.parked", "code": "malformed"}, True),
        ("parked", {"message": "message.not_yet", "code": "early"}, False),
        ("tried_often", {"message": "task.not_yet", "attempt": 4}, True),
        ("tried_often", {"message": "message.not_yet", "attempt": 4}, True),
        ("tried_often", {"message": "task.not_yet", "attempt": 3}, False),
        ("placements_lost", {"message": "task.parked", "queue": "placement-bulk"}, True),
        ("placements_lost", {"message": "task.parked", "queue": "labels-correios"}, False),
        ("faults", {"message": "task.failed", "code": "fault"}, True),
        ("tried_often", {"message": "message.failed", "attempt": 4}, True),
        # A subscriber that is away.
        ("tried_often", {"message": "task.not_yet", "attempt": 9, "queue": "webhooks"}, False),
        ("faults", {"message": "console.failed", "code": "fault"}, True),
        ("faults", {"message": "message.not_parked", "code": "fault"}, True),
        # The database is there, and will not be quicker the next time.
        ("faults", {"message": "job.failed", "code": "statement_timed_out"}, True),
        # Nobody can be called out for what heals with the database.
        ("faults", {"message": "hook.failed", "code": "database_unavailable"}, False),
        ("hooks_refused", {"message": "hook.refused", "vendor": "easypost", "reason": "x"}, True),
        # Strangers, and the uptime check.
        ("hooks_refused", {"message": "hook.refused", "vendor": None, "reason": "x"}, False),
        ("hooks_unknown", {"message": "hook.refused", "reason": "unknown_vendor"}, True),
        ("hooks_unknown", {"message": "hook.refused", "reason": "disabled"}, False),
        ("callers_refused", {"message": "push.refused", "code": "unauthenticated"}, True),
        ("carriers_paused", {"message": "carrier.paused", "carrier": "correios"}, True),
        ("carriers_paused", {"message": "carrier.not_called", "carrier": "correios"}, True),
        ("jobs_failed", {"message": "job.failed", "job": "/audit", "code": "not_yet"}, True),
        ("invariants_broken", {"message": "invariant.broken", "rule": "x"}, True),
        ("stock_drifts", {"message": "stock.drift", "figure": "on_hand"}, True),
        ("outbox_left", {"message": "outbox.left_for_sweep", "code": "x"}, True),
        ("outbox_left", {"message": "outbox.not_sent", "code": "not_sent"}, True),
        ("not_ours", {"message": "tracking.not_ours", "vendor": "easypost"}, True),
        ("outbox_old", {"message": "measured", "outbox_oldest_s": 300.1}, True),
        ("outbox_old", {"message": "measured", "outbox_oldest_s": 300.0}, False),
        ("outbox_old", {"message": "measured", "outbox": 0}, False),
        ("express_waits", {"message": "measured", "waiting_express_oldest_s": 301}, True),
        ("express_waits", {"message": "measured", "waiting_bulk_oldest_s": 301}, False),
        ("jobs_done", {"message": "job.done", "job": "/"}, True),
    ],
)
def test_a_metric_counts_what_it_is_for(
    plans: Plans, metric: str, line: Line, *, counted: bool
) -> None:
    wanted = plans["prod"].by_name("google_logging_metric")[f"dispatch_{metric}"]["filter"]

    assert counts(wanted, line) is counted


def of_our_lines(plans: Plans) -> dict[str, str]:
    """The filters of those metrics that count what functions log, by name."""
    made = plans["prod"].of("google_logging_metric")
    return {
        one.values["name"]: one.values["filter"]
        for one in made
        if one.address.startswith("module.alerts.google_logging_metric.of[")
    }


def test_every_filter_has_a_form_that_is_understood(plans: Plans) -> None:
    for wanted in of_our_lines(plans).values():
        counts(wanted, {"message": "nothing"})


def test_a_backup_counts_when_google_says_of_our_database_that_it_is_there(plans: Plans) -> None:
    # Goal: a night without one is missed, whatever word Google has for what went wrong.
    ours = of_our_lines(plans)
    made = plans["prod"].by_name("google_logging_metric")
    ((name, values),) = ((n, v) for n, v in made.items() if n not in ours)

    assert name == "dispatch_backups_done"
    assert values["filter"].split(" AND ") == [
        'resource.type="cloudsql_database"',
        'resource.labels.database_id="dispatch-prod:dispatch"',
        'log_id("cloudaudit.googleapis.com/system_event")',
        'protoPayload.methodName="cloudsql.instances.automatedBackup"',
        'protoPayload.metadata.windowStatus="STATUS_SUCCEEDED"',
    ]
    (condition,) = next(
        alert.values["conditions"]
        for alert in plans["prod"].of("google_monitoring_alert_policy")
        if alert.values["display_name"] == "backup-missing"
    )
    (asked,) = condition["condition_prometheus_query_language"]
    assert asked["query"].startswith(f"absent_over_time(logging_googleapis_com:user_{name}{{")
    # One may begin with its window at 01:00, and the next end with its own, four hours later.
    looked_back_h = int(asked["query"].removesuffix("h])").rpartition("[")[2])
    assert looked_back_h <= 25
    assert looked_back_h + int(asked["duration"].removesuffix("s")) / 3600 >= 28


def test_what_is_read_from_the_file_is_what_terraform_makes(plans: Plans) -> None:
    # Goal: runbooks are tried with the filters that production has.
    assert {f"dispatch_{name}": wanted for name, wanted in log_filters().items()} == (
        of_our_lines(plans)
    )
