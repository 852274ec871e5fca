"""What the source says about itself: who hears and tells what, and who writes which table.

Read from the files rather than from running code, so that a seeded copy can be read as well.
"""

import ast
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from emulators.laptop.manifest import Manifest, TasksTrigger
from shared.contracts.base import Event, Work

Contract = type[Event] | type[Work]

_CREATED = re.compile(r"\bCREATE TABLE (\w+)\b(?! PARTITION OF)")  # a part is no table of its own
_WRITTEN = re.compile(
    r"\b(?:INSERT\s+INTO|UPDATE|DELETE\s+FROM|MERGE\s+INTO|COPY|TRUNCATE(?:\s+TABLE)?)"
    r"\s+(?:ONLY\s+)?(\w+)",
    re.IGNORECASE,
)
# What is tried is taken back, with all that it would announce.
_TRIED = "shared.flows.try_letter"
_READ = re.compile(r"\b(?:FROM|JOIN|USING)\s+(\w+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Reach:
    """What one function's main.py handles, and what the flows behind it may announce."""

    hears: frozenset[str]  # names of contracts
    tells: frozenset[str]


def contracts(root: Path) -> dict[str, Contract]:
    """Every event and every piece of work below `root`/shared/contracts, by class name."""
    stems = sorted(path.stem for path in (root / "shared/contracts").glob("[!_]*.py"))
    modules = [import_module(f"shared.contracts.{stem}") for stem in stems]
    return {
        name: thing
        for module in modules
        for name, thing in vars(module).items()
        if isinstance(thing, type) and issubclass(thing, Event | Work) and "type" in vars(thing)
    }


def reaches(root: Path) -> dict[str, Reach]:
    """The reach of every function, by folder name."""
    known = contracts(root)
    read = cache(_words)  # most functions stand on the same flows
    return {
        main.parent.name: _reach(read, root, main, known)
        for main in sorted((root / "functions").glob("*/main.py"))
    }


def queues_of(work: type[Work], manifests: Mapping[str, Manifest]) -> frozenset[str]:
    """The served queues that may carry `work`; its fields stand for any value.

    What is express may have queues with names of another form.
    """
    any_value: dict[str, Any] = dict.fromkeys(work.model_fields, "*")
    express = {"priority": "express"} if "priority" in any_value else {}
    patterns = [work.model_construct(**{**any_value, **more}).queue for more in ({}, express)]
    served = (
        queue
        for manifest in manifests.values()
        if isinstance(manifest.trigger, TasksTrigger)
        for queue in manifest.trigger.queues
    )
    return frozenset(
        queue for queue in served if any(fnmatch(queue, pattern) for pattern in patterns)
    )


def tables(root: Path) -> tuple[str, ...]:
    """Every table that the migrations make, in their order."""
    versions = sorted((root / "shared/platform/migrations/versions").glob("[0-9]*.py"))
    made = (name for path in versions for name in _CREATED.findall(path.read_text()))
    return tuple(dict.fromkeys(made))  # one that was made anew is still one


def writers(root: Path) -> dict[str, frozenset[str]]:
    """Table -> the modules below shared/ and functions/ with a statement that writes to it."""
    return _touched(root, _WRITTEN)


def readers(root: Path) -> dict[str, frozenset[str]]:
    """Table -> the modules below shared/ and functions/ with a statement that reads it."""
    return _touched(root, _READ)


def statements(tree: ast.AST) -> Iterator[str]:
    """Every text in a module that is not a docstring; what an f-string inserts becomes a `?`."""
    prose = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = (p.value if isinstance(p, ast.Constant) else "?" for p in node.values)
            yield "".join(str(part) for part in parts)
        elif isinstance(node, ast.Constant) and id(node) not in prose:
            yield node.value if isinstance(node.value, str) else ""


def _touched(root: Path, pattern: re.Pattern[str]) -> dict[str, frozenset[str]]:
    by_table: dict[str, set[str]] = {table: set() for table in tables(root)}
    for folder in ("shared", "functions"):
        for path in sorted((root / folder).rglob("*.py")):
            name = path.relative_to(root).as_posix()
            if "/migrations/" in name:
                continue
            for sql in statements(ast.parse(path.read_text())):
                for table in pattern.findall(sql):
                    if table in by_table:
                        by_table[table].add(name)
    return {table: frozenset(modules) for table, modules in by_table.items()}


def _reach(
    read: Callable[[Path], "_Words"], root: Path, main: Path, known: Collection[str]
) -> Reach:
    tells: set[str] = set()
    seen: set[Path] = set()
    waiting = [main]
    while waiting:
        path = waiting.pop()
        seen.add(path)
        words = read(path)
        tells |= words.called.intersection(known)
        for module, name in words.imported:
            if module.startswith(("shared.flows", "shared.edge")) and module != _TRIED:
                place = root.joinpath(*module.split("."))
                near = (place.with_suffix(".py"), place / f"{name}.py")
                waiting += [file for file in near if file.is_file() and file not in seen]
    hears = {name for _, name in read(main).imported if name in known}
    return Reach(frozenset(hears), frozenset(tells))


@dataclass(frozen=True, slots=True)
class _Words:
    """What a module imports as (module, name), and the names that it calls."""

    imported: frozenset[tuple[str, str]]
    called: frozenset[str]


def _words(path: Path) -> _Words:
    imported: set[tuple[str, str]] = set()
    called: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            imported |= {(node.module or "", alias.name) for alias in node.names}
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            called.add(node.func.id)
    return _Words(frozenset(imported), frozenset(called))
