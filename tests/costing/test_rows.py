"""Rate cards from CSV and JSON: what is right is read, and everything wrong is named by its row."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.costing.bands import Cell, zones_of
from shared.costing.drafts import drafts_of
from shared.costing.problems import oddities, problems
from shared.costing.rows import MOST_ROWS, Found, Row, WrongRow, read_rows
from shared.costing.types import RateCardDraft, Step, Zone, ZoneRule

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
GOOD = """\
row,carrier,service,currency,handling_cents,packaging_cents,volume_divisor,fuel_basis_points,\
remote_area_cents,carries,zone,to_country,to_postcode,max_distance_m,transit_days,remote,\
max_weight_g,price_cents,per_kg_cents
card,post,parcel,EUR,90,25,5000,1250,300,hazmat;cold,,,,,,,,,
zone,post,parcel,,,,,,,,home,NL,,,1,,,,
zone,post,parcel,,,,,,,,islands,NL,1791 ab;17;8881..8883,,3,yes,,,
zone,post,parcel,,,,,,,,europe,BE;DE; LU,,,4,,,,
price,post,parcel,,,,,,,,home,,,,,,10000,1100,
price,post,parcel,,,,,,,,home,,,,,,2000,695,
price,post,parcel,,,,,,,,home,,,,,,30000,,150
price,post,parcel,,,,,,,,islands,,,,,,2000,695,
price,post,parcel,,,,,,,,europe,,,,,,2000,1300,
card,post,letter,EUR,,,,,,,,,,,,,,,
zone,post,letter,,,,,,,,all,,,50000,,250,,,
price,post,letter,,,,,,,,all,,,,,,50,101,
"""

POSTCODES = "row,carrier,service,zone,to_country,to_postcode,currency\ncard,a,b,,,,EUR\n"


def read(text: str, *, is_json: bool = False) -> tuple[Sequence[RateCardDraft], Sequence[WrongRow]]:
    found = drafts_of(read_rows(text.encode(), is_json=is_json), NOON)
    return found.cards, found.wrong


def wrong(text: str, *, is_json: bool = False) -> list[tuple[int, str, str]]:
    """What is wrong, with reasons."""
    return [(w.row, w.column, w.reason) for w in read(text, is_json=is_json)[1]]


def test_one_file_holds_several_services() -> None:
    (letter, parcel), found = read(GOOD)

    assert found == []
    assert parcel == RateCardDraft(
        carrier="post",
        service="parcel",
        currency="EUR",
        valid_from=NOON,
        handling_cents=90,
        packaging_cents=25,
        volume_divisor=5_000,
        fuel_basis_points=1_250,
        carries=("cold", "hazmat"),
        zones=(
            Zone(
                "home",
                (ZoneRule(to_country="NL"),),
                (Step(2_000, 695), Step(10_000, 1_100)),
                per_kg_cents=150,
                max_weight_g=30_000,
                transit_days=1,
            ),
            Zone(
                "islands",
                tuple(
                    ZoneRule(to_country="NL", to_postcode=prefix)
                    for prefix in ("1791AB", "17", "8881", "8882", "8883")
                ),
                (Step(2_000, 695),),
                transit_days=3,
                remote_area_cents=300,
            ),
            Zone(
                "europe",
                tuple(ZoneRule(to_country=country) for country in ("BE", "DE", "LU")),
                (Step(2_000, 1_300),),
                transit_days=4,
            ),
        ),
    )
    assert letter.zones == (
        Zone("all", (ZoneRule(max_distance_m=50_000),), (Step(50, 101),), remote_area_cents=250),
    )


def test_json_rows_say_the_same_as_csv_rows() -> None:
    def as_json() -> Iterator[dict[str, object]]:
        for row in csv.DictReader(io.StringIO(GOOD)):
            cells: dict[str, object] = {name: cell for name, cell in row.items() if cell}
            if "to_country" in cells:
                cells["to_country"] = str(cells["to_country"]).replace(" ", "").split(";")
            if "max_weight_g" in cells:
                cells["max_weight_g"] = int(str(cells["max_weight_g"]))
            yield {**cells, "remote_area_cents": cells.get("remote_area_cents")}

    assert read(json.dumps(list(as_json())), is_json=True) == read(GOOD)


def test_a_byte_order_mark_and_quoted_line_breaks_are_no_mistake() -> None:
    header = "\ufeffrow,carrier,service,currency,carries\r\n"
    text = header + 'card,post,a,EUR,"cold;\nhazmat"\r\ncard,b,b,,'

    assert [(row, column) for row, column, _ in wrong(text)] == [
        (2, "service"),  # no zone
        (4, "currency"),
        (4, "service"),
    ]


def test_every_wrong_row_is_named_at_once() -> None:
    text = """\
row,carrier,service,currency,oversize_cents,carries,zone,from_postcode,to_country,transit_days,\
remote,max_weight_g,price_cents,per_kg_cents
card,post,a,euro,-1,Hazmat,,,,,,,,
card,post,a,EUR,,,,,,,,,,
crad,post,a,EUR,,,,,,,,,,
zone,post,a,,,,near,10,nl,x,yes,,,
zone,post,a,,,,far,,NL,3,,,,
zone,post,a,,,,far,,NL,4,,,,
zone,post,b,,,,far,,,,,,,
price,post,a,,,,far,,,,,1000,700,
price,post,a,,,,far,,,,,2000,600,
price,post,a,,,,far,,,,,1000,800,
price,post,a,,,,far,,,,,,1,
price,post,a,,,,far,,,,,1,1,1
price,post,a,,,,far,,,,,500,,10
price,post,a,,,,far,,,,,9000,,10
price,post,a,,,,none,,,,,1000,1,
price,post,a,EUR,,,far,,,,,5000,9000000000,
price,post,,,,,far,,,,,6000,9000,,,,
"""

    assert [(row, column) for row, column, _ in wrong(text)] == [
        (2, "carries"),
        (2, "currency"),
        (2, "oversize_cents"),
        (3, "service"),
        (4, "row"),
        (5, "from_postcode"),
        (5, "remote"),
        (5, "to_country"),
        (5, "transit_days"),
        (5, "zone"),
        (7, "transit_days"),
        (7, "zone"),
        (8, "service"),
        (11, "max_weight_g"),
        (12, "max_weight_g"),
        (13, "price_cents"),
        (14, "max_weight_g"),
        (15, "per_kg_cents"),
        (16, "zone"),
        (17, "currency"),
        (17, "price_cents"),
        (18, ""),
    ]
    reasons = {(row, column): reason for row, column, reason in wrong(text)}
    assert reasons[7, "zone"] == "the same parcels are of far already"
    assert reasons[7, "transit_days"] == "row 6 says otherwise of far"
    assert reasons[4, "row"] == "'crad' is not one of card, zone, price"
    assert reasons[17, "price_cents"] == ("'9000000000' is not a whole number from 0 to 1000000000")


@pytest.mark.parametrize(
    ("text", "is_json", "found"),
    [
        ("", False, [(0, "")]),
        ("row,carrier,service\n", False, [(0, "")]),
        ("row,carrier,colour,row\n", False, [(1, "colour"), (1, "row"), (1, "service")]),
        ("Row,carrier,service\ncard,post,a\n", False, [(1, "Row"), (1, "row")]),
        ("row;carrier;service\ncard;post;a\n", False, [(1, "")]),
        ('row,carrier,service\ncard,"post', False, [(2, "")]),
        ("[", True, [(0, "")]),
        ("{}", True, [(0, "")]),
        ("[]", True, [(0, "")]),
        ('[1, {"row": 1.5, "colour": "red"}]', True, [(1, ""), (2, "colour"), (2, "row")]),
    ],
)
def test_what_is_no_table_is_told_so(
    text: str, is_json: bool, found: list[tuple[int, str]]
) -> None:
    assert sorted({(row, column) for row, column, _ in wrong(text, is_json=is_json)}) == found


@pytest.mark.parametrize(("sign", "name"), [(";", "semicolons"), ("\t", "tabs")])
def test_a_sheet_with_other_signs_between_its_columns_is_told_so_once(sign: str, name: str) -> None:
    # Goal: as sheets are saved where commas are in numbers; not a mistake for each row and column.
    text = GOOD.replace(",", sign)

    assert wrong(text) == [(1, "", f"the columns are parted by {name}: part them by commas")]


def test_empty_columns_and_rows_around_a_sheet_mean_nothing() -> None:
    around = "\n,,,\n" + "".join(f"{line},,\n" for line in GOOD.splitlines()) + ",,,\n"

    assert wrong(around) == wrong(GOOD) == []
    assert read_rows(around.encode(), is_json=False).rows[0].number == 4


@pytest.mark.parametrize(
    ("column", "cell", "most"),
    [("transit_days", "20260301", 1_000), ("fuel_basis_points", "1000001", 1_000_000)],
)
def test_what_nobody_can_mean_is_refused_by_its_row(column: str, cell: str, most: int) -> None:
    # Goal: a date for a number of days would put every arrival beyond the calendar, and no order
    # could be placed.
    rows = list(csv.DictReader(io.StringIO(GOOD)))
    row = next(number for number, row in enumerate(rows) if row[column])
    rows[row][column] = cell
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)

    assert wrong(text.getvalue()) == [
        (row + 2, column, f"'{cell}' is not a whole number from 0 to {most}")
    ]


def test_what_stands_below_no_name_is_refused_by_its_row() -> None:
    first, second, *others = GOOD.splitlines()
    text = "\n".join([f"{first},", f"{second},7", *others])

    assert wrong(text) == [(2, "", "'7' stands below no name")]


def test_what_is_no_text_is_told_with_its_line() -> None:
    found = read_rows(b"row,carrier,service\ncard,p\xff,a\n", is_json=False)

    assert found.wrong == [WrongRow(2, "", "this is not UTF-8")]


def test_a_file_has_an_end() -> None:
    text = "row,carrier,service\n" + "price,a,b\n" * (MOST_ROWS + 1)

    assert read_rows(text.encode(), is_json=False).wrong[-1].reason.startswith("there are more")


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(("row", "carrier", "service", "zone", "max_weight_g", "price_cents")),
            st.sampled_from(("card", "zone", "price", "a", "1", "2", "x y", "-")),
        ),
        max_size=8,
    )
)
def test_rows_of_any_kind_are_read_or_refused(rows: list[dict[str, str]]) -> None:
    # Goal: what nothing is refused of can be published, and nothing is ever raised.
    numbered = [Row(number, row) for number, row in enumerate(rows, start=1)]

    drafts, found, _ = drafts_of(Found(rows=numbered), NOON)

    assert found or all(not list(problems(draft)) for draft in drafts)
    assert {w.row for w in found} <= {row.number for row in numbered}


def test_where_a_draft_is_wrong_is_a_path() -> None:
    draft = RateCardDraft(
        carrier="post",
        currency="EUR",
        valid_from=NOON,
        oversize_cents=1,
        zones=(
            Zone("z", (ZoneRule(to_postcode="1"),), (Step(1, 2), Step(2, 1))),
            Zone("y", (), (), per_kg_cents=1, max_weight_g=2_000_000),
            Zone("x", (ZoneRule(),), (), per_kg_cents=1),
        ),
    )

    assert [problem.path for problem in problems(draft)] == [
        "oversize_mm",
        "zones.0.rules.0.to_postcode",
        "zones.1.rules",
        "zones.1.max_weight_g",
        "zones.2.per_kg_cents",
    ]


def test_a_row_in_which_heavier_is_cheaper_is_odd_and_taken_as_it_is() -> None:
    # Goal: Royal Mail's prices of 2026 fall in three zones. Whoever publishes sees it, and decides.
    rows = "row,carrier,service,currency,zone,to_country,max_weight_g,price_cents\n" + "".join(
        f"{row}\n"
        for row in (
            "card,a,b,EUR,,,,",
            "zone,a,b,,z,XX,,",
            "price,a,b,,z,,2000,600",
            "price,a,b,,z,,1000,800",
            "price,a,b,,z,,3000,600",
        )
    )
    found = drafts_of(read_rows(rows.encode(), is_json=False), NOON)

    assert found.wrong == []
    assert found.odd == [
        WrongRow(4, "price_cents", "600 for 2000 g is less than 800 for 1000 g in z")
    ]
    (card,) = found.cards
    assert card.zones[0].steps == (Step(1_000, 800), Step(2_000, 600), Step(3_000, 600))


def test_bands_whose_weights_differ_need_not_ascend() -> None:
    # Goal: what a wider band fills in may be dearer than what the nearer one says of more weight.
    zones = zones_of((Cell(100, 1_000, 400), Cell(900, 500, 900)))
    draft = RateCardDraft(carrier="post", currency="EUR", valid_from=NOON, zones=zones)

    assert list(problems(draft)) == []
    assert [oddity.path for oddity in oddities(draft)] == ["zones.0.steps.1.price_cents"]


@pytest.mark.parametrize(
    ("cell", "prefixes"),
    [
        ("01310-200", ["01310200"]),
        ("008..011", ["008", "009", "010", "011"]),
        ("7;7;07", ["7", "07"]),
        ("sw1a 1; AB", ["SW1A1", "AB"]),
    ],
)
def test_postcodes_are_prefixes_lists_and_ranges(cell: str, prefixes: list[str]) -> None:
    (draft,), _ = read(f"{POSTCODES}zone,a,b,z,XX,{cell}\n")

    assert [rule.to_postcode for rule in draft.zones[0].rules] == prefixes


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("1791-1797", "'1791-1797' may be one postcode or many: write it without -, or with .."),
        ("9..10", "the ends of '9..10' differ in length"),
        ("20..10", "'20..10' is not a range of 1 to 1000 prefixes"),
        ("0000..1000", "'0000..1000' is not a range of 1 to 1000 prefixes"),
    ],
)
def test_a_range_that_may_be_meant_otherwise_is_refused(cell: str, reason: str) -> None:
    assert (3, "to_postcode", reason) in wrong(f"{POSTCODES}zone,a,b,z,XX,{cell}\n")
