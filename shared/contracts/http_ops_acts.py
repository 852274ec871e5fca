"""What many of the console's pages and acts take and answer. Additive only, as events are.

Every start of the console reads it, so the documents of one page stand elsewhere.
"""

from typing import Annotated, Literal

from pydantic import Field

from shared.contracts.base import NO_NUL, Document

Said = Annotated[str, Field(max_length=200, pattern=NO_NUL)]
Reason = Annotated[str, Field(min_length=1, max_length=200, pattern=NO_NUL)]
PriorityName = Literal["express", "standard", "bulk"]


class Because(Document):
    """Why; the audit trail keeps it."""

    reason: Reason


class Told(Document):
    """Something that was made with a secret, which is in the first answer alone."""

    kind: Literal["password", "key", "webhook_secret"]
    whose: str  # an e-mail, or the name of a key or a subscriber
    secret: str | None  # None: it was told before, and is kept nowhere


class RowResult(Document):
    """What became of one of many. `code` and `reason` are empty where it was done."""

    id: str
    done: bool
    code: str = ""
    reason: str = ""


class BulkResults(Document):
    """What became of each of many; `are_more`: others fit as well, and were not touched."""

    done: int
    refused: int
    are_more: bool
    results: tuple[RowResult, ...]
