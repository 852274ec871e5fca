"""What Pub/Sub can check of an inbound topic's messages: a Protocol Buffers schema a topic.

A schema does not see the attribute that tells the types of events apart. So one message holds the
fields of all of them, each optional, and says which fields there are and of which kind; what has
to be there, bounds and patterns are beyond it. Source: the proto3 language guide.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from emulators.published.additive import resolved
from shared.contracts.base import Event

HEADER = """\
// The fields of messages on `{topic}` and their kinds, which is what Pub/Sub can check.
// What has to be there, bounds and patterns stand in ../schemas, for each of these types:
{types}
syntax = "proto3";
"""
SCALARS = {"string": "string", "integer": "int64", "number": "double", "boolean": "bool"}

_MESSAGE = re.compile(r"message (\w+) \{")
_FIELD = re.compile(r"((?:optional|repeated) \w+) (\w+) = (\d+);")


@dataclass(frozen=True, slots=True)
class Field:
    """How a field is declared, for instance `repeated Lines`, and the number it keeps for ever."""

    declared: str
    number: int


# By the path of their message, for instance Orders.Lines.
Fields = Mapping[str, Mapping[str, Field]]


def document(topic: str, events: Sequence[type[Event]], stored: str) -> str:
    """The .proto of a topic.

    Args:
        topic: its short name.
        events: every contract that travels on it.
        stored: the .proto as it is now, whose fields keep their numbers; may be empty.
    """
    fields: dict[str, dict[str, str]] = {}
    for event in events:
        schema = event.model_json_schema()
        _collect(schema, schema.get("$defs", {}), _message_name(topic), fields)
    known = parsed(stored)
    numbered = {path: _numbered(inner, known.get(path, {})) for path, inner in fields.items()}
    types = "\n".join(f"// {event.type}" for event in events)
    body = "\n".join(_rendered(_message_name(topic), numbered, indent=""))
    return HEADER.format(topic=topic, types=types) + f"\n{body}\n"


def breaks(old: str, new: str) -> list[str]:
    """Sentences about every field of the .proto `old` that `new` does not have as it was."""
    after = parsed(new)
    sentences = []
    for path, fields in parsed(old).items():
        for name, field in fields.items():
            now = after.get(path, {}).get(name)
            if now is None:
                sentences.append(f"{path}.{name}: was removed or renamed.")
            elif now != field:
                sentences.append(
                    f"{path}.{name}: is {now.declared} = {now.number} now and was "
                    f"{field.declared} = {field.number}."
                )
    return sentences


def parsed(text: str) -> Fields:
    """The fields of a .proto that `document` made."""
    found: dict[str, dict[str, Field]] = {}
    path: list[str] = []
    for line in map(str.strip, text.splitlines()):
        if message := _MESSAGE.fullmatch(line):
            path.append(message[1])
            found[".".join(path)] = {}
        elif field := _FIELD.fullmatch(line):
            found[".".join(path)][field[2]] = Field(field[1], int(field[3]))
        elif line == "}":
            path.pop()
    return found


def _collect(
    schema: Mapping[str, Any],
    parts: Mapping[str, Any],
    message: str,
    into: dict[str, dict[str, str]],
) -> None:
    """Add the fields of an object's JSON Schema, and of what is inside it, to those known."""
    fields = into.setdefault(message, {})
    for name, whole in schema["properties"].items():
        part = _value(whole, parts)
        label = "optional"
        if part.get("type") == "array":
            label, part = "repeated", _value(part["items"], parts)
        if "properties" in part:
            kind = _message_name(name)
            _collect(part, parts, f"{message}.{kind}", into)
        elif part.get("type") in SCALARS:
            kind = SCALARS[part["type"]]
        else:
            raise ValueError(f"{message}.{name}: there is no way to say this to Pub/Sub yet.")
        declared = f"{label} {kind}"
        if fields.setdefault(name, declared) != declared:
            raise ValueError(f"{message}.{name}: is {fields[name]} in one event, {declared} here.")


def _value(schema: Mapping[str, Any], parts: Mapping[str, Any]) -> Mapping[str, Any]:
    """What stands in a field when it is not null, which every field may be."""
    schema = resolved(schema, parts)
    kinds = [kind for kind in schema.get("anyOf", ()) if kind.get("type") != "null"]
    return resolved(kinds[0], parts) if len(kinds) == 1 else schema


def _numbered(declared: Mapping[str, str], known: Mapping[str, Field]) -> dict[str, Field]:
    """Fields in the order of their numbers; new ones come after all that were ever given."""
    numbers = {name: field.number for name, field in known.items()}
    for name in declared:
        numbers.setdefault(name, max(numbers.values(), default=0) + 1)
    in_order = sorted(declared, key=numbers.__getitem__)
    return {name: Field(declared[name], numbers[name]) for name in in_order}


def _rendered(path: str, messages: Fields, indent: str) -> Iterable[str]:
    yield f"{indent}message {path.rpartition('.')[2]} {{"
    for name, field in messages[path].items():
        yield f"{indent}  {field.declared} {name} = {field.number};"
    for inner in messages:
        if inner.rpartition(".")[0] == path:
            yield ""
            yield from _rendered(inner, messages, f"{indent}  ")
    yield f"{indent}}}"


def _message_name(name: str) -> str:
    return "".join(word.capitalize() for word in re.split("[-_]", name))
