"""The monthly bill: its parts add up, follow the volume, and agree with what is deployed."""

import json
import re
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from emulators.laptop.manifest import ScheduleTrigger, load_all
from emulators.laptop.stack import ROOT
from infra.cost.__main__ import main
from infra.cost.bill import (
    DAYS,
    DISPATCH,
    LOOKS_S,
    PARCEL,
    VIEWERS_AT_ONCE,
    Kind,
    bill,
    fitting,
    prices,
    runs_a_month,
    sizes,
)
from infra.cost.jobs import schedules
from shared.edge.stream.serving import LONGEST_S

PRICES = prices()[2]
SIZES = sizes()
CLOCK = schedules(ROOT / "functions")


def amounts(volume: float, kind: Kind, size: str) -> dict[str, float]:
    """The bill by component."""
    lines = bill(volume, kind, SIZES[size], PRICES, CLOCK)
    return {line.component: line.amount for line in lines}


def test_a_database_in_two_zones_is_paid_twice() -> None:
    # By hand: 2 x (730 h x (2 x 0.0413 + 13 x 0.007) + 100 GB x 0.17).
    assert amounts(0, PARCEL, "small")["database"] == pytest.approx(287.456)


def test_what_functions_cost_for_a_flood_of_decisions() -> None:
    # By hand: 100 M x (2 pushes + 1.05 attempts) and the clock; 0.15 s each, four side by side.
    requests = 100e6 * 3.05 + sum(map(runs_a_month, CLOCK))
    busy_s = requests * 0.15 / 4
    by_hand = (
        (busy_s - 180_000) * 24e-6 + (busy_s * 0.5 - 360_000) * 2.5e-6 + (requests - 2e6) * 0.4e-6
    )

    assert amounts(100e6, DISPATCH, "large")["functions"] == pytest.approx(by_hand)


@pytest.mark.parametrize(("viewers", "instances"), [(0, 0), (1, 1), (250, 1), (251, 2)])
def test_who_looks_on_keeps_an_instance_busy_however_many_they_are(
    viewers: int, instances: int
) -> None:
    # By hand: 12 h of 365 / 12 days, one vCPU and half a GiB, and a request every 14 minutes.
    size = replace(SIZES["small"], viewers=viewers)
    busy_s = instances * 12 * 365 / 12 * 3_600
    asked = viewers * 12 * 365 / 12 * 3_600 / 840
    by_hand = busy_s * (24e-6 + 0.5 * 2.5e-6) + asked * 0.4e-6

    (line,) = [one for one in bill(0, PARCEL, size, PRICES, CLOCK) if one.component == "live pages"]

    assert line.amount == pytest.approx(by_hand)


def test_viewers_are_reckoned_with_as_they_are_served() -> None:
    stream = load_all(ROOT / "functions")["ops_stream"]

    assert stream.limits.concurrency == VIEWERS_AT_ONCE
    assert LONGEST_S == LOOKS_S


def test_tasks_are_paid_when_they_are_made_and_when_they_are_tried() -> None:
    operations = 100e6 * (1 + 1.05)

    assert amounts(100e6, DISPATCH, "large")["tasks"] == pytest.approx((operations - 1e6) * 0.4e-6)


@for_all(volume=st.floats(0, 1e8), more=st.floats(0, 1e8), kind=st.sampled_from([PARCEL, DISPATCH]))
def test_more_never_costs_less_and_nothing_is_ever_given_back(
    volume: float, more: float, kind: Kind
) -> None:
    less, much = amounts(volume, kind, "large"), amounts(volume + more, kind, "large")

    assert all(amount >= 0 for amount in less.values())
    assert all(much[component] >= less[component] for component in less)


def test_the_smallest_size_that_fits_is_taken() -> None:
    assert fitting(200_000, SIZES) == "small"
    assert fitting(300_001, SIZES) == "medium"
    with pytest.raises(ValueError, match="more than the largest size is for"):
        fitting(1e12, SIZES)


def test_the_sizes_grow() -> None:
    volumes = [size.most_parcels for size in SIZES.values()]

    assert volumes == sorted(volumes)
    assert (viewers := [size.viewers for size in SIZES.values()]) == sorted(viewers)


@pytest.mark.parametrize(
    ("schedule", "runs"),
    [
        ("* * * * *", 43_800),
        ("*/5 * * * *", 8_760),
        ("11 * * * *", 730),
        ("23 1 * * *", 365 / 12),
        ("0,30 8 * * *", 365 / 6),
        ("3-59/10 * * * *", 4_380),
    ],
)
def test_how_often_a_job_runs(schedule: str, runs: float) -> None:
    assert runs_a_month(schedule) == pytest.approx(runs)


@pytest.mark.parametrize("schedule", ["0 0 1 * *", "1-5 * * * *"])
def test_a_schedule_that_is_not_understood_is_not_guessed(schedule: str) -> None:
    with pytest.raises(ValueError, match="not reckoned here"):
        runs_a_month(schedule)


def test_the_clock_is_that_of_the_manifests() -> None:
    real = [
        job.schedule
        for manifest in load_all(ROOT / "functions").values()
        if isinstance(manifest.trigger, ScheduleTrigger)
        for job in manifest.trigger.jobs.values()
    ]

    assert sorted(CLOCK) == sorted(real)
    assert all(runs_a_month(schedule) > 0 for schedule in real)


def test_prices_have_a_day_a_unit_and_a_source() -> None:
    found = json.loads((ROOT / "infra/cost/prices.json").read_text())

    assert date.fromisoformat(found["as_of"]) <= date(2100, 1, 1)
    assert all(p["unit"] and p["source"] and p["value"] > 0 for p in found["prices"].values())


def test_production_is_deployed_in_the_size_that_is_reckoned_with() -> None:
    text = (ROOT / "infra/settings/prod.tfvars").read_text()
    tier = re.search(r'"db-custom-(\d+)-(\d+)"', text)
    disk = re.search(r"disk_gb\s+= (\d+)", text)
    size = SIZES["small"]

    assert tier is not None
    assert disk is not None
    assert (int(tier[1]), int(tier[2]) / 1024) == (size.database_vcpus, size.database_gib)
    assert int(disk[1]) == size.database_gb
    assert text.count("min_instances = 1") == size.warm_instances


def test_the_table_of_sizes_in_the_readme_is_that_of_the_file() -> None:
    readme = (ROOT / "infra/README.md").read_text()
    for name, size in SIZES.items():
        (row,) = re.findall(rf"^\| {name} \|(.+)$", readme, re.MULTILINE)
        edition = "Enterprise Plus" if size.enterprise_plus else "Enterprise"
        told = f"{size.database_vcpus} vCPU, {size.database_gib} GiB, {size.database_gb} GB"
        assert f" {edition}, {told} |" in row
        assert f" {size.warm_instances} |" in row
        kind = DISPATCH if "dispatches" in size.about else PARCEL
        volume = {"small": 200_000, "medium": 6e6, "large": 3.8e6 * DAYS}[name]
        amount = float(row.split("|")[-2].replace(",", ""))
        assert amount == pytest.approx(sum(amounts(volume, kind, name).values()), rel=0.05)


def test_the_bill_is_told_to_people(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--parcels", "200000"]) == 0

    out = capsys.readouterr().out
    assert "200,000 of parcel a month, size small" in out
    assert re.search(r"^database +287\.46 ", out, re.MULTILINE)
    assert re.search(r"^together +\d+\.\d\d  USD a month$", out, re.MULTILINE)


def test_the_bill_is_told_for_others_who_look_on(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--parcels", "200000", "--viewers", "600"]) == 0

    assert re.search(
        r"^live pages +99\.\d\d  600 people look on, 12 hours a day: 3 busy$",
        capsys.readouterr().out,
        re.MULTILINE,
    )


def test_the_bill_is_told_to_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--dispatches-a-day", "3.8e6", "--json"]) == 0

    told = json.loads(capsys.readouterr().out)
    assert told["size"] == "large"
    assert told["total"] == pytest.approx(sum(line["amount"] for line in told["components"]))
    assert told["each"] == pytest.approx(told["total"] / told["volume_a_month"])


def test_a_volume_beyond_all_sizes_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--parcels", "1e12"]) == 1
    assert "more than the largest size" in capsys.readouterr().err
