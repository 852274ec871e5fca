"""`bench tariffs`: what the importer of rate cards makes of published tariffs, and how fast.

Each tariff is written as the rows that people publish, and read as they are. Where its zones lie is
not in the data, so each stands for a postcode of its own; carriers need no queues, because nothing
is published.
"""

import argparse
import csv
import gzip
import io
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from emulators.bench.report import Figure, Progress, Report
from emulators.laptop.cli import UserMistake, positive
from shared.costing.drafts import Drafts, drafts_of
from shared.costing.rows import read_rows
from shared.kit.clock import utc_now

ROUNDS = 5
NOWHERE = "ZZ"  # no country has this code
COLUMNS = (
    "row", "carrier", "service", "currency", "max_length_mm", "zone", "to_country", "to_postcode",
    "max_weight_g", "price_cents",
)  # fmt: skip

Cells = Mapping[str, str]
Prices = dict[str, dict[int, int]]  # zone -> grams -> the smallest unit of the currency


@dataclass(slots=True)
class Service:
    """A service of a tariff, as far as rate cards know such a thing."""

    carrier: str
    name: str
    currency: str
    prices: Prices = field(default_factory=lambda: defaultdict(dict))
    max_length_mm: int | None = None

    def rows(self) -> Iterator[dict[str, object]]:
        """As people would publish it."""
        whose = {"carrier": self.carrier, "service": self.name}
        card = {"row": "card", "currency": self.currency, "max_length_mm": self.max_length_mm}
        yield {**card, **whose}
        for number, (zone, steps) in enumerate(self.prices.items()):
            where = {"to_country": NOWHERE, "to_postcode": f"{number:04}"}
            yield {"row": "zone", "zone": zone, **whose, **where}
            for grams, price in steps.items():
                price_row = {"row": "price", "zone": zone, **whose}
                yield {**price_row, "max_weight_g": grams, "price_cents": price}


def by_path(lines: Iterable[Cells]) -> list[Service]:
    """Services from `carrier, service, path, value`, the path being PACK/FIELD or PACK/price/ZONE.

    Of packs of one weight the last one counts: a rate card knows weights, and no packs.
    """
    services: dict[tuple[str, str], Service] = {}
    packs: dict[tuple[str, str, str], dict[str, int]] = defaultdict(dict)
    for line in lines:
        pack, _, path = line["path"].partition("/")
        if line["value"].isdecimal():  # else it is said that it goes nowhere
            packs[line["carrier"], line["service"], pack][path] = int(line["value"])
    for (carrier, name, _), said in packs.items():
        service = services.setdefault((carrier, name), Service(carrier, name, "EUR"))
        service.max_length_mm = max(service.max_length_mm or 1, said.get("length", 1))
        for path, value in said.items():
            if path.startswith("price/"):
                service.prices[path.removeprefix("price/")][said["weight"]] = value
    return list(services.values())


def by_band(lines: Iterable[Cells]) -> list[Service]:
    """Services from bands: of a format and a weight, or of FORMAT/GRAMS and a zone's number."""
    services: dict[str, Service] = {}
    for line in lines:
        name = ".".join((line["service"], line["channel"], line["price_version"]))
        service = services.setdefault(name, Service("royalmail", name, "GBP"))
        shape, _, grams = line["zone_or_format"].partition("/")
        if grams:
            service.prices[f"{shape}.{line['max_weight_g']}"][int(grams)] = int(line["price_pence"])
        else:
            service.prices[shape][int(line["max_weight_g"])] = int(line["price_pence"])
    return list(services.values())


TARIFFS: Mapping[str, Callable[[Iterable[Cells]], list[Service]]] = {
    "postnl_colissimo_flat.csv.gz": by_path,
    "royal_mail_bands.csv.gz": by_band,
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `bench tariffs`."""
    parser.add_argument(
        "--data", type=Path, metavar="DIR", required=True, help=f"has {' and '.join(TARIFFS)}"
    )
    parser.add_argument("--rounds", type=positive, metavar="N", default=ROUNDS)


def measure(arguments: argparse.Namespace, progress: Progress) -> Report:
    """Read every tariff through the importer.

    Raises:
        UserMistake: a tariff is not there, or is none.
    """
    figures: list[Figure] = []
    facts: dict[str, str | int | float] = {}
    faults: list[str] = []
    for file, services_of in TARIFFS.items():
        name = file.removesuffix(".csv.gz")
        services = _services(arguments.data / file, services_of)
        body, rows = written(services)
        rates = []
        for _ in range(arguments.rounds):
            begun_s = time.perf_counter()
            drafts = drafts_of(read_rows(body, is_json=False), utc_now())
            rates.append(rows / (time.perf_counter() - begun_s))
        refused, odd = len(drafts.wrong), len(drafts.odd)
        progress(f"{name}: {rows:,} rows, {refused} of them refused and {odd} odd")
        figures.append(Figure(f"{name} read", "rows/s", rates))
        facts |= {
            f"{name}_services": len(services),
            f"{name}_rows": rows,
            f"{name}_rows_where_heavier_is_cheaper": odd,
        }
        faults += told(name, body, drafts, services)
    return Report("tariffs", figures, facts, faults)


def written(services: Sequence[Service]) -> tuple[bytes, int]:
    """The file of rows, and how many there are."""
    rows = [row for service in services for row in service.rows()]
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode(), len(rows)


def told(
    name: str,
    body: bytes,
    drafts: Drafts,
    services: Sequence[Service],
) -> Iterator[str]:
    """Every row that is refused, and every price that is another one than the tariff's."""
    lines = body.decode().splitlines()
    for one in drafts.wrong:
        yield f"{name}: {lines[one.row - 1]}: {one.column}: {one.reason}"
    read = {
        (draft.carrier, draft.service, zone.zone): {
            s.max_weight_g: s.price_cents for s in zone.steps
        }
        for draft in drafts.cards
        for zone in draft.zones
    }
    for service in services:
        for zone, steps in service.prices.items():
            if read.get((service.carrier, service.name, zone)) != steps:
                yield f"{name}: {service.name} {zone} has other prices than the tariff"


def _services(path: Path, services_of: Callable[[Iterable[Cells]], list[Service]]) -> list[Service]:
    try:
        with gzip.open(path, "rt", newline="") as lines:
            found = services_of(csv.DictReader(lines))
    except (OSError, EOFError, KeyError, ValueError) as error:
        raise UserMistake(f"{path} cannot be read: {error}") from error
    if not found:
        raise UserMistake(f"{path} has no tariff.")
    return found
