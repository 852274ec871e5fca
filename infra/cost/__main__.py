"""`python3 -m infra.cost`: the monthly bill by component. Needs nothing but Python."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from infra.cost.bill import DAYS, DISPATCH, PARCEL, bill, fitting, prices, sizes
from infra.cost.jobs import schedules

FUNCTIONS = Path(__file__).parents[2] / "functions"


def main(words: Sequence[str]) -> int:
    """Print the bill; exit code 1 where no size fits."""
    parser = argparse.ArgumentParser(prog="infra.cost", description=__doc__)
    volume = parser.add_mutually_exclusive_group()
    volume.add_argument("--parcels", type=float, default=200_000, help="a month (200000)")
    volume.add_argument("--dispatches-a-day", type=float, help="decisions alone")
    parser.add_argument("--size", choices=sizes(), help="instead of the smallest that fits")
    parser.add_argument("--viewers", type=int, help="who look on at once, instead of the size's")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args(words)
    if arguments.dispatches_a_day is None:
        kind, amount = PARCEL, arguments.parcels
    else:
        kind, amount = DISPATCH, arguments.dispatches_a_day * DAYS
    try:
        name = arguments.size or fitting(amount, sizes())
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    as_of, currency, price = prices()
    size = sizes()[name]
    if arguments.viewers is not None:
        size = replace(size, viewers=arguments.viewers)
    lines = bill(amount, kind, size, price, schedules(FUNCTIONS))
    total = sum(line.amount for line in lines)
    if arguments.json:
        told = {
            "as_of": as_of,
            "currency": currency,
            "volume_a_month": amount,
            "of": kind.name,
            "size": name,
            "components": [asdict(line) for line in lines],
            "total": total,
            "each": total / amount if amount else None,
        }
        sys.stdout.write(json.dumps(told) + "\n")
        return 0
    sys.stdout.write(f"{amount:,.0f} of {kind.name} a month, size {name}, prices of {as_of}\n\n")
    for line in lines:
        sys.stdout.write(f"{line.component:<16}{line.amount:>11,.2f}  {line.because}\n")
    sys.stdout.write(f"{'together':<16}{total:>11,.2f}  {currency} a month\n")
    if amount:
        sys.stdout.write(f"{'each':<16}{total / amount:>11.5f}  {currency} a {kind.name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
