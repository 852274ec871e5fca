"""The console's acts over HTTP: what many of them answer. Additive only, as events are."""

from typing import Literal

from shared.contracts.base import Document


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
