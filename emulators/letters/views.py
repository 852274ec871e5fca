"""How letters look: as JSON for programs, as tables for people."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rich.markup import escape

from emulators.laptop.screen import screen
from shared.flows.each_letter import Result
from shared.flows.try_letter import Trial
from shared.ops.snapshots import Change
from shared.platform.letters import Letter, Page

Document = dict[str, Any]


def letter_as_json(letter: Letter) -> Document:
    """A letter with its whole story. A payload that is no text has its bytes escaped."""
    moments = ("parked_at", "first_failed_at", "last_failed_at", "settled_at")
    found = {name: getattr(letter, name) for name in moments}
    return {
        "letter_id": letter.letter_id,
        "source": letter.source,
        "message_id": letter.message_id,
        **letter.why._asdict(),
        "state": letter.state,
        "order_id": letter.order_id,
        "attempts": letter.attempts,
        "correlation_id": letter.correlation_id,
        **{name: None if at is None else at.isoformat() for name, at in found.items()},
        "settled_by": letter.settled_by,
        "settled_why": letter.settled_why,
        "history": list(letter.history),
        "ordering_key": letter.ordering_key,
        "attributes": dict(letter.attributes),
        "payload": letter.payload.decode(errors="backslashreplace"),
    }


def page_as_json(page: Page) -> Document:
    """A page of letters; `before` asks for the next one, null when there is none."""
    return {"letters": [letter_as_json(one) for one in page.letters], "before": page.before}


def trial_as_json(trial: Trial) -> Document:
    """What a dry run found."""
    return {
        "outcome": trial.outcome,
        "code": trial.code,
        "reason": trial.reason,
        "changes": [change._asdict() for change in trial.changes],
        "announces": list(trial.announces),
        "charged_cents": dict(trial.charged_cents),
        "quoted_cents": dict(trial.quoted_cents),
    }


def results_as_json(results: Sequence[Result]) -> Document:
    """What became of each letter."""
    return {"results": [asdict(result) for result in results]}


def print_page(page: Page) -> None:
    """Two lines a letter: nothing that one would search for or type again is cut."""
    console = screen()
    if not page.letters:
        console.print("No letters.")
    for one in page.letters:
        at = one.last_failed_at.isoformat(sep=" ", timespec="seconds")
        order = f"  order {one.order_id}" if one.order_id else ""
        head = f"{one.letter_id:>6}  {one.state}  {one.source}  {one.why.code}{order}"
        console.print(escape(head))
        console.print(escape(f"        {at}  {one.why.reason}"))
    if page.before is not None:
        console.print(f"More with --before {page.before}")


def print_letter(letter: Letter) -> None:
    """The story, line by line, then what was sent."""
    story = letter_as_json(letter)
    payload = story.pop("payload")
    console = screen()
    for name, value in story.items():
        if name == "history":
            for past in value:
                console.print(f"{'before':<16} {escape(_told(past))}")
        elif value not in (None, "", {}):
            said = _told(value) if isinstance(value, Mapping) else str(value)
            console.print(f"{name:<16} {escape(said)}")
    console.print("")
    console.print(escape(_pretty(payload)))


def print_trial(trial: Trial) -> None:
    """The outcome, each row that would change, what would go out, and the money."""
    console = screen()
    console.print(escape(" ".join(filter(None, (trial.outcome, trial.code, trial.reason)))))
    for change in trial.changes:
        console.print(escape(_changed(change)))
    for kind in trial.announces:
        console.print(escape(f"announces {kind}"))
    for what, cents in (("charged", trial.charged_cents), ("quoted", trial.quoted_cents)):
        for currency, more in cents.items():
            console.print(f"{what} {more:+} cents {currency}")


def print_results(results: Sequence[Result], done: str) -> None:
    """One line a letter."""
    console = screen()
    for one in results:
        said = done if one.done else f"refused: {one.reason} ({one.code})"
        console.print(escape(f"{one.letter_id:>6}  {said}"))
    console.print(f"{sum(one.done for one in results)} of {len(results)} {done}")


def _told(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())


def _changed(change: Change) -> str:
    head = f"{change.table} {change.subject}"
    if change.before is None:
        return f"{head}: new, {_told(change.after or {})}"
    if change.after is None:
        return f"{head}: gone"
    after = change.after
    steps = [f"{name} {old} -> {after[name]}" for name, old in change.before.items()]
    return f"{head}: {', '.join(steps)}"


def _pretty(payload: str) -> str:
    try:
        return json.dumps(json.loads(payload), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return payload
