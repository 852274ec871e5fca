"""`stock`: balances of the running stack, how they are spread, and whether the books agree.

Thin on purpose: what happens stands in shared/flows, for a page to do the same.
"""

import argparse
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from emulators.laptop.cli import UserMistake, add_json, positive
from emulators.laptop.running import acted, add_by, command, running
from emulators.laptop.screen import tell
from emulators.stock import views
from shared.drifts import store as drifts
from shared.flows.allot_stock import AllotStock, allot_stock
from shared.flows.end_allotment import EndAllotment, end_allotment
from shared.flows.lay_anew import Word
from shared.flows.reconcile_stock import reconcile_stock
from shared.flows.show_stock import show_stock
from shared.flows.spread_stock import SpreadStock, spread_stock
from shared.flows.steps import Run
from shared.kit.ids import new_id
from shared.platform.db import Transaction
from shared.platform.relay import Relay

SHOWN = 20  # drifts

Result = TypeVar("Result")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the words after `stock` and their options."""
    words = parser.add_subparsers(dest="word", required=True, metavar="WORD")
    show = words.add_parser("show", help="every row of a SKU's balances")
    show.add_argument("sku", metavar="SKU")
    show.set_defaults(act=_show)
    for word, act, purpose in (
        ("spread", _spread, "spread a balance over N rows, so that orders need not queue"),
        ("merge", _spread, "lay a balance into one row again"),
    ):
        laid = words.add_parser(word, help=purpose)
        _add_place(laid)
        _add_word(laid)
        laid.set_defaults(act=act, into=1)
        if word == "spread":
            # Numbers are checked by the flow, which says what to do instead.
            laid.add_argument("--into", type=int, required=True, metavar="N", help="1 to 64")
    allot = words.add_parser("allot", help="set units aside that only orders of a sale can have")
    _add_place(allot)
    allot.add_argument("units", type=int, metavar="UNITS")
    allot.add_argument("--sale", required=True, metavar="S", help="as orders name it")
    allot.add_argument("--into", type=int, metavar="N", help="over N rows; 1 by default")
    _add_word(allot)
    allot.set_defaults(act=_allot)
    end = words.add_parser("end-allotment", help="what is left of a sale is everybody's again")
    end.add_argument("sale", metavar="S")
    _add_who(end)
    end.set_defaults(act=_end)
    reconcile = words.add_parser("reconcile", help="compare the books now, and set them right")
    add_by(reconcile)
    reconcile.set_defaults(act=_reconcile)
    found = words.add_parser("drifts", help="what reconciliation has found, the newest first")
    found.add_argument("--limit", type=positive, default=SHOWN, metavar="N")
    found.set_defaults(act=_drifts)
    add_json(*words.choices.values())


def run(arguments: argparse.Namespace) -> int:
    """Do what the word says; exit code 1 when it is refused, or a row has to be fenced off."""
    return acted(arguments)


def _show(arguments: argparse.Namespace) -> int:
    sku: str = arguments.sku
    with running() as (database, _):
        rows = database.run(lambda tx: show_stock(tx, sku), command())
    tell(
        views.rows_as_json(sku, rows), partial(views.print_rows, sku, rows), as_json=arguments.json
    )
    return 0


def _spread(arguments: argparse.Namespace) -> int:
    wanted = SpreadStock(arguments.sku, arguments.warehouse, arguments.into, _word(arguments))
    return _laid(arguments, lambda tx: spread_stock(tx, wanted))


def _allot(arguments: argparse.Namespace) -> int:
    wanted = AllotStock(
        sale=arguments.sale,
        sku=arguments.sku,
        warehouse=arguments.warehouse,
        units=arguments.units,
        word=_word(arguments),
        into=arguments.into,
    )
    return _laid(arguments, lambda tx: allot_stock(tx, wanted))


def _laid(arguments: argparse.Namespace, step: Callable[[Transaction], None]) -> int:
    """Do it, and show how the balance lies now."""
    with running() as (database, relay):
        _runner(relay)(step)
        rows = database.run(lambda tx: show_stock(tx, arguments.sku), command())
    tell(
        views.rows_as_json(arguments.sku, rows),
        partial(views.print_rows, arguments.sku, rows),
        as_json=arguments.json,
    )
    return 0


def _end(arguments: argparse.Namespace) -> int:
    wanted = EndAllotment(arguments.sale, _who(arguments), arguments.reason)
    with running() as (_, relay):
        ended = end_allotment(_runner(relay), wanted)
    said = f"The allotment of {wanted.sale} has ended; balances: {ended}"
    if not ended:
        said = f"Nothing is set aside for {wanted.sale}."
    tell(
        {"sale": wanted.sale, "ended": ended},
        partial(views.print_done, said),
        as_json=arguments.json,
    )
    return 0


def _reconcile(arguments: argparse.Namespace) -> int:
    with running() as (database, relay):
        report = reconcile_stock(_runner(relay), _who(arguments))
        found = database.run(lambda tx: drifts.newest(tx, SHOWN, report.run_id), command())
    tell(
        views.report_as_json(report, found),
        partial(views.print_report, report, found),
        as_json=arguments.json,
    )
    return 1 if report.fenced else 0


def _drifts(arguments: argparse.Namespace) -> int:
    with running() as (database, _):
        found = database.run(lambda tx: drifts.newest(tx, arguments.limit), command())
    tell(views.drifts_as_json(found), partial(views.print_drifts, found), as_json=arguments.json)
    return 0


def _runner(relay: Relay) -> Run:
    cause = command()

    def run_step(step: Callable[[Transaction], Result]) -> Result:
        return relay.run(step, cause)

    return run_step


def _word(arguments: argparse.Namespace) -> Word:
    return Word(_who(arguments), arguments.reason, arguments.reference or new_id("cmd"))


def _who(arguments: argparse.Namespace) -> str:
    by: str = arguments.by
    if not by:
        raise UserMistake("Say who you are with --by; this account has no name.")
    return by


def _add_place(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sku", metavar="SKU")
    parser.add_argument("warehouse", metavar="WAREHOUSE")


def _add_word(parser: argparse.ArgumentParser) -> None:
    _add_who(parser)
    parser.add_argument(
        "--reference", metavar="ID", help="the same word under the same id is done once"
    )


def _add_who(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--reason", default="by command", help="why; the ledger keeps it")
    add_by(parser)
