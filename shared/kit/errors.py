"""What can go wrong, sorted by what the caller should do next.

DispatchError
├── Rejected   the request is wrong; asking again gives the same answer  -> acknowledge and park
├── NotYet     the world is not ready; ask again later                   -> redeliver
│   ├── Untried    what it needs is known to be away; it counts for nothing
│   └── TooFast    whoever was asked wants fewer questions; it counts for nothing
│                                                             -> slow the whole queue down
└── Fault      our mistake, or a promise between modules that broke      -> redeliver and page

DoneBefore is none of them: nothing went wrong.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, NamedTuple, Self

Fact = str | int | None


class WrongField(NamedTuple):
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

    @classmethod
    def naming(cls, wrong: Sequence[WrongField], **facts: Fact) -> Self:
        """For these fields, of which there is one at least; the message tells of the first."""
        first = wrong[0]
        return cls(f"{first.field}: {first.reason}", wrong=wrong, field=first.field, **facts)


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


class Changed(NamedTuple):
    """What was otherwise when somebody looked: what it is called, what it was, what it is."""

    field: str
    was: str
    now: str


class Stale(Rejected):
    """What somebody wants to change has changed since they looked; `changed` says how."""

    code = "stale"

    def __init__(self, message: str, *, changed: Sequence[Changed], **facts: Fact) -> None:
        super().__init__(message, wrong=(), **facts)
        self.changed = tuple(changed)


class NotYet(DispatchError):
    """The request may well be right, but something it needs has not arrived yet."""

    code = "not_yet"


class Untried(NotYet):
    """It was not tried at all, because it could not succeed now: that is no attempt."""

    code = "untried"


class TooFast(NotYet):
    """Whoever was asked wants to be asked more slowly: whatever else is to be asked waits too.

    It says nothing about the question, so it is no attempt.
    """

    code = "too_fast"


class Fault(DispatchError):
    """We broke a promise of our own; a person should look, and a retry may still succeed."""

    code = "fault"


class DoneBefore(Exception):
    """What came was done already, as it comes twice: the step is taken back, and all is well."""


class Malformed(Rejected):
    """Bytes that do not fit their contract. `field` is a dotted path, empty for the whole body."""

    code = "malformed"

    def __init__(
        self, message: str, *, field: str = "", wrong: Sequence[WrongField] = (), **facts: Fact
    ) -> None:
        super().__init__(message, wrong=wrong, field=field, **facts)
        self.field = field
