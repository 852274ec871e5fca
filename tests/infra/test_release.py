"""What the pipeline does after a build: judging, moving traffic, knocking, replaying."""

import io
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from emulators.laptop.functions_host import application
from emulators.laptop.stack import ROOT
from infra.release import __main__ as verb
from infra.release.canary import Plan, try_out
from infra.release.gcloud import Refused
from infra.release.judge import (
    Judgement,
    Limits,
    Measured,
    Verdict,
    deviations,
    judge,
    judge_decisions,
    together,
)
from infra.release.metrics import measured
from infra.release.smoke import knock, knock_at
from infra.release.traffic import NothingToMove, Traffic, services_of
from infra.release.vulnerabilities import blocking
from tests.infra.gcloud import NAMES, Google
from tests.support.served import served

STABLE = Measured(requests=9_000, errors=18, p95_ms=200.0)
LIMITS = Limits()


@pytest.mark.parametrize(
    ("canary", "verdict", "reason"),
    [
        (Measured(1_000, 2, 210.0), Verdict.PROMOTE, "2 errors in 1000 requests"),
        (Measured(1_000, 30, 210.0), Verdict.ROLL_BACK, "30 errors in 1000 requests"),
        (Measured(1_000, 0, 399.0), Verdict.PROMOTE, ""),
        (Measured(1_000, 0, 401.0), Verdict.ROLL_BACK, "p95 is 401 ms, 400 ms may be"),
        (Measured(12, 0, 900.0), Verdict.WAIT, "12 requests, 50 are wanted"),
        (Measured(12, 2, None), Verdict.WAIT, ""),  # two may be chance
        (Measured(12, 9, None), Verdict.ROLL_BACK, "9 errors in 12 requests"),
        (Measured(0, 0), Verdict.WAIT, ""),
    ],
)
def test_a_canary_is_judged_by_what_it_answered(
    canary: Measured, verdict: Verdict, reason: str
) -> None:
    judgement = judge("order-api", STABLE, canary, LIMITS, is_last=False)

    assert judgement.verdict is verdict
    assert any(reason in one for one in judgement.reasons)


def test_what_nobody_called_is_promoted_when_time_is_up() -> None:
    # Goal: a function that hears nothing on a good day must not stop every release.
    judgement = judge("dead-letter", Measured(0, 0), Measured(0, 0), LIMITS, is_last=True)

    assert judgement.verdict is Verdict.PROMOTE


def test_errors_without_anything_to_compare_with_count_by_their_share() -> None:
    alone = Measured(0, 0)

    assert judge("x", alone, Measured(100, 3), LIMITS, is_last=True).verdict is Verdict.PROMOTE
    assert judge("x", alone, Measured(100, 30), LIMITS, is_last=True).verdict is Verdict.ROLL_BACK


def test_an_outage_that_both_sides_see_is_not_the_canarys() -> None:
    judgement = judge(
        "x", Measured(9_000, 4_500, 50.0), Measured(1_000, 510, 50.0), LIMITS, is_last=False
    )

    assert judgement.verdict is Verdict.PROMOTE


counts = st.integers(0, 5_000).flatmap(
    lambda requests: st.builds(
        Measured, st.just(requests), st.integers(0, requests), st.floats(1, 9_000)
    )
)


@for_all(stable=counts, canary=counts, more=st.integers(1, 500))
def test_more_errors_never_make_a_canary_better(
    stable: Measured, canary: Measured, more: int
) -> None:
    worse = Measured(canary.requests, min(canary.errors + more, canary.requests), canary.p95_ms)

    assert deviations(stable, worse) >= deviations(stable, canary)
    if judge("x", stable, canary, LIMITS, is_last=True).verdict is Verdict.ROLL_BACK:
        assert judge("x", stable, worse, LIMITS, is_last=True).verdict is Verdict.ROLL_BACK


@for_all(side=counts)
def test_what_is_the_same_is_never_rolled_back(side: Measured) -> None:
    if side.requests:
        assert judge("x", side, side, LIMITS, is_last=True).verdict is Verdict.PROMOTE


def test_more_errors_than_requests_cannot_be() -> None:
    with pytest.raises(ValueError, match=r"must lie in 0\.\.3"):
        Measured(requests=3, errors=4)


def test_all_functions_are_released_together_or_not_at_all() -> None:
    good = Judgement(Verdict.PROMOTE, ("a: fine",))
    bad = Judgement(Verdict.ROLL_BACK, ("b: slow",))

    assert together((good, bad, good)) == bad
    assert together((good, good)).verdict is Verdict.PROMOTE


def test_decisions_that_come_out_otherwise_stop_a_release_unless_they_are_meant_to() -> None:
    assert judge_decisions(500, 0, LIMITS).verdict is Verdict.PROMOTE
    assert judge_decisions(500, 1, LIMITS).reasons == (
        "decisions: 1 of 500 come out otherwise, 0 may",
    )
    assert judge_decisions(500, 40, Limits(differences=50)).verdict is Verdict.PROMOTE


@pytest.fixture
def google() -> Google:
    """Two services that serve their first revision."""
    return Google(*NAMES)


def traffic(google: Google) -> Traffic:
    """Their traffic, with a candidate deployed."""
    found = Traffic(google, "r", NAMES)
    found.deploy("image@sha256:1")
    return found


def test_a_deployed_revision_serves_nobody(google: Google) -> None:
    services = traffic(google).services()

    assert google.shares == {name: {f"{name}-1": 100} for name in NAMES}
    assert [(s.candidate, s.previous) for s in services] == [
        (f"{name}-2", f"{name}-1") for name in NAMES
    ]


def test_a_service_that_terraform_has_not_made_yet_is_named(google: Google) -> None:
    with pytest.raises(NothingToMove, match="not deployed yet: stock-api"):
        Traffic(google, "r", ("order-api", "stock-api")).services()


def test_without_a_release_there_is_nothing_to_go_back_to(google: Google) -> None:
    with pytest.raises(NothingToMove, match="order-api has no previous revision"):
        Traffic(google, "r", NAMES).roll_back()


def test_a_release_can_be_taken_back_after_it_was_promoted(google: Google) -> None:
    found = traffic(google)
    found.promote()
    assert google.shares == {name: {f"{name}-2": 100} for name in NAMES}

    found.roll_back()

    assert google.shares == {name: {f"{name}-1": 100} for name in NAMES}


def test_of_services_that_fail_the_others_are_moved_all_the_same(google: Google) -> None:
    found = traffic(google)
    found.promote()
    google.fails = {"order-api"}

    with pytest.raises(Refused, match="order-api is away"):
        found.roll_back()

    assert google.shares["order-intake"] == {"order-intake-1": 100}


def answered(*canaries: Measured) -> Iterator[Mapping[tuple[str, str], Measured]]:
    """What is measured at each look; the last of them again and again."""
    last = canaries[0]
    for last in canaries:
        yield _sides(last)
    while True:
        yield _sides(last)


def _sides(canary: Measured) -> Mapping[tuple[str, str], Measured]:
    return {
        (name, f"{name}-{number}"): side
        for name in NAMES
        for number, side in ((1, STABLE), (2, canary))
    }


def try_canary(google: Google, *canaries: Measured) -> tuple[Judgement, list[float], list[Any]]:
    """Try a canary that answers so; how it is judged, how long was waited, traffic at each look."""
    looks = answered(*canaries)
    waited: list[float] = []
    seen: list[Any] = []

    def measure(_window_s: int) -> Mapping[tuple[str, str], Measured]:
        seen.append({name: dict(shares) for name, shares in google.shares.items()})
        return next(looks)

    found = traffic(google)
    with redirect_stdout(io.StringIO()):
        judgement = try_out(found, measure, waited.append, Plan(minutes=5), LIMITS)
    return judgement, waited, seen


def test_a_good_canary_gets_a_tenth_and_then_everything(google: Google) -> None:
    judgement, waited, seen = try_canary(google, Measured(1_000, 1, 190.0))

    assert judgement.verdict is Verdict.PROMOTE
    assert seen == [{name: {f"{name}-2": 10, f"{name}-1": 90} for name in NAMES}] * 5
    assert google.shares == {name: {f"{name}-2": 100} for name in NAMES}
    assert waited == [180, 60, 60, 60, 60, 60]


def test_a_bad_canary_is_rolled_back_at_the_look_that_finds_it(google: Google) -> None:
    judgement, waited, _ = try_canary(
        google, Measured(10, 0, 190.0), Measured(200, 90, 190.0), Measured(900, 0, 190.0)
    )

    assert judgement.verdict is Verdict.ROLL_BACK
    assert google.shares == {name: {f"{name}-1": 100} for name in NAMES}
    assert len(waited) == 3


def test_whatever_fails_while_it_is_watched_it_is_rolled_back(google: Google) -> None:
    found = traffic(google)

    def measure(_window_s: int) -> Mapping[tuple[str, str], Measured]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        try_out(found, measure, lambda _s: None, Plan(), LIMITS)

    assert google.shares == {name: {f"{name}-1": 100} for name in NAMES}


def test_a_release_of_what_serves_already_changes_nothing(google: Google) -> None:
    found = traffic(google)
    for name in NAMES:
        google.tags[name]["candidate"] = f"{name}-1"

    found.split(10)

    assert google.shares == {name: {f"{name}-1": 100} for name in NAMES}


def test_what_revisions_answered_is_read_from_the_metrics() -> None:
    labels = {"service_name": "order-api", "revision_name": "order-api-2"}
    asked: list[str] = []

    def query(promql: str) -> list[dict[str, Any]]:
        asked.append(promql)
        value = "NaN" if "histogram" in promql else "3.4" if "5xx" in promql else "120.7"
        return [{"metric": labels, "value": [1, value]}]

    found = measured(query, 300)

    assert found == {("order-api", "order-api-2"): Measured(121, 3, None)}
    assert all("[300s]" in promql and promql.count("(") == promql.count(")") for promql in asked)


def test_every_function_is_released(google: Google) -> None:
    assert services_of(ROOT / "functions") == sorted(
        path.parent.name.replace("_", "-") for path in (ROOT / "functions").glob("*/main.py")
    )


def test_a_new_revision_turns_us_away_in_its_own_words(monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.functions.test_cold_start import SETTINGS  # noqa: PLC0415

    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    from shared.platform.config import config  # noqa: PLC0415

    config.cache_clear()
    names = ["order_costing", "tracking_webhook"]
    with served(application(ROOT / "functions", names)) as url:
        wrong = knock_at([f"{url}/{name}/" for name in names], "a.b.c", knock)
    config.cache_clear()

    assert wrong == []


@pytest.mark.parametrize(
    ("status", "kind", "said"),
    [
        ("200 OK", "application/json", "let a stranger in with 200"),
        ("403 Forbidden", "text/html", "answered 403 as text/html"),  # Cloud Run's, not ours
        ("500 Error", "application/problem+json", "answered 500"),
        ("401 Unauthorized", "text/html", "answered 401 as text/html"),
    ],
)
def test_an_answer_that_is_not_our_refusal_is_wrong(status: str, kind: str, said: str) -> None:
    def answer(_environ: Any, start: Any) -> list[bytes]:
        start(status, [("Content-Type", kind), ("Content-Length", "0")])
        return []

    with served(answer) as url:
        assert said in knock(url, "token")


def test_what_does_not_answer_is_knocked_at_again() -> None:
    said = iter(["did not answer", "did not answer", ""])

    assert knock_at(["https://x"], "t", lambda _url, _token: next(said)) == []


def issue(severity: str, fixed: str) -> dict[str, Any]:
    """One finding of a scan."""
    kind = "NORMAL" if fixed else "MAXIMUM"
    return {
        "noteName": "n",
        "vulnerability": {
            "shortDescription": f"CVE-{severity}",
            "effectiveSeverity": severity,
            "packageIssue": [
                {
                    "affectedPackage": "openssl",
                    "fixedVersion": {"kind": kind, "fullName": fixed or "ignored"},
                }
            ],
        },
    }


def test_what_is_bad_and_has_a_repair_stops_a_build() -> None:
    scan = json.dumps([issue("CRITICAL", "3.1"), issue("CRITICAL", ""), issue("MEDIUM", "3.1")])

    assert [str(one) for one in blocking(scan)] == [
        "CRITICAL CVE-CRITICAL in openssl, fixed in 3.1"
    ]


def test_the_words_of_the_pipeline_do_what_they_say(
    google: Google, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = "europe-west1-docker.pkg.dev/p/dispatch/dispatch@sha256:" + "1" * 64
    monkeypatch.setattr(verb, "IMAGE_FILE", tmp_path / "image.auto.tfvars.json")
    monkeypatch.setattr(verb, "services_of", lambda _folder: list(NAMES))

    def run(*words: str) -> str:
        return f"{image}\n" if words[0] == "artifacts" else google(*words)

    assert verb.main(["digest", "the-tag"], run) == 0
    assert json.loads((tmp_path / "image.auto.tfvars.json").read_text()) == {"image": image}
    assert verb.main(["jobs", "--region=r"], run) == 0
    assert {job[1] for job in google.jobs} == set(verb.JOBS)
    assert verb.main(["job", "migrate-expand", "--region=r"], run) == 0
    assert google.jobs[-1:] == [("execute", "migrate-expand", "--region=r", "--wait")]
    assert verb.main(["job", "replay", "--region=r", "--args=--hours=1"], run) == 0
    assert google.jobs[-1][-1] == "--args=--hours=1"
    assert verb.main(["deploy", "--region=r"], run) == 0
    assert verb.main(["promote", "--region=r"], run) == 0
    assert google.shares["order-api"] == {"order-api-2": 100}
    assert verb.main(["roll-back", "--region=r"], run) == 0
    assert google.shares["order-api"] == {"order-api-1": 100}


def test_what_google_refuses_ends_the_step(
    google: Google, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(verb, "services_of", lambda _folder: list(NAMES))

    assert verb.main(["roll-back", "--region=r"], google) == 1
    assert "has no previous revision" in capsys.readouterr().err


def test_what_takes_too_long_ends_the_step_and_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stands(words: Sequence[str], *, timeout: float, **_: object) -> None:
        raise subprocess.TimeoutExpired(words, timeout)

    monkeypatch.setattr(subprocess, "run", stands)

    assert verb.main(["job", "migrate-expand", "--region=r"]) == 1
    assert "gcloud run jobs execute migrate-expand: not done after" in capsys.readouterr().err


def test_what_runs_beside_gcloud_needs_the_standard_library_alone() -> None:
    # Goal: the pipeline's image has Python and none of our packages.
    imported = {
        name.partition(".")[0]
        for path in (ROOT / "infra/release").glob("*.py")
        if path.stem not in {"begin", "replay", "__main__"}
        for name in re.findall(r"^(?:from|import) ([\w.]+)", path.read_text(), re.MULTILINE)
    }

    assert imported - sys.stdlib_module_names == {"infra"}
