"""What somebody had before them when they decided, as a text that can be read back."""

import base64
import json
from collections.abc import Mapping

from shared.kit.errors import Changed, Fact, Malformed, Stale

Facts = Mapping[str, str]


def version(facts: Facts) -> str:
    """The facts as one word."""
    text = json.dumps(dict(facts), separators=(",", ":"), sort_keys=True)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def refuse_changed(
    what: str, seen: str | None, now: Facts, *, about: str = "", **named: Fact
) -> None:
    """Go on if all is as it was in the version that was `seen`; None: nobody has looked.

    Args:
        what: of what it is a version, for people.
        seen: the version.
        now: the facts as they are.
        about: only facts whose names begin so count.
        named: facts of the error.

    Raises:
        Stale: it is not; says what has changed.
        Malformed: the version is none of ours.
    """
    if seen is None:
        return
    was = _read(seen)
    changed = [
        Changed(name, was.get(name, "not there"), now.get(name, "not there"))
        for name in sorted(was.keys() | now.keys())
        if name.startswith(about) and was.get(name) != now.get(name)
    ]
    if changed:
        raise Stale(
            f"{what} has changed since you looked: "
            + "; ".join(f"{one.field} was {one.was}, is {one.now}" for one in changed),
            changed=changed,
            **named,
        )


def _read(seen: str) -> Facts:
    try:
        said = json.loads(base64.urlsafe_b64decode(seen + "=" * (-len(seen) % 4)))
    except (ValueError, RecursionError):  # of base64 too; a stranger may nest it as deep as it goes
        said = None
    if not isinstance(said, dict) or not all(isinstance(value, str) for value in said.values()):
        raise Malformed("If-Match: is no version that was given out", field="If-Match")
    return said
