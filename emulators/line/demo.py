"""`demo`: start everything, run the sample shop to the end, audit, sum up, stop."""

import argparse

from emulators.laptop.cli import positive
from emulators.line.bounded import add_common_arguments, run_bounded
from emulators.line.sample import sample_shop
from emulators.line.script import SAMPLE


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `demo`."""
    parser.add_argument("--orders", type=positive, default=300, help="how many orders (300)")
    parser.add_argument("--seed", type=int, default=1, help="another seed gives other orders")
    add_common_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the sample; exit code 1 when an invariant is broken or an order is unaccounted for."""
    return run_bounded(arguments, sample_shop(arguments.orders, arguments.seed), SAMPLE)
