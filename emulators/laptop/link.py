"""`link`: where a customer can follow an order of the running stack."""

import argparse
from functools import partial

from emulators.laptop.cli import UserMistake, add_json
from emulators.laptop.running import command, running, settings, told_plainly
from emulators.laptop.screen import screen, tell
from shared.flows.link_order import link_order


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `link` takes."""
    parser.add_argument("order_id", metavar="ORDER")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the address of the order's page."""
    pages_url = settings().tracking_page_url
    if pages_url is None:
        raise UserMistake("Orders have no pages here; DISPATCH_TRACKING_PAGE_URL is not set.")
    with told_plainly(), running() as (database, _):
        url = database.run(lambda tx: link_order(tx, arguments.order_id, pages_url), command())
    tell({"url": url}, partial(screen().print, url, soft_wrap=True), as_json=arguments.json)
    return 0
