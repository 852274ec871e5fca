"""What a command shows on standard output."""

import sys

from rich.console import Console

PIPED_COLUMNS = 200  # a file or a pipe has no width, and what is cut there cannot be searched


def screen() -> Console:
    """The terminal at its width; as wide as need be where somebody else reads it."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else PIPED_COLUMNS)
