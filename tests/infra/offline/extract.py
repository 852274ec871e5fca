"""Makes `schema.json` anew from the package `cdktn-provider-google`, for a newer provider.

    pip download --no-deps cdktn-provider-google
    python -m tests.infra.offline.extract cdktn_provider_google-*.whl

The package (MPL-2.0) is generated from the provider's own schema: in it every attribute stands as
`// name - computed: …, optional: …, required: …`, above the getter that shows its type, and a class
for each block. What comes out has the form of `terraform providers schema -json`, for the types
that schema.json has already and those that are named beside the file. Blocks that nothing here uses
and that would be as long as all the rest are left out.
"""

import io
import json
import re
import sys
import tarfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

SCHEMA = Path(__file__).with_name("schema.json")

Json = dict[str, Any]
Classes = dict[str, tuple[str, list[str]]]  # name -> base, lines

_ATTRIBUTE = re.compile(r"^    // (\w+) - computed: (\w+), optional: (\w+), required: (\w+)$")
_CLASS = re.compile(r"^class (\w+) extends cdktn\.(\w+)", re.MULTILINE)
_NESTED = re.compile(r"= new (?:\w+\.)?(\w+?)\(this, \"\w+\"(?:, (true|false))?\)")
_VALUES = re.compile(
    r"Possible values: (\[[^\]]*\]).{0,2000}?/docs/resources/\w+#(\w+) (\w+)#\w+\}", re.DOTALL
)
_PROVIDER = re.compile(
    r"^            (\w+): \{.*?isBlock: (\w+),.*?storageClassType: \"(\w+)\"",
    re.MULTILINE | re.DOTALL,
)
_LEFT_OUT = {
    "google_compute_url_map": {
        "default_custom_error_response_policy",
        "custom_error_response_policy",
        "default_route_action",
        "route_action",
        "header_action",
        "route_rules",
        "test",
    }
}
_GETTERS: Json = {
    "getStringAttribute": "string",
    "getNumberAttribute": "number",
    "getBooleanAttribute": "bool",
    "getListAttribute": ["list", "string"],
    "getNumberListAttribute": ["list", "number"],
    "getStringMapAttribute": ["map", "string"],
}
_MAPS: Json = {
    "StringMap": ["map", "string"],
    "NumberMap": ["map", "number"],
    "BooleanMap": ["map", "bool"],
    "AnyMap": ["map", "dynamic"],
    "StringMapList": ["list", ["map", "string"]],
}
_SETTINGS: Json = {
    "string": "string",
    "boolean": "bool",
    "number": "number",
    "stringList": ["list", "string"],
    "stringMap": ["map", "string"],
}


def extract(wheel: Path, types: Sequence[str]) -> Json:
    """The schema of `types` (`google_x`, `data.google_x`).

    Raises:
        KeyError: the package has no such type.
    """
    archive = zipfile.ZipFile(wheel)
    names = archive.namelist()
    metadata = archive.read(next(n for n in names if n.endswith("METADATA"))).decode()
    version = re.search(r"hashicorp/google provider version (\d+\.\d+\.\d+)", metadata)
    inner = archive.read(next(n for n in names if n.endswith(".jsii.tgz")))
    sources = _sources(inner, {"provider": "provider", **{_folder(t): t for t in types}})
    found: Json = {
        "provider_version": version[1] if version else "",
        "provider": _provider(sources["provider"]["js"]),
        "resource_schemas": {},
        "data_source_schemas": {},
    }
    for kind in sorted(types):
        source = sources[kind]
        classes = _classes(source["js"])
        top = next(
            name
            for name, (base, _) in classes.items()
            if base in {"TerraformResource", "TerraformDataSource"}
        )
        group = "data_source_schemas" if kind.startswith("data.") else "resource_schemas"
        block = _block(top, classes, _enums(source["d.ts"]), _LEFT_OUT.get(kind, set()))
        found[group][kind.removeprefix("data.")] = block
    return found


def _folder(kind: str) -> str:
    is_data = kind.startswith("data.")
    name = kind.removeprefix("data.") if is_data else kind.removeprefix("google_")
    return ("data-" if is_data else "") + name.replace("_", "-")


def _sources(packed: bytes, wanted: dict[str, str]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    with tarfile.open(fileobj=io.BytesIO(packed), mode="r|gz") as archive:
        for entry in archive:
            # The classes of a large type are in files of their own.
            path = re.fullmatch(
                r"package/lib/([\w-]+)/(?:index|index-structs/structs\d+)\.(js|d\.ts)", entry.name
            )
            file = archive.extractfile(entry) if path and path[1] in wanted else None
            if path and file:
                texts = found.setdefault(wanted[path[1]], {})
                texts[path[2]] = texts.get(path[2], "") + file.read().decode()
    return found


def _classes(source: str) -> Classes:
    marks = [(m.start(), m[1], m[2]) for m in _CLASS.finditer(source)]
    ends = [*(start for start, _, _ in marks[1:]), len(source)]
    return {
        name: (base, source[start:end].splitlines())
        for (start, name, base), end in zip(marks, ends, strict=True)
    }


def _enums(declarations: str) -> dict[str, list[str]]:
    """Attribute -> its allowed values, where the documents list them the same at every mention."""
    found: dict[str, set[str | None]] = {}
    for comment in re.findall(r"/\*\*.*?\*/", declarations, re.DOTALL):
        values = _VALUES.search(comment)
        for name in re.findall(r"/docs/resources/\w+#(\w+) ", comment):
            found.setdefault(name, set()).add(values[1] if values else None)
    return {
        name: json.loads(only)
        for name, listed in found.items()
        if len(listed) == 1 and (only := next(iter(listed))) is not None
    }


def _attributes(lines: Sequence[str]) -> Iterator[tuple[str, Json, str]]:
    for number, line in enumerate(lines):
        if found := _ATTRIBUTE.match(line):
            flags = zip(("computed", "optional", "required"), found.groups()[1:], strict=True)
            text = "\n".join(lines[number + 1 : number + 4])
            yield found[1], {flag: True for flag, value in flags if value == "true"}, text


def _block(name: str, classes: Classes, enums: dict[str, list[str]], without: set[str]) -> Json:
    attributes: Json = {}
    blocks: Json = {}
    for attribute, flags, text in _attributes(classes[name][1]):
        if attribute in without:
            continue
        nested = _NESTED.search(text)
        if nested is None or nested[1] not in classes:
            kind = _kind(text)
            attributes[attribute] = {"type": kind, **flags}
            if kind == "string" and flags.keys() - {"computed"} and attribute in enums:
                attributes[attribute]["values"] = enums[attribute]
            continue
        is_set, is_single = nested[2] == "true", classes[nested[1]][0] == "ComplexObject"
        item = nested[1] if is_single else nested[1].removesuffix("List") + "OutputReference"
        inner = _block(item, classes, enums, without)
        if flags.keys() == {"computed"}:
            attributes[attribute] = {"type": ["set" if is_set else "list", _object(inner)], **flags}
            continue
        mode = "single" if attribute == "timeouts" else "set" if is_set else "list"
        blocks[attribute] = {
            "nesting_mode": mode,
            "block": inner,
            "min_items": int("required" in flags),
            "max_items": int(is_single and mode != "single"),
            **({"computed": True} if "computed" in flags else {}),
        }
    return {"attributes": attributes, "block_types": blocks}


def _kind(text: str) -> Any:
    if found := re.search(r"new cdktn\.(\w+)\(", text):
        return _MAPS[found[1]]
    getter = re.search(r"this\.(get\w+Attribute)\(", text)
    kind = _GETTERS[getter[1]] if getter else "string"
    return ["set", kind[1]] if "Fn.tolist" in text else kind


def _object(block: Json) -> list[Any]:
    fields = {name: attribute["type"] for name, attribute in block["attributes"].items()}
    nested = {name: ["list", _object(n["block"])] for name, n in block["block_types"].items()}
    return ["object", fields | nested]


def _provider(source: str) -> Json:
    settings = _PROVIDER.findall(source[source.index("synthesizeHclAttributes") :])
    return {
        "attributes": {
            name: {"type": _SETTINGS[kind], "optional": True}
            for name, is_block, kind in settings
            if is_block == "false"
        },
        "block_types": {},
    }


def main(words: Sequence[str]) -> None:
    """Write schema.json."""
    before = json.loads(SCHEMA.read_text())
    types = {
        *before["resource_schemas"],
        *(f"data.{name}" for name in before["data_source_schemas"]),
        *words[1:],
    }
    found = extract(Path(words[0]), sorted(types))
    SCHEMA.write_text(json.dumps(found, sort_keys=True, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
