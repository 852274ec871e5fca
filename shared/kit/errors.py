"""What can go wrong, sorted by what the caller should do next.

DispatchError
├── Rejected   the request is wrong; asking again gives the same answer  -> acknowledge and park
├── NotYet     the world is not ready; ask again later                   -> redeliver
│   └── Untried    what it needs is known to be away; it counts for nothing
└── Fault      our mistake, or a promise between modules that broke      -> redeliver and page
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

Fact = str | int | None


@dataclass(frozen=True, slots=True)
class WrongField:
    """One of the fields that are wrong: a dotted path, empty for the whole body, and why."""

    field: str
    reason: str


class DispatchError(Exception):
    """Base class. `code` is stable, lower_snake and safe to show; `facts` are safe to log."""

    code: ClassVar[str] = "dispatch_error"

    def __init__(self, message: str, **facts: Fact) -> None:
        super().__init__(message)
        self.facts = facts


class Rejected(DispatchError):
    """The request is wrong: the same request will get the same answer for ever.

    `wrong` names every field that is to blame, where there are any; `facts` the first of them.
    """

    code = "rejected"

    def __init__(self, message: str, *, wrong: Sequence[WrongField] = (), **facts: Fact) -> None:
        super().__init__(message, **facts)
        self.wrong = tuple(wrong)


class NotEnough(Rejected):
    """There is less than is wanted; `missing` says of what, and how much."""

    code = "not_enough"

    def __init__(
        self,
        message: str,
        *,
        missing: Mapping[str, int],
        wrong: Sequence[WrongField] = (),
        **facts: Fact,
    ) -> None:
        super().__init__(message, wrong=wrong, **facts)
        self.missing = missing


class NotYet(DispatchError):
    """The request may well be right, but something it needs has not arrived yet."""

    code = "not_yet"


class Untried(NotYet):
    """It was not tried at all, because it could not succeed now: that is no attempt."""

    code = "untried"


class Fault(DispatchError):
    """We broke a promise of our own; a person should look, and a retry may still succeed."""

    code = "fault"


class Malformed(Rejected):
    """Bytes that do not fit their contract. `field` is a dotted path, empty for the whole body."""

    code = "malformed"

    def __init__(
        self, message: str, *, field: str = "", wrong: Sequence[WrongField] = (), **facts: Fact
    ) -> None:
        super().__init__(message, wrong=wrong, field=field, **facts)
        self.field = field
