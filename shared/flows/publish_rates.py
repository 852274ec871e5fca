"""A person publishes the next versions of rate cards, from a file of rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.costing import store as costing
from shared.costing.book import MIN_NOTICE
from shared.costing.differences import differences
from shared.costing.drafts import Drafts, drafts_of
from shared.costing.rows import Found, RowsRefused, WrongRow, read_rows
from shared.costing.types import RateCard, RateCardDraft
from shared.flows.audited import RATE_CARD
from shared.flows.known_carriers import why_no_rates
from shared.people import audit_log
from shared.people.audit_log import Subject
from shared.people.types import Person
from shared.platform.db import Transaction

KEPT_DIFFERENCES = 200  # in the audit trail; the versions themselves are kept whole


@dataclass(frozen=True, slots=True)
class PublishRates:
    """The rows as they came, from when on they are valid (None: soon), and whose word it is."""

    body: bytes
    is_json: bool
    valid_from: datetime | None
    person: Person


def check_rates(body: bytes, valid_from: datetime, *, is_json: bool) -> Drafts:
    """The rate cards that the rows make, and what is odd of them; nothing is published.

    Raises:
        RowsRefused: rows are wrong; it names every one of them.
    """
    drafts = publishable(read_rows(body, is_json=is_json), valid_from)
    if drafts.wrong:
        raise RowsRefused(drafts.wrong)
    return drafts


def publishable(found: Found, valid_from: datetime) -> Drafts:
    """The rate cards that rows make, and everything for which they cannot be published."""
    drafts = drafts_of(found, valid_from)
    unserved = [
        WrongRow(row.number, "carrier", reason)
        for row in found.rows
        if row.cells.get("row") == "card" and (carrier := row.cells.get("carrier"))
        if (reason := why_no_rates(carrier))
    ]
    return drafts._replace(wrong=sorted({*drafts.wrong, *unserved}))


def publish_rates(tx: Transaction, wanted: PublishRates) -> Sequence[str]:
    """Publish a version of every service that the rows name, all or none; returns their ids.

    What was priced by older versions stays as it is. Running functions know the new ones in time.

    Raises:
        RowsRefused: rows are wrong; it names every one of them.
        RateCardRefused: a version would begin too soon, or with another one.
    """
    drafts = check_rates(
        wanted.body, wanted.valid_from or tx.now + MIN_NOTICE, is_json=wanted.is_json
    )
    book = costing.read_book(tx)
    return [
        _publish(tx, draft, book.latest(draft.carrier, draft.service), wanted.person)
        for draft in drafts.cards
    ]


def _publish(tx: Transaction, draft: RateCardDraft, latest: RateCard | None, person: Person) -> str:
    rate_card_id = costing.publish(tx, draft, person.by, person.reason)
    changes = differences(latest, draft)[:KEPT_DIFFERENCES]
    tx.write(
        audit_log.record(
            tx,
            person,
            "publish_rates",
            Subject(RATE_CARD, rate_card_id),
            before={change.where: change.was for change in changes if change.was},
            after={
                "valid from": draft.valid_from.isoformat(),
                **{change.where: change.now for change in changes if change.now},
            },
        )
    )
    return rate_card_id
