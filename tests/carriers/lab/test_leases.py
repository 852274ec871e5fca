"""Every vendor behind the flow that buys: of many workers at once one asks, one label is sold."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from shared.carriers.vendor_notes import VendorNotes
from shared.contracts.work import BuyLabel
from shared.flows.buy_label import buy_label
from shared.flows.rules import Rules
from shared.kit.errors import NotYet
from shared.platform.db import Database
from tests.carriers.lab.bench import Bench
from tests.flows.doubles import everywhere
from tests.flows.rerouting import planned
from tests.support import given

WORKERS = 4


@pytest.mark.parametrize("kind", ["slow", "lose_answer"])
def test_many_workers_at_once_buy_one_label(bench: Bench, database: Database, kind: str) -> None:
    parcel_id, before = planned(database), bench.bought()
    bench.fault(kind, "buy", delay_s=0.5)
    carrier = bench.case.connect(
        api_key="key",
        api_base=bench.simulator.api_base,
        notes=VendorNotes(database),
        timeout_s=5,
    )
    together = Barrier(WORKERS)

    def work(_: int) -> NotYet | None:
        cause = given.cause()
        together.wait()
        try:
            buy_label(
                lambda step: database.run(step, cause),
                BuyLabel(parcel_id=parcel_id, carrier="correios"),
                everywhere(carrier),
                Rules(),
            )
        except NotYet as later:
            return later
        return None

    with ThreadPoolExecutor(max_workers=WORKERS) as pool:
        list(pool.map(work, range(WORKERS)))
    together = Barrier(1)
    assert work(0) is None

    assert bench.bought() == before + 1
    assert given.rows(database, "SELECT state FROM labels") == [("bought",)]
