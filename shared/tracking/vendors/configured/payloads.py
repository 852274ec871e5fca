"""Reads JSON whose fields lie where a setting says."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

from pydantic import ConfigDict, Field, JsonValue, TypeAdapter, ValidationError

from shared.contracts.base import Document
from shared.kit.errors import Malformed
from shared.tracking.statuses import StatusTable
from shared.tracking.types import Location, TrackingReport, TrackingUpdate
from shared.tracking.vendors.reading import Code, LocalMoment, Tolerant, report_of, update_of

Path = Annotated[str, Field(pattern=r"^[^.\x00]+(\.[^.\x00]+)*$")]


class Fields(Document):
    """Where the fields lie: the first three in the body, the others in each of `updates`.

    Without `updates` the body itself is the one update. `kind` and `kinds`: only bodies that have
    one of these there are about a parcel's progress; without it all of them are.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True
    )

    tracking_code: Path
    carrier: Path | None = None
    updates: Path | None = None
    kind: Path | None = None
    kinds: frozenset[str] = frozenset()

    status: Path
    detail: Path | None = None
    occurred_at: Path
    message: Path | None = None
    city: Path | None = None
    state: Path | None = None
    postcode: Path | None = None
    country: Path | None = None


_BODY: TypeAdapter[dict[str, JsonValue]] = TypeAdapter(dict[str, JsonValue])
_CODE: TypeAdapter[str] = TypeAdapter(Code)
_TOLERANT: TypeAdapter[str] = TypeAdapter(Tolerant)
_MOMENT: TypeAdapter[Any] = TypeAdapter(LocalMoment)


def reader(fields: Fields, statuses: StatusTable) -> Callable[[bytes], TrackingReport | None]:
    """Reads bodies whose fields lie there."""
    return partial(_read, fields, statuses)


def _read(fields: Fields, statuses: StatusTable, body: bytes) -> TrackingReport | None:
    try:
        found = _BODY.validate_json(body)
    except ValidationError:
        raise Malformed("body: not a JSON object", field="") from None
    if fields.kind is not None and _text(found, fields.kind) not in fields.kinds:
        return None
    entries: JsonValue = [found] if fields.updates is None else _at(found, fields.updates)
    if not isinstance(entries, list) or not entries:
        raise Malformed(f"{fields.updates}: must be a list", field=fields.updates or "")
    updates = [
        _update(fields, statuses, entry, "" if fields.updates is None else f"{fields.updates}.{n}.")
        for n, entry in enumerate(entries)
    ]
    code = _checked(_CODE, found, fields.tracking_code, "")
    return report_of(code, _text(found, fields.carrier), updates)


def _update(fields: Fields, statuses: StatusTable, entry: JsonValue, prefix: str) -> TrackingUpdate:
    return update_of(
        statuses,
        _checked(_CODE, entry, fields.status, prefix),
        _text(entry, fields.detail),
        _checked(_MOMENT, entry, fields.occurred_at, prefix),
        message=_text(entry, fields.message),
        location=Location(
            city=_text(entry, fields.city),
            state=_text(entry, fields.state),
            postcode=_text(entry, fields.postcode),
            country=_text(entry, fields.country),
        ),
    )


def _at(found: JsonValue, path: str) -> JsonValue:
    for name in path.split("."):
        if not isinstance(found, dict):
            return None
        found = found.get(name)
    return found


def _text(found: JsonValue, path: str | None) -> str:
    return "" if path is None else _TOLERANT.validate_python(_at(found, path))


def _checked(adapter: TypeAdapter[Any], found: JsonValue, path: str, prefix: str) -> Any:
    try:
        return adapter.validate_python(_at(found, path))
    except ValidationError as error:
        field = prefix + path
        raise Malformed(f"{field}: {error.errors()[0]['msg']}", field=field) from None
