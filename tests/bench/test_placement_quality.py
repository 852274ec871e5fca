"""`bench placement-quality`, small: what it compares, and that it holds the engine to it."""

import csv
import gzip
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from emulators.bench.cases import Case, Network, Recorded, is_late, made
from emulators.bench.placement_quality import Found, compare
from emulators.bench.strategies import (
    STRATEGIES,
    Outcome,
    cheapest_single,
    engine_outcome,
    most_stock_first,
    nearest_first,
    priority_list,
)
from emulators.laptop import cli
from emulators.line.recorded import recorded_shop
from shared.placement.engine import decide
from shared.placement.types import Demand, Placement
from tests.bench.running import quick_run
from tests.laptop.conftest import directory
from tests.placement.given import site, tariff

__all__ = ["directory"]

PLACES = {"NORTH": (-3.0, -60.0), "SOUTH": (-30.0, -51.0), "WEST": (-15.0, -56.0)}
SKUS = {"MUG": 300, "BOWL": 700, "LAMP": 2_500}


@pytest.fixture
def data_set(tmp_path: Path) -> Path:
    """Twelve orders of three lines; every SKU is in two of three warehouses."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    _write(
        folder / "warehouses.csv",
        [
            {"warehouse": name, "postcode_prefix": 1, "state": "SP", "lat": lat, "lon": lon}
            for name, (lat, lon) in PLACES.items()
        ],
    )
    _write(
        folder / "skus.csv.gz",
        [
            {"sku": sku, "weight_g": weight_g, "length_mm": 200, "width_mm": 100, "height_mm": 50}
            for sku, weight_g in SKUS.items()
        ],
    )
    _write(
        folder / "stock.csv.gz",
        [
            {"sku": sku, "warehouse": name, "on_hand": 10}
            for sku, missing in zip(SKUS, PLACES, strict=True)
            for name in PLACES
            if name != missing
        ],
    )
    _write(
        folder / "rate_card.csv",
        [
            {"max_distance_km": km, "max_weight_g": up_to_g, "price_cents": 500 + cents + up_to_g}
            for km, cents in ((1_000, 0), ("", 900))
            for up_to_g in (1_000, 5_000, 30_000)
        ],
    )
    _write(
        folder / "order_lines.csv.gz",
        [
            {
                "order_id": f"o{number:02}",
                "ordered_at": f"2017-01-{number + 1:02}T10:00:00Z",
                "promised_on": f"2017-01-{number + 5:02}",
                "line_no": line_no,
                "sku": sku,
                "quantity": 1,
                "unit_price_cents": 1_000,
                "destination_postcode": 1_000,
                "destination_lat": -20 + number,
                "destination_lon": -50,
            }
            for number in range(12)
            for line_no, sku in enumerate(SKUS, 1)
        ],
    )
    return folder


def _write(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    with gzip.open(path, "wt") if path.suffix == ".gz" else path.open("w") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


@pytest.mark.slow
def test_a_quick_run_compares_each_data_set_and_leaves_nothing(
    directory: Path, data_set: Path
) -> None:
    found = quick_run("placement-quality", directory, "--data", str(data_set), timeout_s=120)

    figures = {figure["what"]: figure for figure in found["figures"]}
    for name in ("tiny", "made"):
        assert figures[f"{name}: decided exactly"]["met"] is True
        assert figures[f"{name}: dearest of them"]["value"] == 100
        assert figures[f"{name}: all that HiGHS solved, counted"]["ratio"] == 1
        for strategy in STRATEGIES:
            assert figures[f"{name}: {strategy}, counted"]["ratio"] >= 1
    assert figures["made: decision, p95 against the goal"]["floor"] == 5_000
    assert figures["import shared.placement.engine"]["value"] > 0
    assert found["machine"]["orders_tiny"].startswith("12 orders, 12 placed")


def test_without_a_data_set_it_says_which_files_it_needs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in ([], ["--data", str(tmp_path)]):
        assert cli.main(["bench", "placement-quality", *words]) == 1
        told = capsys.readouterr().err
        assert "--data" in told
        assert "order_lines.csv.gz" in told


def test_recorded_orders_run_down_the_stock(data_set: Path) -> None:
    recorded = Recorded(recorded_shop(data_set))
    left = []
    for case in recorded:
        decision = decide(case.demand, case.sites)
        left.append(sum(sum(one.available.values()) for one in case.sites))
        if isinstance(decision, Placement):
            recorded.take(decision.parcels)

    # Ten units of each SKU are in two warehouses, and every order takes one of each.
    assert left == [60 - 3 * number for number in range(12)]


def test_made_orders_are_the_same_for_the_same_seed() -> None:
    first, again = (list(made(Network(lines=2, warehouses=3), 4, seed=7)) for _ in range(2))

    assert first == again
    assert [len(one.tariffs) for one in first[0].sites] == [2, 2, 2]


def test_a_parcel_is_late_by_its_distance() -> None:
    assert not is_late(499_999, timedelta(days=2))
    assert is_late(500_000, timedelta(days=2))


def test_each_strategy_takes_warehouses_in_its_own_order() -> None:
    prices = {"A": 900, "B": 500, "C": 600}
    have = {"A": {"MUG": 2, "BOWL": 0}, "B": {"MUG": 1, "BOWL": 1}, "C": {"MUG": 9, "BOWL": 1}}
    away_m = {"A": 2, "B": 1, "C": 3}
    sites = [
        site(name, have[name], tariff((30_000, prices[name])), distance_m=away_m[name])
        for name in "ABC"
    ]
    demand = [Demand("MUG", 2, 300), Demand("BOWL", 1, 700)]

    assert nearest_first(demand, sites) == Outcome(500 + 900, 2, is_late=False)
    assert most_stock_first(demand, sites) == Outcome(600, 1, is_late=False)
    assert priority_list(demand, sites) == Outcome(900 + 500, 2, is_late=False)
    assert cheapest_single(demand, sites) == Outcome(600, 1, is_late=False)
    assert cheapest_single(demand, sites[:2]) == nearest_first(demand, sites[:2])


def test_a_decision_that_is_dearer_than_what_highs_finds_is_a_fault() -> None:
    sites = [site("A", {"MUG": 1}, tariff((30_000, 500), penalty_cents=40))]
    case = Case("o1", [Demand("MUG", 1, 300)], sites)
    decision = decide(case.demand, case.sites)
    assert isinstance(decision, Placement)
    assert engine_outcome(decision) == Outcome(540, 1, is_late=True)

    fine, broken = Found("fine"), Found("broken")
    compare(fine, case, decision)
    compare(broken, case, decision._replace(cost_cents=501))

    assert (fine.optima_cents, fine.faults) == ([540], [])
    assert broken.faults == ["o1 counts 541 cents, 540 at least, and HiGHS finds 540"]


def test_a_bound_that_is_above_what_highs_finds_is_a_fault() -> None:
    case = Case("o1", [Demand("MUG", 1, 300)], [site("A", {"MUG": 1}, tariff((30_000, 500)))])
    decision = decide(case.demand, case.sites)
    assert isinstance(decision, Placement)
    found = Found("broken")

    compare(found, case, decision._replace(cost_cents=520, lower_bound_cents=510, exact=False))

    assert found.faults == ["o1 counts 520 cents, 510 at least, and HiGHS finds 500"]
