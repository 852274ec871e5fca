"""Cloud Scheduler: a path is a job, and its answer says what it did."""

import pytest

from shared.contracts.order_facts import OrderClosed
from shared.edge import schedule
from shared.kit.errors import Fault, NotYet
from shared.platform import outbox
from shared.platform.db import Database
from tests.edge.serving import Caller, failing, function, served
from tests.platform.doubles import RecordingQueues, RecordingTopics
from tests.support import given


def test_the_job_of_the_path_runs_and_tells_what_it_did(
    caller: Caller, database: Database, queues: RecordingQueues
) -> None:
    given.catalogue(database, {"BER": {"MUG": 0}})
    given.order(database, "ord_1", {"MUG": 1})
    given.place(database, "ord_1")
    given.appear(database, "BER", {"MUG": 1})

    answer = caller.post(function("housekeeping"), "/wake-backorders", b"{}")

    assert (answer.status_code, answer.get_json()) == (200, {"kept": 0, "woken": 1})
    assert [queue for queue, _, _ in queues.added.values()] == ["placement-standard"]


def test_the_audit_tells_how_many_violations_it_found(caller: Caller, database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})

    answer = caller.post(function("housekeeping"), "/audit", b"")

    assert answer.get_json() == {"violations": 0}


def test_the_jobs_about_stock_tell_what_they_did(
    caller: Caller, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.wiring.hot_skus", lambda: (5, 4))
    given.catalogue(database, {"BER": {"MUG": 5}})
    answers = {
        path: caller.post(function("housekeeping"), path, b"").get_json()
        for path in ("/reconcile", "/empty-partitions", "/spread-hot-skus")
    }

    assert answers["/reconcile"].pop("run_id").startswith("rec_")
    assert answers == {
        "/reconcile": {"balances": 1, "repaired": 0, "fenced": 0, "lifted": 0, "recounted": 0},
        "/empty-partitions": {"emptied": 0},
        "/spread-hot-skus": {"spread": 0, "merged": 0},
    }


def test_the_sweep_sends_what_is_left(
    caller: Caller, database: Database, topics: RecordingTopics
) -> None:
    fact = OrderClosed(order_id="ord_1", state="cancelled")
    database.run(lambda tx: tx.write(outbox.put(tx, fact)), given.cause())

    answer = caller.post(function("outbox_relay"), "/", b"{}")

    assert answer.status_code == 200
    assert len(topics.sent) == 1


def test_an_unknown_job_is_not_found(caller: Caller) -> None:
    answer = caller.post(function("housekeeping"), "/no-such-job", b"{}")

    assert answer.status_code == 404
    assert answer.get_json()["code"] == "unknown_job"


def test_a_job_that_fails_is_tried_again_and_keeps_its_details(caller: Caller) -> None:
    statuses = []
    for error in (NotYet("later"), Fault("the secret is swordfish")):
        with failing(error) as job:
            client = served(
                lambda request, job=job: schedule.run_job(request, caller.services, {"/": job})  # type: ignore[misc]
            )
            answer = caller.post(client, "/", b"")
        statuses.append(answer.status_code)
        assert "swordfish" not in answer.text

    assert statuses == [503, 500]


def test_without_a_token_no_job_runs_and_none_is_told_to_exist(caller: Caller) -> None:
    stranger = Caller(caller.services, "")
    client = function("housekeeping")

    assert stranger.post(client, "/audit", b"").status_code == 401
    assert stranger.post(client, "/no-such-job", b"").status_code == 401
