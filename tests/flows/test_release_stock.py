"""Quarantine ends: in part or whole, to the shelf or written off, each release once."""

from typing import Literal

import pytest

from shared.contracts.stock import Disposition, QuarantineReleased, ReleasedUnits
from shared.flows.release_stock import release_stock
from shared.holds.types import NotInQuarantine
from shared.platform.db import Database
from tests.flows.test_return_stock import come_back
from tests.support import given

Verdict = Literal["restock", "write_off"]
STOCK = "SELECT on_hand, held FROM stock_levels"


@pytest.fixture
def returned(database: Database) -> None:
    """Five mugs are in quarantine, and no other is there."""
    given.catalogue(database, {"BER": {"MUG": 0, "PEN": 0}})
    come_back(database, ("MUG", 5, Disposition.QUARANTINE))
    given.silence(database)


def release(
    database: Database,
    *lines: tuple[int, Verdict],
    release_id: str = "rel_1",
    return_id: str = "rma_1",
    sku: str = "MUG",
) -> None:
    """The warehouse reports these lines as one release."""
    event = QuarantineReleased(
        warehouse="BER",
        release_id=release_id,
        return_id=return_id,
        released_at=database.now(),
        lines=tuple(ReleasedUnits(sku=sku, quantity=n, disposition=how) for n, how in lines),
    )
    given.apply(database, release_stock, event)


def mugs(database: Database) -> tuple[int, int]:
    ((on_hand, held),) = given.rows(database, f"{STOCK} WHERE sku = 'MUG'")
    return on_hand, held


@pytest.mark.usefixtures("returned")
@pytest.mark.parametrize(
    ("lines", "left", "told"),
    [
        ([(5, "restock")], (5, 0), ["stock.increased"]),
        ([(5, "write_off")], (0, 0), []),
        ([(2, "restock")], (5, 3), ["stock.increased"]),
        ([(2, "write_off")], (3, 3), []),
        ([(2, "restock"), (3, "write_off")], (2, 0), ["stock.increased"]),
    ],
)
def test_units_leave_quarantine_once(
    database: Database, lines: list[tuple[int, Verdict]], left: tuple[int, int], told: list[str]
) -> None:
    release(database, *lines)
    release(database, *lines)

    assert mugs(database) == left
    assert given.told(database) == told
    assert given.violations(database) == []


@pytest.mark.usefixtures("returned")
def test_what_is_left_of_a_quarantine_can_be_released_later(database: Database) -> None:
    release(database, (2, "restock"))
    release(database, (1, "write_off"), release_id="rel_2")
    release(database, (2, "restock"), release_id="rel_3")

    assert mugs(database) == (4, 0)
    assert given.rows(database, "SELECT state, count(*) FROM stock_holds GROUP BY 1") == [
        ("released", 3)
    ]
    assert given.violations(database) == []


@pytest.mark.usefixtures("returned")
def test_no_more_leaves_quarantine_than_is_there(database: Database) -> None:
    with pytest.raises(NotInQuarantine, match="5 of MUG") as caught:
        release(database, (3, "restock"), (3, "write_off"))
    with pytest.raises(NotInQuarantine, match="report the return first"):
        release(database, (1, "restock"), return_id="rma_9")
    with pytest.raises(NotInQuarantine):
        release(database, (1, "restock"), sku="PEN")

    assert caught.value.facts["field"] == "lines.1.quantity"
    assert mugs(database) == (5, 5)
    assert given.violations(database) == []
