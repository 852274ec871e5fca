"""Stock in the console over HTTP: what its pages show and its acts take. Additive only.

All figures are units. Whoever is there for some warehouses sees these alone.
"""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field

from shared.contracts.base import NO_NUL, Document, Identifier, Moment
from shared.contracts.http_ops_acts import Because, PriorityName, Said

Units = Annotated[int, Field(ge=1, le=1_000_000)]
SaleName = Annotated[str, Field(min_length=1, max_length=64, pattern=NO_NUL)]
Figure = Annotated[int, Field(ge=0, le=1_000_000)]
InboundStateName = Literal["requested", "shipped", "received", "cancelled"]
MovementKindName = Literal[
    "receipt",
    "shipment",
    "return",
    "count",
    "adjustment",
    "short_pick",
    "transfer_out",
    "transfer_in",
    "write_off",
    "repartition",
    "repair",
]
OutcomeName = Literal["repaired", "fenced"]


class StockFilters(Document):
    """Which SKUs. `q` is a part of the SKU; `cursor` is `next` of the page before.

    `at_most`: of which no more than that can be promised; `fenced`: of which a row is fenced off;
    `backordered`: for which orders wait.
    """

    q: Said = ""
    warehouse: Said = ""
    at_most: Figure | None = None
    fenced: bool = False
    backordered: bool = False
    cursor: Said = ""


class StockRow(Document):
    """A SKU in a list. `available` can be promised to everybody, `allotted` to orders of sales."""

    sku: str
    warehouses: int
    on_hand: int
    reserved: int
    held: int
    safety: int
    available: int
    allotted: int
    waiting: int  # of backordered orders, wherever they would be sent from
    coming: int
    is_fenced: bool


class OpsStock(Document):
    """A page of SKUs, by name; `next` is None on the last one."""

    skus: tuple[StockRow, ...]
    next: str | None


class PartitionRow(Document):
    """One row of a balance; `fenced_for` says why nothing of it is promised."""

    partition: int
    on_hand: int
    reserved: int
    held: int
    safety: int
    available: int
    allotment: str | None
    fenced_for: str | None


class PlaceStock(Document):
    """A SKU in a warehouse: its rows, and their sums. `spread` is over how many its pool lies."""

    warehouse: str
    on_hand: int
    reserved: int
    held: int
    safety: int
    available: int
    allotted: int
    spread: int
    is_fenced: bool
    counted_at: Moment | None
    rows: tuple[PartitionRow, ...]


class AllotmentRow(Document):
    """What a sale has for itself in a warehouse: in all, and what of it is not promised yet."""

    sale: str
    warehouse: str
    on_hand: int
    free: int


class OpenHold(Document):
    """Units of the SKU that a hold keeps in a warehouse; a customer's can be released by hand."""

    hold_id: str
    purpose: str
    reference: str
    warehouse: str
    units: int
    created_at: Moment
    expires_at: Moment | None
    is_customers: bool


class AllocationRow(Document):
    """Units of the SKU in a parcel that has not left."""

    order_id: str
    parcel_id: str
    state: str
    warehouse: str
    units: int
    planned_at: Moment
    ship_on: date | None


class BackorderRow(Document):
    """An order that waits for units of the SKU."""

    order_id: str
    priority: PriorityName
    units: int
    promised_at: Moment
    expected_at: Moment | None


class ComingRow(Document):
    """Units of the SKU that are on their way; without an `origin` from a supplier."""

    inbound_id: str
    origin: str | None
    warehouse: str
    state: InboundStateName
    units: int
    expected_at: Moment | None
    is_overdue: bool


class DriftRow(Document):
    """A figure that was found unexplained, what it should have been, and what became of it."""

    drift_id: int
    run_id: str
    found_at: Moment
    sku: str
    warehouse: str
    partition: int
    figure: str
    found: int
    explained: int
    explained_by: str
    outcome: OutcomeName
    actor: str


class MovementRow(Document):
    """An entry of the ledger: units that came to on-hand, or left it where negative."""

    movement_id: int
    occurred_at: Moment
    recorded_at: Moment
    warehouse: str
    partition: int
    kind: MovementKindName
    quantity: int
    reference: str
    reason: str
    actor: str


class StockDay(Document):
    """What was on hand at the end of a day (UTC), and what came and left on it."""

    day: date
    on_hand: int
    came: int
    left: int


class ByHand(Document):
    """Something that a person did; `before` and `after` have what changed, by row."""

    at: Moment
    actor: str
    action: str
    reason: str
    before: dict[str, Any]
    after: dict[str, Any]


class OpsSku(Document):
    """A SKU with all that is known of its stock. Of long lists the first 50 are shown.

    `version` is what an act on it is checked against, as far as it concerns the act's warehouse.
    """

    version: str
    sku: str
    weight_g: int
    needs: tuple[str, ...]
    released_at: Moment | None
    sums: StockRow
    places: tuple[PlaceStock, ...]
    allotments: tuple[AllotmentRow, ...]
    holds: tuple[OpenHold, ...]
    parcels: tuple[AllocationRow, ...]
    backorders: tuple[BackorderRow, ...]
    coming: tuple[ComingRow, ...]
    drifts: tuple[DriftRow, ...]
    days: tuple[StockDay, ...]
    movements: tuple[MovementRow, ...]
    by_hand: tuple[ByHand, ...]
    acts: tuple[str, ...]  # what whoever asks may do
    warehouses: tuple[str, ...]  # where they may do it


class MovementFilters(Document):
    """Which entries of a SKU's ledger; the newest come first."""

    warehouse: Said = ""
    kind: MovementKindName | None = None
    cursor: Said = ""


class OpsMovements(Document):
    """A page of a SKU's ledger; `next` is None on the last one."""

    sku: str
    movements: tuple[MovementRow, ...]
    next: str | None
    warehouses: tuple[str, ...]


class FencedRow(Document):
    """A row of a balance from which nothing is promised until its figures are right."""

    sku: str
    warehouse: str
    partition: int
    on_hand: int
    reserved: int
    held: int
    fenced_for: str


class DriftFilters(Document):
    """Which findings of reconciliation; the newest come first."""

    q: Said = ""  # a SKU
    warehouse: Said = ""
    outcome: OutcomeName | None = None
    run: Said = ""
    cursor: Said = ""


class OpsDrifts(Document):
    """A page of what reconciliation found, and the rows that are fenced off now, 50 at most."""

    drifts: tuple[DriftRow, ...]
    next: str | None
    fenced: tuple[FencedRow, ...]


class AtWarehouse(Because):
    """In which warehouse something is done, and why."""

    warehouse: Identifier


class AdjustmentSaid(AtWarehouse):
    """Units that were found or are gone. `code` goes to the ledger, the reason to the trail."""

    kind: Literal["up", "down", "write_off"]
    quantity: Units
    code: Literal["found", "lost", "damaged", "expired", "stolen", "miscounted", "other"]


class ReceiptSaid(AtWarehouse):
    """Units that have arrived; null: with no delivery that was announced."""

    quantity: Units
    inbound_id: Identifier | None = None


class CountSaid(AtWarehouse):
    """What was on the shelf so many minutes ago; what has moved since then stays moved."""

    on_hand: Annotated[int, Field(ge=0, le=10_000_000)]
    minutes_ago: Annotated[int, Field(ge=0, le=1_440)] = 0


class SafetySaid(AtWarehouse):
    """How many units are not to be promised."""

    units: Figure


class SpreadSaid(AtWarehouse):
    """Over how many rows the balance is to lie; 1 merges them."""

    into: Annotated[int, Field(ge=1, le=64)]


class AllotmentSaid(AtWarehouse):
    """Units that only orders of a sale are to be promised; of what it has already, more."""

    sale: SaleName
    units: Units
    into: Annotated[int, Field(ge=1, le=64)] | None = None  # rows; None: as it has, or one


class AllotmentOver(AtWarehouse):
    """A sale is to have nothing of its own any more."""

    sale: SaleName


class HoldOver(Because):
    """A customer's hold is to end."""

    hold_id: Identifier
