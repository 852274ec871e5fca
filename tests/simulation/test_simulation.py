"""Seeded runs with a fault at any step: nothing is lost, doubled, reordered or made up."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from emulators.laptop.postgres import Server
from emulators.laptop.stack import ROOT
from emulators.simulation import run
from emulators.simulation.announced import Announced
from emulators.simulation.checks import Outside, found
from emulators.simulation.database import Query
from emulators.simulation.faults import Fault
from emulators.simulation.run import Outcome, Plan
from emulators.simulation.verb import as_json
from shared.ops.auditor import Violation
from shared.platform import inbox
from shared.platform.db import Write
from tests.simulation.running import simulated

SEEDS = (1, 2, 3)


@pytest.fixture(scope="module")
def outcomes(server: Server) -> dict[int, Outcome]:
    """What became of each seed."""
    return {seed: simulated(server, Plan(seed, events=1_000)) for seed in SEEDS}


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_goes_wrong_everything_is_as_it_must_be_in_the_end(
    outcomes: dict[int, Outcome], seed: int
) -> None:
    outcome = outcomes[seed]

    assert outcome.violations == ()
    assert outcome.orders["delivered"] > 20
    assert outcome.steps > outcome.plan.events, "what is left is delivered without faults"


def test_every_kind_of_fault_strikes(outcomes: dict[int, Outcome]) -> None:
    # Goal: a fault that never happens proves nothing, and a change of the product's calls could
    # silently move its moment away.
    struck = Counter[str]()
    for outcome in outcomes.values():
        struck.update(outcome.faults)

    assert {fault for fault in Fault if not struck[fault]} == set()
    assert len({outcome.digest for outcome in outcomes.values()}) == len(SEEDS)


def test_balances_are_spread_and_merged_all_the_time(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Goal: what a run shows of the stock holds for balances of several rows, too.
    said: list[tuple[Any, ...]] = []

    def counting(query: Query, outside: Outside, announced: Announced) -> Iterator[Violation]:
        said.extend(
            query(
                "SELECT reason, count(*) FROM stock_movements"
                " WHERE partition = 0 AND reference LIKE 'spread:%' GROUP BY reason ORDER BY reason"
            )
        )
        return found(query, outside, announced)

    monkeypatch.setattr(run, "found", counting)
    simulated(server, Plan(seed=1, events=300))

    assert [reason for reason, _ in said] == ["hot", "quiet"]
    assert all(times > 5 for _, times in said)


def test_a_run_that_ends_early_is_the_beginning_of_the_whole_one(server: Server) -> None:
    whole = simulated(server, Plan(seed=4, events=60))
    early = simulated(server, Plan(seed=4, events=60, only_until=40))
    again = simulated(server, Plan(seed=4, events=60, only_until=whole.steps))

    assert early.steps == 40
    assert [line.split()[0] for line in early.trail] == [str(n) for n in range(1, 41)]
    assert again.digest == whole.digest != early.digest


def test_a_replay_ends_at_the_very_step_that_went_wrong(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Goal: audits are far apart, and what has happened by the time of one says little.
    # It notes what comes, and refuses nothing.
    monkeypatch.setattr(inbox, "Write", lambda sql, note, rows: Write(sql, note))

    plan = Plan(seed=3, events=1_000)
    audited_at = simulated(server, plan).violations[0].step
    replay = simulated(server, replace(plan, only_until=audited_at))

    # The auditor has looked after each of the steps before this one.
    assert audited_at - plan.audit_every < replay.violations[0].step == replay.steps < audited_at
    assert replay.trail[-1].startswith(f"{replay.steps} ")


def command(seed: int, hash_seed: str) -> dict[str, Any]:
    """What the command prints, in a process whose sets and dicts have another order."""
    ran = subprocess.run(
        [sys.executable, "-m", "emulators", "simulate", "--seed", str(seed), "--events", "150",
         "--json"],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    printed: dict[str, Any] = json.loads(ran.stdout)
    return printed


def test_the_same_seed_is_the_same_run_in_any_process(server: Server) -> None:
    here = as_json(simulated(server, Plan(seed=9, events=150)))
    there = command(9, "1")

    pace = {"duration_s": 0, "steps_per_s": 0}
    assert {**here, **pace} == {**there, **pace}
    assert there["violations"] == []
    assert there["replay"] == "python3 -m emulators simulate --seed 9 --events 150"
