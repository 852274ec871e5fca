"""The way of an order for people: milestones, then a waterfall for each stretch without a pause."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from emulators.laptop.screen import screen
from emulators.tracing.milestones import Known
from emulators.tracing.story import Episode, Row, Span, Sum, episodes, summed

BAR = 32  # characters
# What of a span's facts is told beside its name, and how.
_TOLD = (
    ("attempt", "attempt {}"),
    ("outcome", "{}"),
    ("parked", "{}"),
    ("run", "run {}"),
    ("carrier", "{}"),
    ("destination", "to {}"),
    ("sites", "{} warehouses"),
    ("error.type", "{}"),
)
_USUAL = {("attempt", "1"), ("run", "1"), ("outcome", "done"), ("outcome", "answered")}
_COLOURS = {"done": "green", "not_yet": "yellow", "parked": "red", "failed": "red"}


def show(order: Known, spans: Sequence[Span]) -> None:
    """Print it all."""
    console = screen()
    console.print(
        f"[bold]{escape(order.order_id)}[/bold]  {escape(order.state)}"
        f"  [dim]trail {escape(order.correlation_id)}[/dim]"
    )
    console.print()
    console.print(_milestones(order))
    if not spans:
        console.print(
            "\nNo spans are kept of it: it is too long ago, or nobody recorded them."
            " `up` does; `demo` does not."
        )
        return
    first_ns = min(span.started_ns - span.waited_ns for span in spans)
    last_ns = first_ns
    for episode in episodes(spans):
        _print_episode(console, episode, first_ns, last_ns)
        last_ns = episode.ended_ns
    console.print()
    console.print(_summed(summed(spans)))


def as_json(order: Known, spans: Sequence[Span]) -> dict[str, Any]:
    """The order with its milestones, its spans and what they came to."""
    return {
        **order.as_json(),
        "summary": summed(spans).as_json(),
        "spans": [
            {
                "trace_id": span.trace_id,
                "span_id": span.span_id,
                "parent_id": span.parent_id,
                "name": span.name,
                "kind": span.kind,
                "started_at": _moment(span.started_ns),
                "took_ms": round(span.took_ns / 1e6, 3),
                "waited_ms": round(span.waited_ns / 1e6, 3),
                "failed": span.failed,
                "facts": dict(span.facts),
            }
            for span in spans
        ],
    }


def _milestones(order: Known) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for one in order.milestones:
        after_s = (one.at - order.accepted_at).total_seconds()
        table.add_row(Text(_after(after_s), style="dim"), one.what, escape(one.detail))
    return table


def _print_episode(console: Console, episode: Episode, first_ns: int, last_ns: int) -> None:
    pause_s = (episode.started_ns - last_ns) / 1e9
    if pause_s > 0:
        console.print(f"\n[dim]{_span_of(pause_s)} later[/dim]")
    else:
        console.print()
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="dim")
    table.add_column("at", justify="right", no_wrap=True)
    table.add_column("waited", justify="right", no_wrap=True)
    table.add_column("took", justify="right", no_wrap=True)
    table.add_column(_scale(episode), no_wrap=True, min_width=BAR)
    table.add_column("step", no_wrap=True)
    table.add_column("", overflow="fold")
    for row in episode.rows:
        span = row.span
        table.add_row(
            Text(_after((span.started_ns - first_ns) / 1e9), style="dim"),
            Text(_short(span.waited_ns) if span.waited_ns else "", style="dim"),
            _short(span.took_ns),
            _bar(row, episode),
            Text("  " * row.depth + _name(row), style="bold" if row.depth == 0 else ""),
            Text(_told(span.facts), style="red" if span.failed else "dim"),
        )
    console.print(table)


def _name(row: Row) -> str:
    """A type's name without the namespace that all have."""
    return row.span.name.replace(" dispatch.", " ").removeprefix("dispatch.")


def _scale(episode: Episode) -> str:
    return f"{_span_of((episode.ended_ns - episode.started_ns) / 1e9)} from left to right"


def _bar(row: Row, episode: Episode) -> Text:
    """Where the span lies in its episode: dots while its message waited, then a line."""
    whole_ns = max(1, episode.ended_ns - episode.started_ns)

    def place(moment_ns: int) -> int:
        return min(BAR, max(0, (moment_ns - episode.started_ns) * BAR // whole_ns))

    span = row.span
    begin = min(BAR - 1, place(span.started_ns))
    end = max(begin + 1, place(span.ended_ns))
    waits = min(begin, place(span.started_ns - span.waited_ns))
    bar = Text(" " * waits)
    bar.append("·" * (begin - waits), style="dim")
    if row.depth:
        bar.append("─" * (end - begin), style="red" if span.failed else "cyan")
    else:
        bar.append("█" * (end - begin), style=_COLOURS.get(str(span.facts.get("outcome")), "blue"))
    return bar


def _told(facts: Mapping[str, Any]) -> str:
    return ", ".join(
        form.format(str(facts[name]).replace("_", " ") if name == "outcome" else facts[name])
        for name, form in _TOLD
        if name in facts and (name, str(facts[name])) not in _USUAL
    )


def _summed(sums: Sum) -> str:
    retried = f", {sums.retries} of them further attempts" if sums.retries else ""
    return (
        f"{sums.steps} steps{retried}: {_span_of(sums.busy_s)} at work, "
        f"{_span_of(sums.waited_s)} under way; at most {sums.at_most_usd * 100:.4f} US cents"
    )


def _after(seconds: float) -> str:
    return f"+{_span_of(seconds)}" if seconds >= 0 else f"-{_span_of(-seconds)}"


def _span_of(seconds: float) -> str:
    if seconds < 1:
        return f"{seconds * 1e3:.0f} ms"
    if seconds < 120:
        return f"{seconds:.2f} s"
    minutes, rest_s = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest_s:02} s"


def _short(nanoseconds: int) -> str:
    return f"{nanoseconds / 1e6:.1f} ms" if nanoseconds < 1e9 else f"{nanoseconds / 1e9:.2f} s"


def _moment(nanoseconds: int) -> str:
    return datetime.fromtimestamp(nanoseconds / 1e9, UTC).isoformat()
