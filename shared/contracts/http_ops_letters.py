"""The console's dead letters over HTTP. Additive only, as events are."""

from typing import Annotated, Any, Literal

from pydantic import Field

from shared.contracts.base import Document, Moment
from shared.contracts.http_ops_acts import Because, Said

LetterStateName = Literal["open", "retried", "discarded"]
Hours = Annotated[int, Field(ge=1, le=24 * 365)]
LetterNumber = Annotated[int, Field(ge=1, lt=2**63)]


class LetterFilters(Document):
    """Which letters; `older_than_h`: that failed last so many hours ago or earlier.

    The newest come first; `cursor` is `next` of the page before.
    """

    source: Said = ""
    code: Said = ""
    order_id: Said = ""
    state: LetterStateName = "open"
    older_than_h: Hours | None = None
    cursor: Said = ""


class LetterGroup(Document):
    """Open letters with one source and code."""

    source: str
    code: str
    letters: int
    oldest_at: Moment
    newest_at: Moment


class LetterRow(Document):
    """A dead letter in a list."""

    letter_id: int
    source: str
    failure: Literal["rejected", "not_yet", "fault"]
    code: str
    reason: str
    state: LetterStateName
    order_id: str | None
    attempts: int
    first_failed_at: Moment
    last_failed_at: Moment


class OpsLetters(Document):
    """A page of letters, and all open ones by source and code; `next` is None on the last page."""

    groups: tuple[LetterGroup, ...]
    letters: tuple[LetterRow, ...]
    next: str | None


class LetterAsk(Document):
    """What is wanted of a letter beside its story: to try what a retry would do now."""

    dry_run: bool = False


class Settled(Document):
    """How a letter was settled at some time; `code` and `reason` are why it had come then."""

    state: str
    at: Moment
    by: str
    why: str
    code: str = ""
    reason: str = ""


class ChangedRow(Document):
    """A row that would be different: only the columns that are. None: there is no such row."""

    table: str
    subject: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class LetterTrial(Document):
    """What would come of a retry; money is what it would be more, by currency."""

    outcome: Literal["applied", "done_before", "untried", "rejected", "not_yet", "fault"]
    code: str
    reason: str
    changes: tuple[ChangedRow, ...]
    announces: tuple[str, ...]
    charged_cents: dict[str, int]
    quoted_cents: dict[str, int]


class OpsLetter(Document):
    """A letter with its story. Of `payload`, what is about persons may be left out."""

    letter: LetterRow
    message_id: str
    type: str
    facts: dict[str, str | int | None]
    attributes: dict[str, str]
    payload: str  # JSON in lines, or text as it is; bytes that are no text are escaped
    is_whole: bool  # nothing of it was left out
    correlation_id: str
    parked_at: Moment
    settled: tuple[Settled, ...]  # the newest last
    trial: LetterTrial | None
    acts: tuple[str, ...]


class LettersMeant(Because):
    """These letters; or `everything` that fits the filters, the oldest first."""

    letter_ids: Annotated[tuple[LetterNumber, ...], Field(max_length=500)] = ()
    everything: bool = False
    source: Said = ""
    code: Said = ""
    order_id: Said = ""
    older_than_h: Hours | None = None
