"""Drafts of rate cards from rows. Pure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from shared.costing.problems import Problem, oddities, problems
from shared.costing.rows import COLUMNS, Found, Row, WrongRow
from shared.costing.types import NO_LIMIT_M, RateCardDraft, Step, Zone, ZoneRule
from shared.kit.geo import bare_postcode

LONGEST_RANGE = 1_000  # prefixes
MOST = 1_000_000_000  # of anything that is counted; a column of the database takes twice that
# What is above it was meant otherwise, as a date for days; as the catalogue's contract has them.
MOST_OF = MappingProxyType({"transit_days": 1_000, "fuel_basis_points": 1_000_000})
_NAME = re.compile(r"[A-Za-z0-9._:/-]{1,64}")  # as contracts name things
_COUNTRY = re.compile(r"[A-Z]{2}")
_CURRENCY = re.compile(r"[A-Z]{3}")
_WORD = re.compile(r"[a-z][a-z0-9_]{0,31}")
_WHOLE = re.compile(r"[0-9]{1,12}")
_RANGE = re.compile(r"(?P<first>[0-9]{1,9})(?P<to>-|\.\.)(?P<last>[0-9]{1,9})")

_Service = tuple[str, str]


@dataclass(slots=True)
class _ZoneRows:
    """A zone as its rows say it, and the rows' numbers by position."""

    zone: Zone
    number: int
    rule_numbers: list[int] = field(default_factory=list)
    step_numbers: list[int] = field(default_factory=list)
    per_kg_number: int = 0


@dataclass(slots=True)
class _Cells:
    """Reads the cells of one row and keeps what is wrong with them."""

    row: Row
    wrong: Found

    def refuse(self, column: str, reason: str) -> None:
        self.wrong.refuse(self.row.number, column, reason)

    def word(self, column: str, pattern: re.Pattern[str], wanted: str) -> str:
        """The cell; empty where it is missing or wrong, which is kept."""
        cell = self.row.cells.get(column, "")
        if not cell:
            self.refuse(column, f"{wanted} is wanted")
        elif not pattern.fullmatch(cell):
            self.refuse(column, f"{cell!r} is not {wanted}")
            return ""
        return cell

    def words(self, column: str, pattern: re.Pattern[str], wanted: str) -> tuple[str, ...]:
        """The words of the cell, which may be none."""
        words = tuple(dict.fromkeys(self._parts(column)))
        for word in words:
            if not pattern.fullmatch(word):
                self.refuse(column, f"{word!r} is not {wanted}")
        return words

    def postcodes(self, column: str) -> tuple[str, ...]:
        """Prefixes as they are compared; a range stands for each of its prefixes."""
        found: list[str] = []
        for word in self._parts(column):
            ends = _RANGE.fullmatch(word)
            if ends is None:
                found.append(bare_postcode(word))
            elif len(ends["first"]) != len(ends["last"]):
                if ends["to"] == "-":  # as in 01310-200
                    found.append(bare_postcode(word))
                else:
                    self.refuse(column, f"the ends of {word!r} differ in length")
            elif ends["to"] == "-":
                reason = f"{word!r} may be one postcode or many: write it without -, or with .."
                self.refuse(column, reason)
            elif not 0 <= int(ends["last"]) - int(ends["first"]) < LONGEST_RANGE:
                self.refuse(column, f"{word!r} is not a range of 1 to {LONGEST_RANGE} prefixes")
            else:
                span = range(int(ends["first"]), int(ends["last"]) + 1)
                found += [f"{number:0{len(ends['first'])}}" for number in span]
        return tuple(dict.fromkeys(prefix for prefix in found if prefix))

    def _parts(self, column: str) -> list[str]:
        """What a list names; spaces are for postcodes that have them."""
        return [part.strip() for part in self.row.cells.get(column, "").split(";") if part.strip()]

    def whole(self, column: str, least: int = 0) -> int | None:
        """The cell as a whole number; None where it is empty or wrong, which is kept."""
        cell = self.row.cells.get(column)
        if cell is None:
            return None
        most = MOST_OF.get(column, MOST)
        if not _WHOLE.fullmatch(cell) or not least <= int(cell) <= most:
            self.refuse(column, f"{cell!r} is not a whole number from {least} to {most}")
            return None
        return int(cell)


class Drafts(NamedTuple):
    """What rows say, by carrier and service; every row that is wrong, or odd and taken as it is.

    The cards can be published where nothing is wrong; otherwise they are as far as was understood.
    """

    cards: Sequence[RateCardDraft]
    wrong: Sequence[WrongRow]
    odd: Sequence[WrongRow]


def drafts_of(found: Found, valid_from: datetime) -> Drafts:
    """Read the rows; nothing is published."""
    wrong = Found(wrong=list(found.wrong))
    odd: list[WrongRow] = []
    by_kind: dict[str, list[_Cells]] = {kind: [] for kind in COLUMNS}
    for row in found.rows:
        cells = _Cells(row, wrong)
        kind = row.cells.get("row", "")
        if kind not in by_kind:
            cells.refuse("row", f"{kind!r} is not one of {', '.join(by_kind)}")
            continue
        for column in row.cells.keys() - {"row", *COLUMNS[kind]}:
            cells.refuse(column, f"a {kind} row has no {column}")
        by_kind[kind].append(cells)
    cards, remote_cents = _cards(by_kind["card"], valid_from)
    zones = _zones(by_kind["zone"], remote_cents)
    _add_prices(by_kind["price"], zones)
    drafts = []
    for service, (cells, draft) in cards.items():
        of_card = [rows for (*whose, _), rows in zones.items() if tuple(whose) == service]
        whole = replace(draft, zones=tuple(rows.zone for rows in of_card))
        for problem in problems(whole):
            number = _number(problem, of_card) or cells.row.number
            wrong.refuse(number, _column(problem), problem.reason)
        odd += [
            WrongRow(_number(oddity, of_card), _column(oddity), oddity.reason)
            for oddity in oddities(whole)
        ]
        drafts.append(
            replace(
                whole,
                zones=tuple(
                    zone._replace(steps=tuple(sorted(zone.steps, key=lambda s: s.max_weight_g)))
                    for zone in whole.zones
                ),
            )
        )
    drafts.sort(key=lambda draft: (draft.carrier, draft.service))
    return Drafts(drafts, sorted(set(wrong.wrong)), sorted(odd))


def _whose(cells: _Cells) -> _Service:
    return (
        cells.word("carrier", _NAME, "the name of a carrier"),
        cells.word("service", _NAME, "the name of a service"),
    )


def _cards(
    rows: Iterable[_Cells], valid_from: datetime
) -> tuple[dict[_Service, tuple[_Cells, RateCardDraft]], dict[_Service, int]]:
    cards: dict[_Service, tuple[_Cells, RateCardDraft]] = {}
    remote_cents: dict[_Service, int] = {}
    for cells in rows:
        service = _whose(cells)
        if service in cards and all(service):
            cells.refuse("service", f"row {cards[service][0].row.number} is its card already")
            continue
        amounts: dict[str, Any] = {
            column: cells.whole(column) or 0
            for column in (
                "handling_cents",
                "packaging_cents",
                "volume_divisor",
                "fuel_basis_points",
                "minimum_freight_cents",
                "residential_cents",
                "oversize_cents",
            )
        }
        remote_cents[service] = cells.whole("remote_area_cents") or 0
        draft = RateCardDraft(
            carrier=service[0],
            service=service[1],
            currency=cells.word("currency", _CURRENCY, "a currency like EUR"),
            valid_from=valid_from,
            oversize_mm=cells.whole("oversize_mm", 1),
            max_length_mm=cells.whole("max_length_mm", 1),
            carries=tuple(sorted(cells.words("carries", _WORD, "a capability like hazmat"))),
            zones=(),
            **amounts,
        )
        cards[service] = cells, draft
    return cards, remote_cents


def _zones(
    rows: Iterable[_Cells], remote_cents: dict[_Service, int]
) -> dict[tuple[str, str, str], _ZoneRows]:
    zones: dict[tuple[str, str, str], _ZoneRows] = {}
    for cells in rows:
        service = _whose(cells)
        name = cells.word("zone", _NAME, "the name of a zone")
        if service not in remote_cents:
            cells.refuse("service", "the service has no card row")
        key = (*service, name)
        days = cells.whole("transit_days")
        remote = _remote_area_cents(cells, remote_cents.get(service, 0))
        if key not in zones:
            zones[key] = _ZoneRows(
                Zone(name, (), (), transit_days=days, remote_area_cents=remote or 0),
                cells.row.number,
            )
        rows_of = zones[key]
        for column, said, first in (
            ("transit_days", days, rows_of.zone.transit_days),
            ("remote", remote, rows_of.zone.remote_area_cents),
        ):
            if said is not None and said != first:
                cells.refuse(column, f"row {rows_of.number} says otherwise of {name}")
        rules = _rules(cells)
        rows_of.rule_numbers += [cells.row.number] * len(rules)
        rows_of.zone = rows_of.zone._replace(rules=rows_of.zone.rules + rules)
    return zones


def _remote_area_cents(cells: _Cells, of_card_cents: int) -> int | None:
    """What a remote area costs more: as the card says, or an amount of its own; None: not said."""
    cell = cells.row.cells.get("remote", "").lower()
    if cell in {"yes", "no", ""}:
        if cell == "yes" and not of_card_cents:
            cells.refuse("remote", "the card has no remote_area_cents")
        return {"yes": of_card_cents, "no": 0}.get(cell)
    return cells.whole("remote")


def _rules(cells: _Cells) -> tuple[ZoneRule, ...]:
    """A rule for each origin and destination that the row names; lists are parted by `;`."""
    sides = []
    for side in ("from", "to"):
        countries = cells.words(f"{side}_country", _COUNTRY, "a country like DE")
        postcodes = cells.postcodes(f"{side}_postcode")
        if len(countries) > 1 and postcodes:
            cells.refuse(f"{side}_postcode", "prefixes are of one country each: one row a country")
        sides.append([(c, p) for c in countries or ("",) for p in postcodes or ("",)])
    max_distance_m = cells.whole("max_distance_m", 1) or NO_LIMIT_M
    return tuple(
        ZoneRule(*origin, *destination, max_distance_m)
        for origin in sides[0]
        for destination in sides[1]
    )


def _add_prices(rows: Iterable[_Cells], zones: dict[tuple[str, str, str], _ZoneRows]) -> None:
    for cells in rows:
        key = (*_whose(cells), cells.word("zone", _NAME, "the name of a zone"))
        weight_g = cells.whole("max_weight_g", 1)
        price, per_kg = cells.whole("price_cents"), cells.whole("per_kg_cents")
        if "max_weight_g" not in cells.row.cells:
            cells.refuse("max_weight_g", "a weight is wanted")
        if ("price_cents" in cells.row.cells) == ("per_kg_cents" in cells.row.cells):
            cells.refuse("price_cents", "either price_cents or per_kg_cents is wanted")
            continue
        if key not in zones:
            cells.refuse("zone", "the service has no such zone")
            continue
        rows_of = zones[key]
        if weight_g is None:
            continue
        if price is not None:
            rows_of.step_numbers.append(cells.row.number)
            steps = (*rows_of.zone.steps, Step(weight_g, price))
            rows_of.zone = rows_of.zone._replace(steps=steps)
        elif per_kg is not None and rows_of.per_kg_number:
            cells.refuse("per_kg_cents", f"row {rows_of.per_kg_number} says it of the zone already")
        elif per_kg is not None:
            rows_of.per_kg_number = cells.row.number
            rows_of.zone = rows_of.zone._replace(per_kg_cents=per_kg, max_weight_g=weight_g)


def _number(problem: Problem, zones: list[_ZoneRows]) -> int:
    """The row that says what is wrong; 0: the card's own."""
    if problem.zone is None:
        return 0
    rows_of = zones[problem.zone]
    if problem.index is None:
        return rows_of.per_kg_number or rows_of.number
    numbers = rows_of.rule_numbers if problem.part == "rules" else rows_of.step_numbers
    return numbers[problem.index]


def _column(problem: Problem) -> str:
    """The column of a problem; what a zone or a card lacks is missing under its name."""
    return {"zones": "service", "rules": "zone", "steps": "zone"}.get(problem.field, problem.field)
