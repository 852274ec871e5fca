"""A person publishes the next versions of rate cards, from a file of rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.costing import store as costing
from shared.costing.drafts import drafts_of
from shared.costing.rows import RowsRefused, read_rows
from shared.costing.types import RateCardDraft, RateCardRefused
from shared.platform.db import Transaction

LONGEST_REASON = 200  # characters, and of a name


@dataclass(frozen=True, slots=True)
class PublishRates:
    """The rows as they came, from when on they are valid, and whose word it is."""

    body: bytes
    is_json: bool
    valid_from: datetime
    by: str
    reason: str


def check_rates(body: bytes, valid_from: datetime, *, is_json: bool) -> Sequence[RateCardDraft]:
    """The rate cards that the rows make, by carrier and service; nothing is published.

    Raises:
        RowsRefused: rows are wrong; it names every one of them.
    """
    drafts, wrong = drafts_of(read_rows(body, is_json=is_json), valid_from)
    if wrong:
        raise RowsRefused(wrong)
    return drafts


def publish_rates(tx: Transaction, wanted: PublishRates) -> Sequence[str]:
    """Publish a version of every service that the rows name, all or none; returns their ids.

    What was priced by older versions stays as it is. Running functions know the new ones in time.

    Raises:
        RowsRefused: rows are wrong; it names every one of them.
        RateCardRefused: a version would begin too soon, or nobody says why.
    """
    for name, word in (("by", wanted.by), ("reason", wanted.reason)):
        if not 0 < len(word.strip()) <= LONGEST_REASON:
            raise RateCardRefused(f"{name}: 1 to {LONGEST_REASON} characters are wanted")
    drafts = check_rates(wanted.body, wanted.valid_from, is_json=wanted.is_json)
    return [costing.publish(tx, draft, wanted.by, wanted.reason) for draft in drafts]
