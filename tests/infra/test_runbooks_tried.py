"""Runbooks, tried: what each says breaks, its alert's query fires, its text is followed, it heals.

A query of log lines is asked of the lines that a stack has really logged. What waits is read from
the stand-ins, which count as Google does; five minutes are three seconds here.
"""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from math import nan
from typing import Any

import grpc
import pytest
from google.cloud.tasks_v2 import CloudTasksClient, Queue, RateLimits
from google.cloud.tasks_v2.services.cloud_tasks.transports import CloudTasksGrpcTransport
from google.protobuf.field_mask_pb2 import FieldMask

from emulators.laptop.stack import ROOT, Options
from emulators.line.shop import JsonObject
from shared.kit.clock import utc_now
from tests.flows.updates import body as update
from tests.infra.alerts import ALERTS, Alert, alerts, counts, log_filters, section, setting
from tests.infra.alerts import statements as statements_of
from tests.journeys.stage import (
    STEP_S,
    Stage,
    functions_with,
    open_directory,
    shop,
    staged,
    wait_until,
)
from tests.journeys.test_doors import knock, signed

LAG_S = 3.0  # instead of `alerting.lag_s`, which are five minutes
ATTEMPTS = 5
PAUSE_S = 120.0  # for a carrier that is silent: its calls time out
SUBMITTED = "channel.order.submitted.v1"
STOCK = {"SAO": {"MUG-RED": 1_000, "PEN-BLUE": 1_000}}


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    """A stack whose placement gives up sooner: eight attempts take minutes."""
    with open_directory() as directory:
        options = Options(
            functions_root=functions_with(directory, "placement_worker", impatient),
            durable=False,
            carrier_step_s=STEP_S,
            telemetry=True,
        )
        with staged(options) as made:
            made.line.load(shop(STOCK))
            yield made


def impatient(manifest: JsonObject) -> None:
    # What is tried shows until it is parked: for seconds, or a busy machine is too late to see it.
    manifest["trigger"]["retry"] |= {"min_backoff_s": 1, "max_attempts": ATTEMPTS}
    for queue in manifest["trigger"]["queues"].values():
        queue["max_backoff_s"] = 1


class Watch:
    """What is asked of a stack from this moment on, as an alert's window is."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._before = len(self._lines())
        self._placements = self._tried_placements()

    def fires(self, name: str) -> bool:
        """Whether the alert's query is true by now."""
        alert = alerts()[name]
        if name == "placement-budget":
            return self._burns()
        return self._counted(alert.metric) > alert.bound

    def wait_for(self, name: str, timeout_s: float = 60.0) -> None:
        wait_until(lambda: self.fires(name), f"{name} fires", timeout_s)

    def _burns(self) -> bool:
        factor = re.search(r'"5m" = ([\d.]+)', ALERTS)
        assert factor is not None
        tried = self._tried_placements() - self._placements
        bound = float(factor[1]) * (1 - setting("placement_goal"))
        return tried > 0 and self._counted("placements_lost") / tried > bound

    def _counted(self, metric: str) -> int:
        wanted = log_filters()[metric]
        return sum(counts(wanted, line) for line in self._lines()[self._before :])

    def _tried_placements(self) -> int:
        queues = self._stage.figures()["queues"]
        return sum(row["dispatched"] for name, row in queues.items() if "/placement-" in name)

    def _lines(self) -> list[dict[str, Any]]:
        return lines_of(self._stage)


def lines_of(stage: Stage) -> list[dict[str, Any]]:
    """What the functions have logged."""
    logs = sorted((stage.stack.directory / "logs").glob("functions*.log"))
    said = (line for path in logs for line in path.read_text().splitlines())
    return [json.loads(line) for line in said if line.startswith("{") and line.endswith("}")]


def follow(stage: Stage, *words: str, code: int = 0) -> str:
    """Run `python3 -m emulators WORDS` on this stack, as the text says; what it printed."""
    ran = subprocess.run(
        [sys.executable, "-m", "emulators", *words],
        cwd=ROOT,
        env={**os.environ, "DISPATCH_HOME": str(stage.stack.directory)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == code, ran.stdout + ran.stderr
    return ran.stdout


def said(name: str, words: str) -> tuple[str, ...]:
    """A command's words, which have to stand in the runbook."""
    text = " ".join(section(name).split())
    assert f"`python3 -m emulators {words}`" in text or f"`{words}`" in text, (name, words)
    return tuple(words.split())


def ask(stage: Stage, name: str) -> list[tuple[Any, ...]]:
    """What the SQL of a runbook finds."""
    (statement,) = statements_of(name)
    return stage.rows(statement)


def oldest_s(stage: Stage, subscription: str) -> float:
    """How long the oldest message of a subscription has waited."""
    found = stage.figures()["subscriptions"]
    (row,) = [row for name, row in found.items() if name.endswith(f"/{subscription}")]
    return row["oldest_age_s"]


def queue_of(stage: Stage, name: str) -> dict[str, float]:
    """What a queue counts: `depth`, `attempt_delay_s`, and how many attempts have `ended`."""
    (row,) = [row for full, row in stage.figures()["queues"].items() if full.endswith(f"/{name}")]
    return {**row, "ended": row["dispatched"] - row["in_flight"]}


@contextmanager
def tasks(stage: Stage) -> Iterator[CloudTasksClient]:
    """What gcloud asks."""
    with grpc.insecure_channel(stage.stack.addresses["tasks"]) as channel:
        yield CloudTasksClient(transport=CloudTasksGrpcTransport(channel=channel))


def full_name(stage: Stage, queue: str) -> str:
    told = stage.stack.environment
    where = f"projects/{told['DISPATCH_PROJECT']}/locations/{told['DISPATCH_LOCATION']}"
    return f"{where}/queues/{queue}"


def measured(stage: Stage, name: str) -> float:
    """What an alert's filter compares with five minutes, as the job that tells it said last.

    It is started, and nobody waits for it: ask again until it has said what is true.
    """
    found = re.search(r"jsonPayload\.(\w+)>(\d+)$", log_filters()[alerts()[name].metric])
    assert found is not None, name
    assert float(found[2]) == setting("lag_s")
    stage.run_job("housekeeping-measure")
    told = [line for line in lines_of(stage) if line.get("message") == "measured"]
    return float(told[-1].get(found[1], 0.0)) if told else nan


def report(stage: Stage, tracking_code: str) -> int:
    """A carrier reports a parcel; the answer's status."""
    body = update(tracking_code, [("in_transit", utc_now())])
    return knock(stage, body, signed(stage, body)).status_code


def test_work_late(stage: Stage) -> None:
    # A queue that is slower than what comes in: one task in four seconds.
    asked, name = alerts()["work-late"], full_name(stage, "placement-bulk")
    assert "queue_task_attempt_delays_bucket" in asked.query
    assert "--max-dispatches-per-second=50" in section("work-late")
    with tasks(stage) as client:

        def pace(tasks_a_second: float) -> None:
            limits = RateLimits(max_dispatches_per_second=tasks_a_second)
            mask = FieldMask(paths=["rate_limits.max_dispatches_per_second"])
            client.update_queue(queue=Queue(name=name, rate_limits=limits), update_mask=mask)

        pace(0.25)
        for number in range(3):
            stage.submit(f"slow-{number}", {"MUG-RED": 1}, service_level="economy")
        late = "work-late fires"
        wait_until(lambda: queue_of(stage, "placement-bulk")["attempt_delay_s"] > LAG_S, late)

        pace(50)
    for number in range(3):
        stage.wait_for(f"slow-{number}", "delivered")
    stage.submit("soon", {"MUG-RED": 1}, service_level="economy")
    stage.wait_for("soon", "delivered")
    assert queue_of(stage, "placement-bulk")["attempt_delay_s"] < LAG_S


def stands_still(stage: Stage, queue: str) -> None:
    """Wait until tasks wait, and none was tried for a while."""

    def since() -> tuple[float, float]:
        return time.monotonic(), queue_of(stage, queue)["ended"]

    began_s, ended = since()

    def has() -> bool:
        nonlocal began_s, ended
        if queue_of(stage, queue)["ended"] != ended or not queue_of(stage, queue)["depth"]:
            began_s, ended = since()
        return time.monotonic() - began_s > LAG_S

    wait_until(has, "queue-stands-still fires")


def test_queue_stands_still(stage: Stage) -> None:
    query = alerts()["queue-stands-still"].query
    assert "_depth" in query
    assert "_attempts" in query
    follow(stage, *said("queue-stands-still", "fault pause placement-standard"))
    stage.submit("still-1", {"MUG-RED": 1})
    stands_still(stage, "placement-standard")
    follow(stage, *said("queue-stands-still", "fault resume placement-standard"))
    stage.wait_for("still-1", "delivered")
    assert queue_of(stage, "placement-standard")["depth"] == 0

    # Somebody has paused the queue itself.
    name = full_name(stage, "placement-standard")
    assert "gcloud tasks queues resume" in section("queue-stands-still")
    with tasks(stage) as client:
        client.pause_queue(name=name)
        stage.submit("still-2", {"MUG-RED": 1})
        stands_still(stage, "placement-standard")
        assert client.get_queue(name=name).state is Queue.State.PAUSED
        client.resume_queue(name=name)
    stage.wait_for("still-2", "delivered")
    assert queue_of(stage, "placement-standard")["depth"] == 0


def no_longer_awaited(stage: Stage) -> None:
    """What time would do: nobody expects the label of a stranger's parcel any more."""
    stage.rows(
        "UPDATE carrier_updates SET received_at = received_at - interval '2 hours'"
        " WHERE body LIKE '%STRANGE-%' RETURNING 1"
    )


def test_outbox_left_and_outbox_old(stage: Stage) -> None:
    # Pub/Sub takes connections and answers nothing, while carriers report as ever.
    stage.wait_for_rest()
    watch = Watch(stage)
    follow(stage, *said("outbox-left", "fault pause google"))
    try:
        with ThreadPoolExecutor(max_workers=8) as pool:
            answers = set(pool.map(lambda number: report(stage, f"STRANGE-A{number}"), range(24)))
        assert answers == {204}  # what has happened is kept, whoever can be told of it
        assert watch.fires("outbox-left")
        assert watch.fires("destination-refuses")
        ((destination, number, _),) = ask(stage, "outbox-left")
        assert (destination, number) == ("carrier-updates", 24)
        assert ask(stage, "destination-refuses")[0][:2] == (destination, number)
        no_longer_awaited(stage)
    finally:
        follow(stage, *said("outbox-left", "fault resume google"))
    wait_until(lambda: measured(stage, "outbox-old") > LAG_S, "outbox-old fires")
    assert ask(stage, "outbox-old")[0][:2] == ("carrier-updates", 24)

    healed = Watch(stage)
    # What half a minute would do: the leases are over.
    stage.rows("UPDATE outbox SET claimed_until = now() - interval '1 second' RETURNING 1")
    stage.run_job("outbox_relay-sweep")
    wait_until(lambda: measured(stage, "outbox-old") == 0, "the outbox is empty")
    stage.wait_for_rest()
    assert ask(stage, "outbox-left") == ask(stage, "outbox-old") == []
    assert not healed.fires("outbox-left")
    assert not healed.fires("destination-refuses")


def test_orders_wait(stage: Stage) -> None:
    follow(stage, *said("orders-wait", "fault pause placement-express"))
    stage.submit("hurry-1", {"MUG-RED": 1}, service_level="express")
    wait_until(lambda: measured(stage, "orders-wait") > LAG_S, "orders-wait fires")
    assert [order_id for order_id, _ in ask(stage, "orders-wait")] == ["hurry-1"]

    follow(stage, *said("orders-wait", "fault resume placement-express"))
    stage.wait_for("hurry-1", "delivered")
    wait_until(lambda: measured(stage, "orders-wait") == 0, "nobody waits")


def test_not_ours(stage: Stage) -> None:
    watch = Watch(stage)
    with stage.paused("order_tracking"):
        for number in range(51):
            assert report(stage, f"STRANGE-B{number}") == 204
        no_longer_awaited(stage)
    watch.wait_for("not-ours")
    assert len(ask(stage, "not-ours")) == 50
    stage.wait_for_rest()
    assert stage.value("SELECT count(*) FROM dead_letters WHERE state = 'open'") == 0


def test_events_late(stage: Stage) -> None:
    asked = alerts()["events-late"]
    assert "oldest_unacked_message_age" in asked.query
    assert asked.bound == setting("lag_s")
    follow(stage, *said("events-late", "fault pause order_intake"))
    stage.submit("late-1", {"MUG-RED": 1})

    wait_until(lambda: oldest_s(stage, "order_intake.orders") > LAG_S, "events-late fires")
    assert stage.state("late-1") is None

    follow(stage, *said("events-late", "fault resume order_intake"))
    stage.wait_for("late-1", "delivered")
    assert oldest_s(stage, "order_intake.orders") == 0


def test_tried_often_parked_and_the_placement_budget(stage: Stage) -> None:
    # A mistake of ours: placement cannot write its decisions.
    watch = Watch(stage)
    stage.rows("ALTER TABLE placement_decisions RENAME TO not_there")
    try:
        stage.submit("lost-1", {"MUG-RED": 1})

        # Until it is parked only, and alerts take longer to ask for than that may be.
        wait_until(lambda: ask(stage, "tried-often"), "the database says what was tried, and why")
        for name in ("tried-often", "parked", "placement-budget"):
            watch.wait_for(name)
        stage.wait_for("lost-1", "review")
        ((source, code, *_),) = ask(stage, "parked")
        assert source == "placement-standard"
        assert [(row[0], row[2]) for row in ask(stage, "placement-budget")] == [(code, 1)]
        assert code in follow(stage, *said("parked", "letters list"))
    finally:
        healed = Watch(stage)
        stage.rows("ALTER TABLE not_there RENAME TO placement_decisions")

    follow(stage, "letters", "retry", "--code", code, "--reason", "repaired")
    stage.wait_for("lost-1", "delivered")
    assert not any(healed.fires(name) for name in ("tried-often", "parked", "placement-budget"))
    assert ask(stage, "tried-often") == []


def test_parked_because_of_its_sender(stage: Stage) -> None:
    watch = Watch(stage)
    stage.publish("orders", SUBMITTED, b'{"order_id": "wrong-1"}')

    watch.wait_for("parked")
    (letter,) = [row for row in ask(stage, "parked") if row[1] == "malformed"]
    assert letter[0] == "order_intake.orders"

    follow(stage, "letters", "discard", "--code", "malformed", "--reason", "the sender was told")
    assert stage.value("SELECT count(*) FROM dead_letters WHERE state = 'open'") == 0


def test_carrier_paused(stage: Stage) -> None:
    watch = Watch(stage)
    follow(stage, *said("carrier-paused", "fault pause easypost"))
    for number in range(8):
        stage.submit(f"silent-{number}", {"MUG-RED": 1})

    watch.wait_for("carrier-paused", PAUSE_S)
    ((carrier, failures, *_),) = ask(stage, "carrier-paused")
    assert failures >= 5
    standing = json.loads(follow(stage, *said("carrier-paused", "carriers"), "--json", code=1))
    breakers = {one["carrier"]: one["breaker"]["state"] for one in standing["carriers"]}
    assert breakers[carrier] == "open"

    follow(stage, *said("carrier-paused", "fault resume easypost"))
    # What minutes would do: the pause is over, and so is the wait for what was asked for in vain.
    stage.rows("UPDATE abandoned_labels SET leased_until = now() RETURNING 1")
    stage.rows(
        "UPDATE carrier_breakers SET failed_at = failed_at - interval '10 minutes',"
        " quiet_until = quiet_until - interval '10 minutes' RETURNING 1"
    )
    stage.submit("silent-probe", {"MUG-RED": 1})
    for name in (*(f"silent-{number}" for number in range(8)), "silent-probe"):
        stage.wait_for(name, "delivered")
    assert ask(stage, "carrier-paused") == []


def test_invariant_broken_and_stock_drift(stage: Stage) -> None:
    spoil = re.search(r"`(UPDATE stock_levels SET [^`]+)` for one row", section("invariant-broken"))
    assert spoil is not None
    stage.wait_for_rest()

    watch = Watch(stage)
    stage.rows(f"{spoil[1]} WHERE sku = 'PEN-BLUE' RETURNING 1")
    stage.run_job("housekeeping-audit")
    watch.wait_for("invariant-broken")
    assert "PEN-BLUE" in follow(stage, *said("invariant-broken", "audit"), code=1)
    follow(stage, *said("invariant-broken", "stock reconcile"))
    follow(stage, "audit")

    watch = Watch(stage)
    stage.rows(f"{spoil[1]} WHERE sku = 'PEN-BLUE' RETURNING 1")
    stage.run_job("housekeeping-reconcile")
    watch.wait_for("stock-drift")
    figure, warehouse, number, *_ = ask(stage, "stock-drift")[0]
    assert (figure, warehouse, number) == ("on_hand", "SAO", 2)
    follow(stage, "audit")


def test_a_query_that_asks_for_no_lines_has_no_metric() -> None:
    with pytest.raises(ValueError, match="not enough values"):
        _ = Alert("max(up) < 1").metric
