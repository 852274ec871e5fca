"""A flow that needs the outside world has several steps, each a transaction of its own."""

from collections.abc import Callable
from typing import Protocol, TypeVar

from shared.platform.db import Transaction

Result = TypeVar("Result")


class Run(Protocol):
    """Runs one step, commits it, and sends what it announced."""

    def __call__(self, step: Callable[[Transaction], Result], /) -> Result: ...
