"""Valid bodies of any contract, drawn from its JSON Schema."""

import importlib
import pkgutil
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC
from functools import cache
from typing import Any, TypeVar

from hypothesis import strategies as st

from shared import contracts
from shared.contracts.base import NO_NUL, Event, Work

Kind = TypeVar("Kind", Event, Work)

TEXT = st.characters(exclude_categories=["Cs"], exclude_characters="\0")


def all_contracts() -> list[type[Event | Work]]:
    """Every event and every piece of work that has a type, by its name."""
    for module in pkgutil.iter_modules(contracts.__path__):
        importlib.import_module(f"{contracts.__name__}.{module.name}")
    found: list[type[Event | Work]] = [
        *_typed(Event.__subclasses__()),
        *_typed(Work.__subclasses__()),
    ]
    return sorted(found, key=lambda contract: contract.type)


def _typed(below: Iterable[type[Kind]]) -> Iterator[type[Kind]]:
    for contract in below:
        ours = contract.__module__.startswith(contracts.__name__)  # tests make some of their own
        if ours and "type" in vars(contract):
            yield contract
        yield from _typed(contract.__subclasses__())


@cache
def bodies(contract: type[Event | Work]) -> st.SearchStrategy[dict[str, Any]]:
    """Bodies that fit the contract."""
    schema = contract.model_json_schema()
    return _drawn(schema, schema.get("$defs", {}))


def _drawn(  # noqa: PLR0911  one for each kind of schema
    schema: Mapping[str, Any], parts: Mapping[str, Any]
) -> st.SearchStrategy[Any]:
    schema = parts[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "anyOf" in schema:  # how pydantic says that a field may be left out
        of, _null = schema["anyOf"]
        return st.none() | _drawn(of, parts)
    match schema["type"]:
        case "object":
            return _object(schema, parts)
        case "array":
            return _array(schema, parts)
        case "string":
            return _string(schema)
        case "integer":
            return st.integers(schema.get("minimum", -(2**31)), schema.get("maximum", 2**31))
        case "boolean":
            return st.booleans()
        case "number":
            return st.floats(schema["minimum"], schema["maximum"])
        case other:
            raise AssertionError(f"no strategy for {other}")


def _array(schema: Mapping[str, Any], parts: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    part = parts.get(schema["items"].get("$ref", "").rpartition("/")[2], {})
    return st.lists(
        _drawn(schema["items"], parts),
        min_size=schema.get("minItems", 0),
        max_size=4,
        unique_by=(lambda item: item["line_no"])
        if "line_no" in part.get("properties", ())
        else None,
    )


def _object(schema: Mapping[str, Any], parts: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    if "properties" in schema:
        fields = {name: _drawn(field, parts) for name, field in schema["properties"].items()}
        required = {name: fields[name] for name in schema.get("required", ())}
        optional = {name: fields[name] for name in fields.keys() - required.keys()}
        return st.fixed_dictionaries(required, optional=optional)
    values = schema.get("patternProperties") or {NO_NUL: schema["additionalProperties"]}
    ((pattern, value),) = values.items()
    keys = _string({**schema.get("propertyNames", {}), "pattern": pattern})
    return st.dictionaries(keys, _drawn(value, parts), max_size=3)


def _string(schema: Mapping[str, Any]) -> st.SearchStrategy[str]:
    if schema.get("format") == "date-time":
        return st.datetimes(timezones=st.just(UTC)).map(lambda moment: moment.isoformat())
    if schema.get("format") == "date":
        return st.dates().map(lambda day: day.isoformat())
    least, most = schema.get("minLength", 0), schema.get("maxLength", 30)
    pattern = schema.get("pattern", NO_NUL)
    if pattern == NO_NUL:
        return st.text(TEXT, min_size=least, max_size=min(most, 30))
    return st.from_regex(pattern, fullmatch=True).filter(lambda text: least <= len(text) <= most)
