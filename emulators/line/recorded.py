"""A recorded data set as a shop: a folder of CSV files, read in place.

order_lines.csv.gz, skus.csv.gz, warehouses.csv, stock.csv.gz and rate_card.csv; the columns are
those that the readers below name. Times are UTC, money is cents of BRL.
"""

import csv
import gzip
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from itertools import groupby, islice
from pathlib import Path
from typing import Any

from emulators.laptop.cli import UserMistake
from emulators.line.shop import Shop, ShopOrder

CURRENCY = "BRL"
COUNTRY = "BR"
CARRIER = "correios"
FILES = ("order_lines.csv.gz", "skus.csv.gz", "warehouses.csv", "stock.csv.gz", "rate_card.csv")

Row = dict[str, str]


def recorded_shop(folder: Path, limit: int | None = None) -> Shop:
    """The shop recorded in `folder`, with its first `limit` orders, or all, and what they want.

    Raises:
        UserMistake: a file or a column is missing, or a value is not what it should be.
    """
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        raise UserMistake(f"{folder} is not a data set: it has no {', '.join(missing)}.")
    try:
        orders = list(islice(_orders(folder), limit))
        wanted = {line["sku"] for order in orders for line in order.lines}
        stock: dict[str, dict[str, int]] = defaultdict(dict)
        for row in _rows(folder / "stock.csv.gz"):
            if row["sku"] in wanted:
                stock[row["warehouse"]][row["sku"]] = int(row["on_hand"])
        return Shop(
            name=folder.name,
            catalogue={
                "skus": [
                    _sku(row) for row in _rows(folder / "skus.csv.gz") if row["sku"] in wanted
                ],
                "warehouses": [_warehouse(row) for row in _rows(folder / "warehouses.csv")],
                "rate_cards": [
                    {
                        "carrier": CARRIER,
                        "currency": CURRENCY,
                        "handling_cents": 0,
                        "cells": [_cell(row) for row in _rows(folder / "rate_card.csv")],
                    }
                ],
            },
            stock=dict(stock),
            later={},
            orders=orders,
        )
    except (KeyError, ValueError) as error:
        raise UserMistake(f"{folder} cannot be read as a data set: {error!r}.") from error


def _orders(folder: Path) -> Iterator[ShopOrder]:
    begun_at: datetime | None = None
    rows = _rows(folder / "order_lines.csv.gz")
    for order_id, group in groupby(rows, key=lambda row: row["order_id"]):
        lines = list(group)
        head = lines[0]
        ordered_at = datetime.fromisoformat(head["ordered_at"])
        begun_at = begun_at or ordered_at
        promised_on = datetime.fromisoformat(head["promised_on"]).date()
        promised_at = datetime.combine(promised_on, time(23, 59, 59), tzinfo=UTC)
        yield ShopOrder(
            order_id=order_id,
            after=ordered_at - begun_at,
            promised_after=max(promised_at, ordered_at + timedelta(days=1)) - begun_at,
            service_level="standard",
            currency=CURRENCY,
            destination=_destination(order_id, head),
            lines=[_line(row) for row in lines],
        )


def _destination(order_id: str, row: Row) -> dict[str, Any]:
    """The recorded place; the data name neither people nor streets."""
    return {
        "name": f"Customer of {order_id}",
        "street": "Rua Gravada 1",
        "city": f"CEP {row['destination_postcode']}",
        "postcode": row["destination_postcode"].zfill(5),
        "country": COUNTRY,
        "lat": float(row["destination_lat"]),
        "lon": float(row["destination_lon"]),
    }


def _line(row: Row) -> dict[str, Any]:
    return {
        "line_no": int(row["line_no"]),
        "sku": row["sku"],
        "quantity": int(row["quantity"]),
        "unit_price_cents": int(row["unit_price_cents"]),
    }


def _sku(row: Row) -> dict[str, Any]:
    sides = {side: int(row[side]) for side in ("length_mm", "width_mm", "height_mm") if row[side]}
    return {"sku": row["sku"], "weight_g": int(row["weight_g"]), **sides}


def _warehouse(row: Row) -> dict[str, Any]:
    postcode = row["postcode_prefix"].zfill(5)
    return {
        "warehouse": row["warehouse"],
        "address": {
            "name": f"Dispatch {row['warehouse']}",
            "street": "Rodovia Gravada 1",
            "city": f"CEP {postcode}",
            "state": row["state"],
            "postcode": postcode,
            "country": COUNTRY,
        },
        "lat": float(row["lat"]),
        "lon": float(row["lon"]),
    }


def _cell(row: Row) -> dict[str, Any]:
    distance_km = row["max_distance_km"]
    return {
        "max_distance_m": int(distance_km) * 1_000 if distance_km else None,
        "max_weight_g": int(row["max_weight_g"]),
        "price_cents": int(row["price_cents"]),
    }


def _rows(path: Path) -> Iterator[Row]:
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
        yield from csv.DictReader(file)
