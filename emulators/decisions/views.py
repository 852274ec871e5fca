"""How decisions look: as JSON for programs, as text and tables for people."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rich.markup import escape
from rich.table import Table

from emulators.laptop.screen import screen
from shared.flows.explain_order import Explained
from shared.flows.replay_decisions import Replay
from shared.kit.money import in_digits
from shared.ops.decisions import Decision
from shared.placement.receipt import departures
from shared.placement.store import ENGINE_DECIDED

Document = dict[str, Any]

_COST_LINES = ("handling_cents", "freight_cents", "oversize_cents", "penalty_cents")


def explained_as_json(explained: Explained) -> Document:
    """The order, and every decision with its receipt."""
    return {
        "order": explained.order.model_dump(mode="json"),
        "decisions": [
            {**asdict(decision), "decided_at": decision.decided_at.isoformat()}
            for decision in explained.decisions
        ],
        "reroutes": [
            {**asdict(reroute), "rerouted_at": reroute.rerouted_at.isoformat()}
            for reroute in explained.reroutes
        ],
    }


def replay_as_json(replay: Replay) -> Document:
    """What a replay came to."""
    return {
        "decisions": replay.decisions,
        "skipped": replay.skipped,
        "differences": [
            {**asdict(found), "decided_at": found.decided_at.isoformat()}
            for found in replay.differences
        ],
    }


def print_explained(explained: Explained) -> None:
    """The order in two lines, then each decision."""
    console = screen()
    order = explained.order
    console.print(
        f"[bold]{escape(order.order_id)}[/bold]  {escape(order.state)}"
        + (f" ({escape(order.state_reason)})" if order.state_reason else "")
    )
    console.print(
        f"ordered {_moment(order.ordered_at)}, promised {_moment(order.promised_at)},"
        f" {escape(order.priority)}, to {escape(order.destination.postcode)}"
        f" {escape(order.destination.city)}"
    )
    if not explained.decisions:
        console.print("Nothing was decided about it yet.")
    for decision in explained.decisions:
        console.print()
        _print_decision(decision, order.currency)
    for reroute in explained.reroutes:
        console.print(
            f"\n[bold]rerouted[/bold] at {_moment(reroute.rerouted_at)}:"
            f" {escape(reroute.reason.replace('_', ' '))}\n"
            f"  {escape(reroute.parcel_id)} by"
            f" {escape(reroute.to_carrier)} {escape(reroute.to_service)} instead of"
            f" {escape(reroute.from_carrier)} {escape(reroute.from_service)},"
            f" for {in_digits(abs(reroute.difference_cents), reroute.currency)} {reroute.currency}"
            f" {'less' if reroute.difference_cents < 0 else 'more'}"
        )


def print_replay(replay: Replay) -> None:
    """What came out otherwise, then how much was looked at."""
    console = screen()
    if replay.differences:
        table = Table(box=None, pad_edge=False, header_style="dim")
        for name in ("order", "decided at", "part", "kept", "now"):
            table.add_column(name, overflow="fold")
        for found in replay.differences:
            cells = (found.order_id, _moment(found.decided_at), found.part, found.kept, found.now)
            table.add_row(*map(escape, cells))
        console.print(table)
    console.print(
        f"{replay.decisions} decisions made again, {len(replay.differences)} differences;"
        f" {replay.skipped} skipped"
    )


def _print_decision(decision: Decision, currency: str) -> None:
    console = screen()
    inputs, result = decision.receipt["inputs"], decision.receipt["result"]
    by = "" if decision.decided_by == ENGINE_DECIDED else f" by {decision.decided_by}"
    console.print(
        f"[bold]{escape(decision.outcome.replace('_', ' '))}[/bold]{escape(by)}"
        f" at {_moment(decision.decided_at)}"
        + (f": {escape(decision.reason)}" if decision.reason else "")
    )
    console.print(
        f"  policy {escape(decision.policy_id)}, {decision.duration_us / 1_000:.1f} ms,"
        f" inputs {escape(decision.inputs_hash)}",
        style="dim",
    )
    if "reason" in result:
        console.print(f"  {escape(result['reason'])}")
        return
    wanted = ", ".join(f"{line[1]} x {line[0]}" for line in inputs["demand"])
    console.print(f"  wanted {escape(wanted)}")
    if "parcels" in result:
        _print_parcels(result["parcels"], departures(inputs), currency)
        _print_how_sure(result, currency)
    else:
        for what in ("missing", "not_carried", "not_now"):
            if result[what]:
                said = ", ".join(f"{units} x {sku}" for sku, units in result[what].items())
                console.print(f"  {what.replace('_', ' ')}: {escape(said)}")
    _print_candidates(result["candidates"], currency)


def _print_parcels(
    parcels: Sequence[Mapping[str, Any]], days: Mapping[str, Sequence[str]], currency: str
) -> None:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for name in ("  from", "by", "leaves", "holds"):
        table.add_column(name)
    for name in ("grams paid", "handling", "freight", "oversize", "weighed", "price"):
        table.add_column(name, justify="right")
    for parcel in parcels:
        holds = ", ".join(f"{units} x {sku}" for sku, units in parcel["items"].items())
        paid_cents = sum(parcel[line] for line in _COST_LINES[:3])
        leaves = days.get(parcel["warehouse"], ("",))[parcel.get("departure", 0)]
        table.add_row(
            escape(f"  {parcel['warehouse']}"),
            escape(f"{parcel['carrier']} {parcel['service']} ({parcel['rate_card_id']})"),
            escape(leaves),
            escape(holds),
            str(parcel["chargeable_g"]),
            *(in_digits(parcel[line], currency) for line in _COST_LINES),
            f"{in_digits(paid_cents, currency)} {currency}",
        )
    screen().print(table)


def _print_how_sure(result: Mapping[str, Any], currency: str) -> None:
    console = screen()
    total_cents = result["cost_cents"] + result["opportunity_cents"] + result["penalty_cents"]
    if result["exact"]:
        console.print("  nothing is cheaper")
    else:
        console.print(
            f"  at most {in_digits(total_cents - result['lower_bound_cents'], currency)} {currency}"
            " above the"
            f" cheapest: the search was ended after {result['nodes']} plans"
        )
    second = result["runner_up"]
    if second:
        behind = f"{in_digits(second['behind_cents'], currency)} {currency} more"
        same = "at the same cost, and later in the order of ties"
        console.print(
            f"  next: {escape(' and '.join(second['warehouses']))},"
            f" {behind if second['behind_cents'] else same}"
        )


def _print_candidates(candidates: Sequence[Mapping[str, Any]], currency: str) -> None:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("  alone from")
    table.add_column("away", justify="right")
    for name in ("price", "weighed", "more than the plan"):
        table.add_column(name, justify="right")
    table.add_column("by, or why not")
    for candidate in candidates:
        cost_cents, behind_cents = candidate.get("cost_cents"), candidate.get("behind_cents")
        why = candidate.get("reason") or ", ".join(candidate.get("services", ()))
        warning = candidate.get("warning")
        table.add_row(
            escape(f"  {candidate['warehouse']}"),
            f"{candidate['distance_m'] / 1_000:.0f} km",
            "" if cost_cents is None else f"{in_digits(cost_cents, currency)} {currency}",
            "" if cost_cents is None else in_digits(_weighed_cents(candidate), currency),
            "" if behind_cents is None else in_digits(behind_cents, currency),
            escape("; ".join(filter(None, (why, warning)))),
        )
    screen().print(table)


def _weighed_cents(candidate: Mapping[str, Any]) -> int:
    """What a candidate counts beyond its price: late days, splits, refusals, preferences."""
    return int(candidate["penalty_cents"] + candidate["opportunity_cents"])


def _moment(moment: Any) -> str:
    return str(moment.strftime("%Y-%m-%d %H:%M:%S"))
