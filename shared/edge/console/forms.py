"""Forms as documents: what a browser sends becomes what the contract of an act reads."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, get_origin

from pydantic import SecretStr
from werkzeug.datastructures import FileStorage, MultiDict

from shared.contracts.base import Document
from shared.edge.console.guard import FORM_FIELD
from shared.kit.errors import Malformed

D = TypeVar("D", bound=Document)

KEY_FIELD = "key"  # the idempotency key: a form that is sent twice does it once
SEEN_FIELD = "seen"  # the version that its page showed
LONGEST_NAME = 100  # of a file; its end says most
_CELL = re.compile(r"(\w+)\.([0-9]{1,4})\.(\w+)")  # of a row of a field
_OWN = frozenset({FORM_FIELD, KEY_FIELD, SEEN_FIELD})


@dataclass(frozen=True, slots=True)
class Failed:
    """A form that was refused, to be shown again as it was filled in.

    Attributes:
        form: its name.
        values: what was typed, by field.
        message: what is wrong, in a sentence.
        errors: field -> what is wrong with it.
        changed: what is no longer as it was on the page: (what, was, is).
    """

    form: str
    values: Mapping[str, list[str]]
    message: str
    errors: Mapping[str, str] = field(default_factory=dict)
    changed: tuple[tuple[str, str, str], ...] = ()


def read(
    form: MultiDict[str, str],
    contract: type[D],
    files: MultiDict[str, FileStorage] | None = None,
) -> D:
    """The document that a form says.

    A field that is left empty is not said; what is kept secret is said to the letter, and all else
    without the spaces around it. `units.0.sku` is the SKU of the first of the units; of
    these, one without a `quantity`, or with none of it, is left out: a page may offer more than are
    wanted. A file is said as its text, and what it is called as `<its field>_name`.

    Raises:
        Malformed: names every wrong field.
    """
    said = _files(files or MultiDict(), contract)
    rows: dict[str, dict[int, dict[str, str]]] = {}
    for name, values in form.lists():
        known = contract.model_fields.get(name)
        is_secret = known is not None and known.annotation is SecretStr
        given = [value if is_secret else value.strip() for value in values]
        given = [value for value in given if value]
        if name in _OWN or not given:
            continue
        if (cell := _CELL.fullmatch(name)) is not None:
            of, number, column = cell.groups()
            rows.setdefault(of, {}).setdefault(int(number), {})[column] = given[0]
        elif known is not None:
            said[name] = given if get_origin(known.annotation) is tuple else given[0]
    for of, by_number in rows.items():
        said[of] = [row for _, row in sorted(by_number.items()) if row.get("quantity", "0") != "0"]
    return contract.decode(json.dumps(said).encode())


def _files(files: MultiDict[str, FileStorage], contract: type[D]) -> dict[str, Any]:
    said: dict[str, Any] = {}
    for name, file in files.items():
        if name not in contract.model_fields or not file.filename:
            continue
        try:
            with file.stream as stream:
                said[name] = stream.read().decode("utf-8-sig")
        except UnicodeDecodeError:
            reason = "this is not text in UTF-8; save it as such, or as CSV"
            raise Malformed(f"{name}: {reason}", field=name) from None
        said[f"{name}_name"] = file.filename[-LONGEST_NAME:]
    return said


def failed(form: str, sent: MultiDict[str, str], problem: Mapping[str, Any]) -> Failed:
    """A refused form, from the problem document that a machine would get."""
    errors = {wrong["field"]: wrong["detail"] for wrong in problem.get("errors") or ()}
    if problem.get("field") and problem["field"] not in errors:
        errors[problem["field"]] = problem["detail"]
    return Failed(
        form,
        dict(sent.lists()),
        problem["detail"],
        errors,
        tuple((one["field"], one["was"], one["now"]) for one in problem.get("changed") or ()),
    )
