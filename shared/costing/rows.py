"""Rate cards as rows, of a CSV file or a JSON array: read, and every wrong row named. Pure.

A row says in its column `row` what it is. A `card` row opens a service of a carrier, a `zone` row
says which parcels are of a zone (several of them add up), and a `price` row what a weight costs
there. Rows may come in any order, and one file may hold many services.

    row,carrier,service,currency,zone,to_country,max_weight_g,price_cents,per_kg_cents
    card,jadlog,Expresso,BRL,,,,,
    zone,jadlog,Expresso,,BR,BR,,,
    price,jadlog,Expresso,,BR,,10000,695,
    price,jadlog,Expresso,,BR,,30000,,150

The last row: beyond 10 kg and up to 30 kg, 1.50 more for each started kilogram.
"""

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from shared.costing.types import RateCardRefused
from shared.kit.errors import WrongField

MOST_ROWS = 200_000
_WHOSE = ("carrier", "service")
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "card": (
        *_WHOSE,
        "currency",
        "handling_cents",
        "packaging_cents",
        "volume_divisor",
        "fuel_basis_points",
        "minimum_freight_cents",
        "remote_area_cents",
        "residential_cents",
        "oversize_mm",
        "oversize_cents",
        "max_length_mm",
        "carries",
    ),
    "zone": (
        *_WHOSE,
        "zone",
        "from_country",
        "from_postcode",
        "to_country",
        "to_postcode",
        "max_distance_m",
        "transit_days",
        "remote",
    ),
    "price": (*_WHOSE, "zone", "max_weight_g", "price_cents", "per_kg_cents"),
}
_KNOWN = {"row", *(name for names in COLUMNS.values() for name in names)}


@dataclass(frozen=True, slots=True, order=True)
class WrongRow:
    """A row of the file, its column, and why it is wrong or odd; 0 is the file as a whole.

    In CSV it is the line on which the row begins, the header being line 1; in JSON the number of
    the object, counted from 1.
    """

    row: int
    column: str
    reason: str


@dataclass(frozen=True, slots=True)
class Row:
    """The cells of one row as text, without those that are empty."""

    number: int
    cells: Mapping[str, str]


@dataclass(slots=True)
class Found:
    """Rows, and what could not be read as one."""

    rows: list[Row] = field(default_factory=list)
    wrong: list[WrongRow] = field(default_factory=list)

    def refuse(self, row: int, column: str, reason: str) -> None:
        """Keep going: people want to know everything that is wrong at once."""
        self.wrong.append(WrongRow(row, column, reason))


class RowsRefused(RateCardRefused):
    """Rows of rate cards that are wrong; `rows` are all of them, by number."""

    code = "rows_refused"

    def __init__(self, rows: Sequence[WrongRow]) -> None:
        first = rows[0]
        super().__init__(
            f"row {first.row}, {first.column or 'the whole'}: {first.reason}",
            wrong=[WrongField(f"rows.{w.row}.{w.column}", w.reason) for w in rows],
            row=first.row,
            field=first.column,
        )
        self.rows = tuple(rows)


def read_rows(body: bytes, *, is_json: bool) -> Found:
    """The rows of a file, UTF-8 with or without a byte order mark."""
    found = Found()
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        found.refuse(body.count(b"\n", 0, error.start) + 1, "", "this is not UTF-8")
        return found
    if is_json:
        _read_json(text, found)
    else:
        _read_csv(text, found)
    if len(found.rows) > MOST_ROWS:
        found.refuse(0, "", f"there are more than {MOST_ROWS:,} rows")
    elif not found.rows and not found.wrong:
        found.refuse(0, "", "there are no rows")
    return found


def lines_of(body: bytes, *, is_json: bool) -> Mapping[int, str]:
    """The rows as they were sent, by the number that `WrongRow` gives them; none if unreadable."""
    text = body.decode("utf-8-sig", errors="replace")
    if not is_json:
        lines = io.StringIO(text, newline="")
        return {number: line.rstrip("\r\n") for number, line in enumerate(lines, start=1)}
    try:
        rows = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(rows, list):
        return {}
    return {number: json.dumps(row) for number, row in enumerate(rows, start=1)}


def _read_csv(text: str, found: Found) -> None:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    begins = 1
    header: list[str] = []
    try:
        for cells in reader:
            number, begins = begins, reader.line_num + 1
            said = [cell.strip() for cell in cells]
            if header and len(said) > len(header):
                found.refuse(number, "", f"{len(said)} cells under {len(header)} columns")
            elif header and any(said):
                named = {name: cell for name, cell in zip(header, said, strict=False) if cell}
                if "" in named:  # sheets write columns without a name, of which nothing is wanted
                    found.refuse(number, "", f"{named.pop('')!r} stands below no name")
                found.rows.append(Row(number, named))
            elif any(said):
                header = said
                if not _is_header(header, number, found):
                    return
    except csv.Error as error:
        found.refuse(begins, "", str(error))


def _is_header(header: Sequence[str], number: int, found: Found) -> bool:
    """Whether the rows below can be told apart; what is wrong with it is kept."""
    if len(header) == 1 and (parted := re.search("[;\t]", header[0])):
        by = "semicolons" if parted[0] == ";" else "tabs"
        found.refuse(number, "", f"the columns are parted by {by}: part them by commas")
        return False
    seen: set[str] = set()
    for name in filter(None, header):
        if name not in _KNOWN:
            found.refuse(number, name, "there is no such column")
        elif name in seen:
            found.refuse(number, name, "the column is there twice")
        seen.add(name)
    for name in ("row", *_WHOSE):
        if name not in seen:
            found.refuse(number, name, "the column is missing")
    return "row" in seen


def _read_json(text: str, found: Found) -> None:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        found.refuse(0, "", f"this is not JSON: {error}")
        return
    if not isinstance(document, list):
        found.refuse(0, "", "an array of rows is wanted")
        return
    for number, row in enumerate(document, start=1):
        if not isinstance(row, dict):
            found.refuse(number, "", "an object is wanted")
            continue
        cells: dict[str, str] = {}
        for name, value in row.items():
            if name not in _KNOWN:
                found.refuse(number, name, "there is no such column")
            elif value is None:
                continue
            elif isinstance(value, str) or type(value) is int:
                cells[name] = str(value).strip()
            elif isinstance(value, list) and all(isinstance(word, str) for word in value):
                cells[name] = ";".join(value)
            else:
                found.refuse(number, name, "text, a whole number or an array of texts is wanted")
        found.rows.append(Row(number, {name: cell for name, cell in cells.items() if cell}))
