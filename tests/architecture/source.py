"""The files of the house, as the checks read them."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from emulators.laptop.stack import ROOT

PRODUCT = ("functions", "shared")
OURS = (*PRODUCT, "emulators", "infra", "tests")


@dataclass(frozen=True)
class Module:
    """A module, which may exist nowhere but in a test: its path below the root, and its text."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The text as a tree, which half of the modules are never asked for."""
        return ast.parse(self.text)


@cache
def modules(*folders: str) -> tuple[Module, ...]:
    """Every module below the given folders."""
    return tuple(
        Module(path.relative_to(ROOT).as_posix(), path.read_text())
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*.py"))
    )


def files() -> Iterator[Path]:
    """Every file that a checkout has, whatever it holds; what tools leave behind is not among."""
    tops = [path for path in ROOT.iterdir() if path.is_file() and path.name != ".git"]
    folders = [ROOT / name for name in (*OURS, ".ci")]
    below = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return (path for path in sorted(tops + below) if "__pycache__" not in path.parts)
