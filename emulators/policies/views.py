"""How policies look: as JSON for programs, as tables for people."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rich.markup import escape
from rich.table import Table

from emulators.laptop.screen import screen
from shared.contracts.policies import PolicyDocument
from shared.placement.policy import EVERY_CHANNEL, Policy, Version

Document = dict[str, Any]

EVERY_OTHER = "every other"  # channel: those without a policy of their own


def versions_as_json(versions: Sequence[Version]) -> Document:
    """Every version."""
    return {
        "policies": [
            {
                **policy_as_json(version.policy),
                "channel": version.channel or None,
                "version": version.version,
                "valid_from": version.valid_from.isoformat(),
                "published_by": version.published_by,
                "reason": version.reason,
            }
            for version in versions
        ]
    }


def policy_as_json(policy: Policy) -> Document:
    """All that a policy says."""
    said = asdict(policy)
    for name in ("excluded_warehouses", "excluded_services"):
        said[name] = sorted(said[name])
    said["fallbacks"] = [fallback._asdict() for fallback in policy.fallbacks]
    return said


def print_versions(versions: Sequence[Version]) -> None:
    """A line a version."""
    console = screen()
    if not versions:
        console.print("No policy was published: the default holds for every channel.")
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("policy", "channel", "valid from", "by", "why"):
        table.add_column(name)
    for version in versions:
        table.add_row(
            escape(version.policy.policy_id),
            EVERY_OTHER if version.channel == EVERY_CHANNEL else escape(version.channel),
            version.valid_from.isoformat(sep=" ", timespec="seconds"),
            escape(version.published_by),
            escape(version.reason),
        )
    console.print(table)


def print_policy(policy: Policy) -> None:
    """A line a wish."""
    _print(policy_as_json(policy))


def print_document(document: PolicyDocument) -> None:
    """What a document would publish."""
    said = document.model_dump(mode="json")
    _print(said | {"channel": document.channel or EVERY_OTHER})


def print_line(said: str) -> None:
    """What was done, in a line."""
    screen().print(escape(said))


def _print(said: Mapping[str, Any]) -> None:
    table = Table(box=None, pad_edge=False, show_header=False)
    for name, value in said.items():
        table.add_row(name.replace("_", " "), escape(_worded(value)))
    screen().print(table)


def _worded(value: Any) -> str:
    if value is None:
        return "never"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {cents}" for name, cents in value.items()) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(map(_entry, value)) or "none"
    return str(value)


def _entry(value: Any) -> str:
    if isinstance(value, Mapping):  # a fallback
        return f"{value['carrier']} in {value['zone']} -> {', then '.join(value['to'])}"
    return str(value)
