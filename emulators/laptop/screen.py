"""What a command shows on standard output."""

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

from rich.console import Console

PIPED_COLUMNS = 200  # a file or a pipe has no width, and what is cut there cannot be searched


def screen() -> Console:
    """The terminal at its width; as wide as need be where somebody else reads it."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else PIPED_COLUMNS)


def tell(document: Mapping[str, Any], show: Callable[[], None], *, as_json: bool) -> None:
    """One JSON object for a program, or what people read."""
    if as_json:
        sys.stdout.write(json.dumps(document) + "\n")
    else:
        show()
