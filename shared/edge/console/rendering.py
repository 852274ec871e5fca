"""Pages from templates. Everything that is put in is escaped; nothing of it runs or styles."""

import json
import re
from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from shared.edge.console import plots, static_files
from shared.kit.ids import new_id
from shared.kit.money import in_digits
from shared.ops.in_words import grouped, lasts, told

if TYPE_CHECKING:
    from shared.edge.console.codes import Code

FOLDER = Path(__file__).parent / "templates"
_OF_FIELD = re.compile(r"[a-z_.0-9]+: ")


def page(template: str, **context: Any) -> str:
    """The HTML of a page."""
    return environment().get_template(template).render(**context)


@cache
def environment() -> Environment:
    """The templates of the console."""
    made = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "money": money,
        "bare_money": bare_money,
        "moment": moment,
        "words": words,
        "sentence": sentence,
        "ago": told,
        "lasts": lasts,
        "day": day,
        "number": grouped,
        "kilograms": kilograms,
        "differences": differences,
    }
    made.globals |= {
        "plots": plots,
        "qr_code": _qr_code,
        "named": static_files.named,
        "new_key": lambda: new_id("key"),
    }
    return made


def _qr_code(text: str) -> "Code":
    from shared.edge.console.codes import qr_code  # noqa: PLC0415  only one page needs it

    return qr_code(text)


def money(cents: int, currency: str) -> str:
    """Minor units as people write them, with their currency: `1 234.50 EUR`."""
    return f"{bare_money(cents, currency)} {currency}"


def bare_money(cents: int, currency: str) -> str:
    """The same where the currency stands elsewhere."""
    return in_digits(cents, currency, whole=grouped, minus="−")


def sentence(text: str) -> str:
    """What a refusal says, as a page says it; one that begins with the name of a field stays so."""
    if _OF_FIELD.match(text):
        return text
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith(('.', '!', '?')) else '.'}"


def kilograms(grams: int) -> str:
    """A weight: `0.5 kg`."""
    whole, rest = divmod(grams, 1_000)
    return f"{whole}.{rest:03}".rstrip("0").rstrip(".") + " kg"


def moment(at: datetime) -> str:
    """A moment in UTC, to the minute."""
    return f"{at.day} {at:%b} {at:%H:%M}"


def day(on: date) -> str:
    """A day."""
    return f"{on:%a} {on.day} {on:%b}"


def differences(
    before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> list[tuple[str, str, str]]:
    """What was otherwise, one thing after the other: (what, before, after).

    What was not there, or is there no more, has an empty side.
    """
    was, now = _flat(before or {}), _flat(after or {})
    names = dict.fromkeys([*was, *now])
    return [
        (name, was.get(name, ""), now.get(name, ""))
        for name in names
        if was.get(name) != now.get(name)
    ]


def _flat(side: Mapping[str, Any]) -> dict[str, str]:
    """Rows of columns, or columns: each as one line, `row: column`."""
    found: dict[str, str] = {}
    for name, value in side.items():
        if isinstance(value, Mapping):
            found |= {f"{name}: {column}": _said(one) for column, one in value.items()}
        else:
            found[name] = _said(value)
    return found


def _said(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def words(name: str) -> str:
    """A name of ours as people read it: `partly placed`."""
    return name.replace("_", " ")
