"""Tables to take away: what a page lists, all pages of it, as CSV (RFC 4180, UTF-8)."""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from shared.contracts.base import Document

ASKED_BY = "as"  # the word behind the question mark that asks for a table
CSV = "csv"
MOST_PAGES = 200
_RISKY = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet takes for a formula


class Sheet(NamedTuple):
    """The rows of a list, and whether there are more than a table has."""

    columns: Sequence[str]
    rows: Sequence[Document]
    has_more: bool


def collected(
    show: Callable[[Document | None], Document], asked: Document | None, field: str
) -> Sheet:
    """The rows of every page, from the one that was asked for on."""
    rows: list[Document] = []
    columns: Sequence[str] = ()
    cursor: str | None = None
    for _ in range(MOST_PAGES):
        following = asked
        if asked is not None and cursor is not None:
            following = asked.model_copy(update={"cursor": cursor})
        page = show(following)
        columns = columns or _columns(type(page), field)
        rows += getattr(page, field)
        cursor = getattr(page, "next", None)
        if cursor is None:
            break
    return Sheet(columns, rows, has_more=cursor is not None)


def text_of(sheet: Sheet) -> str:
    """The sheet as CSV, with a last line that says so where there is more."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(sheet.columns)
    for row in sheet.rows:
        writer.writerow([_cell(value) for value in _values(type(row), row.model_dump(mode="json"))])
    if sheet.has_more:
        writer.writerow(["There is more than a table has; filter the list, and take it in parts."])
    return out.getvalue()


def _columns(kind: type[Document], field: str) -> Sequence[str]:
    annotation: Any = kind.model_fields[field].annotation
    of: type[Document] = annotation.__args__[0]  # tuple[Row, ...]
    return tuple(_names(of))


def _names(of: type[Document]) -> Iterator[str]:
    """The fields of a row; what is a document itself is told field by field."""
    for name, part in _fields(of):
        if part is None:
            yield name
        else:
            yield from _names(part)


def _values(of: type[Document], said: Mapping[str, Any]) -> Iterator[Any]:
    """What a row says, in the order of its names."""
    for name, part in _fields(of):
        if part is None:
            yield said[name]
        else:
            yield from _values(part, said[name])


def _fields(of: type[Document]) -> Iterator[tuple[str, type[Document] | None]]:
    """Each field, and which document it is, where it is one."""
    for name, field in of.model_fields.items():
        kind: Any = field.annotation
        is_document = isinstance(kind, type) and issubclass(kind, Document)
        yield name, kind if is_document else None


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, list):
        return _cell(" ".join(str(_cell(one)) for one in value))
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, str) and value.startswith(_RISKY):
        return f"'{value}"
    return value
