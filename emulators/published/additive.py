"""Whether a contract's JSON Schema takes nothing back that an earlier one had promised.

A version of a contract is additive only: what was ever sent under its name can be read for ever.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Schema = Mapping[str, Any]

# A higher value than before, or one where there was none, takes less than before; or a lower one.
_LOWER_BOUNDS = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_UPPER_BOUNDS = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
# Two of these cannot be compared, so any other value than before counts as narrower.
_EXACT = (
    "pattern", "format", "const", "multipleOf", "uniqueItems", "propertyNames",
    "patternProperties", "prefixItems",
)  # fmt: skip


def breaks(old: Schema, new: Schema, *, told: bool) -> list[str]:
    """Sentences about all that `new` takes back; none when it is additive.

    Args:
        old: a JSON Schema as pydantic makes it, of what was promised.
        new: the same of what is there now.
        told: we send it, so whoever reads it relies on its required fields being there.
    """
    comparison = _Comparison(old.get("$defs", {}), new.get("$defs", {}), told)
    return list(comparison.broken("", old, new))


@dataclass(frozen=True, slots=True)
class _Comparison:
    old_parts: Mapping[str, Schema]
    new_parts: Mapping[str, Schema]
    told: bool

    def broken(self, path: str, old: Schema, new: Schema) -> Iterator[str]:
        """What the field at `path` no longer takes, and what is below it."""
        old, new = resolved(old, self.old_parts), resolved(new, self.new_parts)
        if "anyOf" in old or "anyOf" in new:
            yield from self._alternatives(path, old, new)
            return
        where = path or "the whole"
        lost = _types(old) - _types(new)
        if lost and not (lost == {"integer"} and "number" in _types(new)):
            yield f"{where}: no longer takes {_listed(lost)}."
            return
        yield from _values(where, old, new)
        yield from self._fields(path, old, new)
        if "items" in old or "items" in new:
            yield from self.broken(f"{path}[]", old.get("items", {}), new.get("items", {}))

    def _alternatives(self, path: str, old: Schema, new: Schema) -> Iterator[str]:
        choices = new.get("anyOf", [new])
        for choice in old.get("anyOf", [old]):
            if not any(not list(self.broken(path, choice, other)) for other in choices):
                kind = choice.get("type") or choice.get("$ref", "").rpartition("/")[2]
                yield f"{path or 'the whole'}: no longer takes every {kind} that it took."

    def _fields(self, path: str, old: Schema, new: Schema) -> Iterator[str]:
        before, after = old.get("properties", {}), new.get("properties", {})
        needed, needed_now = set(old.get("required", ())), set(new.get("required", ()))
        prefix = f"{path}." if path else ""
        for name in before:
            if name in after:
                yield from self.broken(f"{prefix}{name}", before[name], after[name])
            else:
                yield f"{prefix}{name}: was removed or renamed."
        for name in sorted(needed_now - needed):
            what = "has become required" if name in before else "is new and required"
            yield f"{prefix}{name}: {what}."
        if self.told:
            for name in sorted((needed - needed_now) & set(after)):
                yield f"{prefix}{name}: is no longer always there."
        others, others_now = (s.get("additionalProperties", True) for s in (old, new))
        if others is not False and others_now is False:
            yield f"{path or 'the whole'}: no longer takes other fields."
        elif others_now is not True:
            yield from self.broken(f"{path}{{}}", _as_schema(others), _as_schema(others_now))


def _values(where: str, old: Schema, new: Schema) -> Iterator[str]:
    if "enum" in new:
        lost = set(old["enum"]) - set(new["enum"]) if "enum" in old else {"other values"}
        if lost:
            yield f"{where}: no longer takes {_listed(lost)}."
    for bounds, sign in ((_LOWER_BOUNDS, 1), (_UPPER_BOUNDS, -1)):
        for bound in bounds:
            if bound in new and (bound not in old or sign * new[bound] > sign * old[bound]):
                yield f"{where}: {bound} is {new[bound]} now and was {old.get(bound, 'not set')}."
    for keyword in _EXACT:
        if keyword in new and new[keyword] != old.get(keyword):
            yield f"{where}: {keyword} is another than before."


def _types(schema: Schema) -> set[str]:
    """The JSON types that a schema takes; all of them where it names none."""
    named = schema.get("type")
    if named is None:
        return {"object", "array", "string", "integer", "number", "boolean", "null"}
    return set(named) if isinstance(named, list) else {named}


def resolved(schema: Schema, parts: Mapping[str, Schema]) -> Schema:
    """The schema itself, where a reference to one of the `parts` stands for it."""
    while "$ref" in schema:
        schema = parts[schema["$ref"].rpartition("/")[2]]
    return schema


def _as_schema(value: Any) -> Schema:
    return value if isinstance(value, dict) else {}


def _listed(names: set[Any]) -> str:
    return ", ".join(sorted(map(str, names)))
