"""The bounded runs as a person starts them: `demo` and `replay`, to the end and interrupted."""

import contextlib
import csv
import gzip
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from emulators.laptop.stack import ROOT
from tests.journeys.stage import open_directory, wait_until

PROMISED_KEYS = {
    "orders_sent", "orders_accepted", "orders_rejected", "orders_delivered", "orders_backordered",
    "parcels", "parcels_delivered", "cost_minor", "currency", "duplicates_sent", "oversold_units",
    "invariant_violations", "event_to_placed_ms", "orders_per_second", "wall_s",
}  # fmt: skip
TIMEOUT_S = 300


@pytest.fixture
def home() -> Iterator[Path]:
    """Where a command keeps its state."""
    with open_directory() as directory:
        yield directory


@contextlib.contextmanager
def running(home: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    """A command in a process group of its own, as in a terminal."""
    with subprocess.Popen(
        [sys.executable, "-m", "emulators", *words],
        cwd=ROOT,
        env={**os.environ, "DISPATCH_HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def call(home: Path, *words: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a command that ends by itself."""
    with running(home, *words) as process:
        out, err = process.communicate(timeout=TIMEOUT_S)
        return process.returncode, out, err


def descendants(pid: int) -> set[int]:
    """All processes that `pid` started, and those that they started."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
    found = {pid}
    while True:
        more = {child for child, parent in parents.items() if parent in found} - found
        if not more:
            return found - {pid}
        found |= more


def table(path: Path, columns: str, rows: Sequence[str]) -> None:
    """Write a CSV file, compressed where its name says so."""
    with gzip.open(path, "wt") if path.suffix == ".gz" else path.open("w") as file:
        csv.writer(file).writerows(line.split(",") for line in (columns, *rows))


@pytest.fixture
def data_set(home: Path) -> Path:
    """Five orders from two warehouses; the last wants more than there is."""
    folder = home / "tiny"
    folder.mkdir()
    table(
        folder / "order_lines.csv.gz",
        "order_id,ordered_at,promised_on,line_no,sku,quantity,unit_price_cents,"
        "destination_postcode,destination_lat,destination_lon",
        [
            "t1,2017-01-01T10:00:00Z,2017-01-20,1,p1,1,3999,1310,-23.56,-46.65",
            "t2,2017-01-01T11:00:00Z,2017-01-20,1,p1,2,3999,20040,-22.90,-43.17",
            "t2,2017-01-01T11:00:00Z,2017-01-20,2,p2,1,1999,20040,-22.90,-43.17",
            "t3,2017-01-02T09:00:00Z,2017-01-25,1,p2,1,1999,80020,-25.42,-49.27",
            "t4,2017-01-02T12:30:00Z,2017-01-22,1,p1,1,3999,69309,2.81,-60.69",
            "t5,2017-01-03T08:00:00Z,2017-01-30,1,p2,9,199,1310,-23.56,-46.65",
        ],
    )
    table(
        folder / "skus.csv.gz",
        "sku,category,weight_g,length_mm,width_mm,height_mm",
        ["p1,toys,600,300,200,200", "p2,toys,250,,,"],
    )
    table(
        folder / "warehouses.csv",
        "warehouse,postcode_prefix,state,lat,lon",
        ["SP1,7734,SP,-23.40,-46.68", "RJ1,25020,RJ,-22.78,-43.31"],
    )
    table(
        folder / "stock.csv.gz",
        "sku,warehouse,on_hand",
        ["p1,SP1,3", "p1,RJ1,5", "p2,SP1,4", "p2,RJ1,1"],
    )
    table(
        folder / "rate_card.csv",
        "max_distance_km,max_weight_g,price_cents",
        ["300,1000,778", "300,30000,1500", ",1000,1800", ",30000,4200"],
    )
    return folder


def test_demo_runs_to_the_end_and_sums_up(home: Path) -> None:
    code, out, err = call(home, "demo", "--orders", "20", "--json")

    assert code == 0, err
    summary = json.loads(out)
    assert set(summary) >= PROMISED_KEYS
    assert set(summary["event_to_placed_ms"]) == {"p50", "p95", "max"}
    assert summary["orders_sent"] == summary["orders_accepted"] + summary["orders_rejected"]
    assert summary["orders_delivered"] > 0
    assert summary["parcels"] == summary["parcels_delivered"]
    assert (summary["oversold_units"], summary["invariant_violations"]) == (0, 0)
    assert "auditing" in err
    assert list(home.glob("run-*")) == []


def test_replay_runs_a_recorded_data_set_to_the_end(home: Path, data_set: Path) -> None:
    code, out, err = call(home, "replay", str(data_set), "--json")

    assert code == 0, err
    summary = json.loads(out)
    assert set(summary) >= PROMISED_KEYS
    assert summary["shop"] == "tiny"
    assert (summary["orders_sent"], summary["orders_accepted"]) == (5, 5)
    assert (summary["orders_delivered"], summary["orders_backordered"]) == (4, 1)
    assert summary["parcels_delivered"] == summary["parcels"] >= 4
    assert summary["currency"] == "BRL"


def test_a_folder_that_is_no_data_set_is_one_sentence(home: Path, data_set: Path) -> None:
    (data_set / "stock.csv.gz").unlink()

    missing = call(home, "replay", str(data_set))
    table(data_set / "stock.csv.gz", "sku,warehouse", ["p1,SP1"])
    broken = call(home, "replay", str(data_set))

    for (code, out, err), reason in ((missing, "has no stock.csv.gz"), (broken, "on_hand")):
        assert (code, out) == (1, "")
        assert err.count("\n") == 1
        assert reason in err
        assert "Traceback" not in err


def test_ctrl_c_in_the_middle_leaves_no_process_behind(home: Path) -> None:
    with running(home, "demo", "--orders", "500") as demo:
        assert demo.stderr is not None
        said = ""
        while "messages sent" not in said:
            line = demo.stderr.readline()
            assert line, f"it ended before it sent anything: {said}"
            said += line
        started = descendants(demo.pid)
        assert len(started) > 5

        os.killpg(demo.pid, signal.SIGINT)
        _, err = demo.communicate(timeout=60)

    assert demo.returncode == 130
    assert "Traceback" not in said + err
    wait_until(
        lambda: not [pid for pid in started if Path(f"/proc/{pid}").exists()],
        "every process has ended",
    )
    assert list(home.glob("run-*")) == []
