"""`replay DIR`: run a recorded data set to the end, audit, sum up, stop."""

import argparse
from pathlib import Path

from emulators.laptop.cli import positive
from emulators.line.bounded import add_common_arguments, run_bounded
from emulators.line.recorded import recorded_shop
from emulators.line.script import RECORDED


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `replay`."""
    parser.add_argument("directory", type=Path, metavar="DIR", help="a folder with a data set")
    parser.add_argument("--limit", type=positive, metavar="N", help="only the first N orders")
    add_common_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the data set; exit code 1 when an invariant is broken or an order is unaccounted for."""
    shop = recorded_shop(arguments.directory, arguments.limit)
    return run_bounded(arguments, shop, RECORDED)
