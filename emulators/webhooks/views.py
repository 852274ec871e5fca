"""How webhooks look: as JSON for programs, as tables for people."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from rich.markup import escape
from rich.table import Table

from emulators.laptop.screen import screen
from shared.kit.breaker import BreakerState
from shared.subscribers.store import Standings
from shared.subscribers.types import DeliveryState, SubscriberState
from shared.subscribers.webhook_deliveries import Attempt, Journal

_COLOURS = {
    DeliveryState.WAITING: "yellow",
    DeliveryState.DELIVERED: "green",
    DeliveryState.FAILED: "red",
}


def subscriber_as_json(standings: Standings, now: datetime) -> dict[str, Any]:
    """A subscriber; moments are ISO 8601 in UTC."""
    subscriber = standings.subscriber
    standing, retiring = subscriber.standing, subscriber.secrets.retiring_at(now)
    return {
        "subscriber_id": subscriber.subscriber_id,
        "name": subscriber.name,
        "url": subscriber.url,
        "event_types": subscriber.event_types and list(subscriber.event_types),
        "channel": subscriber.channel,
        "state": subscriber.state,
        "disabled_at": _iso(subscriber.disabled_at),
        "disabled_because": subscriber.disabled_because,
        "breaker": standing.breaker.state(now),
        "failures": standing.failures,
        "failing_since": _iso(standing.failing_since),
        "delivered_at": _iso(subscriber.delivered_at),
        "waiting": standings.waiting,
        "failed": standings.failed,
        "secret_version": subscriber.secrets.current.version,
        "signing_key": subscriber.secrets.current.key_id,
        "previous_secret_until": _iso(retiring[0].until if retiring else None),
        "previous_secrets": [
            {"version": one.name.version, "until": _iso(one.until)} for one in retiring
        ],
        "added_at": standings.added_at.isoformat(),
        "added_by": standings.added_by,
        "changed_at": standings.changed_at.isoformat(),
        "changed_by": standings.changed_by,
    }


def journal_as_json(journal: Journal) -> dict[str, Any]:
    """A delivery with its attempts."""
    delivery = journal.delivery
    return {
        "delivery_id": delivery.delivery_id,
        "sequence": delivery.sequence,
        "subscriber": journal.subscriber,
        "event_id": delivery.event_id,
        "event_type": delivery.event_type,
        "state": delivery.state,
        "created_at": journal.created_at.isoformat(),
        "ended_at": _iso(journal.ended_at),
        "attempts_left": delivery.attempts_left,
        "attempts": [
            {
                "number": attempt.number,
                "started_at": attempt.started_at.isoformat(),
                "duration_ms": attempt.duration_ms,
                "status": attempt.status,
                "error": attempt.error,
            }
            for attempt in journal.attempts
        ],
    }


def print_subscribers(found: Sequence[Standings], now: datetime) -> None:
    """A line a subscriber."""
    if not found:
        screen().print("Nobody gets webhooks.")
        return
    table = _table("name", "url", "state", "last delivered", "failures", "waiting", "failed")
    for standings in found:
        subscriber = standings.subscriber
        table.add_row(
            escape(subscriber.name),
            escape(subscriber.url),
            _state(standings, now),
            _moment(subscriber.delivered_at),
            str(subscriber.standing.failures),
            str(standings.waiting),
            str(standings.failed),
        )
    screen().print(table)


def print_subscriber(standings: Standings, journals: Sequence[Journal], now: datetime) -> None:
    """All that is known of one, and its latest deliveries."""
    subscriber = standings.subscriber
    facts = {
        "name": subscriber.name,
        "url": subscriber.url,
        "events": ", ".join(subscriber.event_types or ("all that are offered",)),
        "channel": subscriber.channel or "every channel",
        "added": f"{_moment(standings.added_at)} by {standings.added_by}",
        "changed": f"{_moment(standings.changed_at)} by {standings.changed_by}",
        "secret": f"version {subscriber.secrets.current.version}, derived from the signing key "
        f"{subscriber.secrets.current.key_id}",
        "failures": f"{subscriber.standing.failures} in a row",
        "waiting": str(standings.waiting),
        "failed": str(standings.failed),
    }
    for one in subscriber.secrets.retiring_at(now):
        facts["secret"] += f"; version {one.name.version} signs until {_moment(one.until)}"
    if subscriber.disabled_because is not None:
        facts["disabled"] = f"{_moment(subscriber.disabled_at)}: {subscriber.disabled_because}"
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    table.add_row("state", _state(standings, now))
    for name, fact in facts.items():
        table.add_row(name, escape(fact))
    screen().print(table)
    screen().print()
    print_journals(journals)


def print_journals(journals: Sequence[Journal]) -> None:
    """A line a delivery, with how its last attempt went."""
    if not journals:
        screen().print("Nothing was sent.")
        return
    table = _table("number", "delivery", "to", "event", "state", "since", "attempts", "the last")
    for journal in journals:
        delivery = journal.delivery
        colour = _COLOURS[delivery.state]
        table.add_row(
            str(delivery.sequence),
            delivery.delivery_id,
            escape(journal.subscriber),
            escape(delivery.event_type),
            f"[{colour}]{delivery.state}[/{colour}]",
            _moment(journal.created_at),
            str(delivery.attempts),
            _last(journal.attempts),
        )
    screen().print(table)


def print_secret(name: str, secret: str) -> None:
    """A secret, which is not to be seen again."""
    console = screen()
    console.print(f"The secret of {escape(name)}; it is stored nowhere and not shown again:")
    console.print(secret, soft_wrap=True)


def print_sentence(sentence: str) -> None:
    """What was done."""
    screen().print(escape(sentence), soft_wrap=True)


def _last(attempts: Sequence[Attempt]) -> str:
    if not attempts:
        return ""
    last = attempts[-1]
    if last.duration_ms is None:
        return "under way, or died"
    return f"{last.status or last.error} in {last.duration_ms} ms"


def _state(standings: Standings, now: datetime) -> str:
    subscriber = standings.subscriber
    if subscriber.state is SubscriberState.DISABLED:
        return "[red]disabled[/red]"
    if subscriber.standing.breaker.state(now) is not BreakerState.CLOSED:
        return "[yellow]paused[/yellow]"
    return "[green]enabled[/green]"


def _table(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _moment(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S}"
