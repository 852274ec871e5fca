"""A person checks rows of rate cards, sees what they would do, and publishes them.

Between the two they are a draft, of that person alone: nothing decides or charges by it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby

from shared.contracts.http_ops_rules import (
    DraftedCard,
    Fault,
    FaultyRow,
    RateDifference,
    RatesDraft,
    RatesFile,
)
from shared.costing import store as costing
from shared.costing.book import RateBook
from shared.costing.differences import Difference, differences
from shared.costing.drafts import drafts_of
from shared.costing.rows import WrongRow, lines_of, read_rows
from shared.costing.types import RateCardDraft
from shared.flows.drafted import require_unchanged
from shared.flows.preview_rules import Proposal, preview_rules
from shared.flows.publish_rates import PublishRates, publish_rates, publishable
from shared.kit.errors import Changed, Stale
from shared.people import drafts
from shared.people.drafts import DraftKind, Owner
from shared.people.types import Person
from shared.platform.db import Transaction

SHOWN_ROWS = 100  # wrong ones; all are counted
SHOWN_DIFFERENCES = 40  # of a card; all are counted
SHOWN_CHARACTERS = 300  # of a row


def owned_by(caller: str) -> Owner:
    """Whose draft of rate cards."""
    return Owner(caller, DraftKind.RATES)


def draft_rates(tx: Transaction, caller: str, file: RatesFile) -> None:
    """Check the rows, see what they would have done yesterday, and keep both; wrong rows as well.

    It takes the place of what they had drafted before.
    """
    body = file.rows.encode()
    is_json = _is_json(file.rows)
    read = read_rows(body, is_json=is_json)
    cards, wrong, odd = publishable(read, tx.now)
    book = costing.read_book(tx)
    lines = lines_of(body, is_json=is_json)
    faulty = _faulty(wrong, lines)
    found = RatesDraft(
        name=file.rows_name or ("rows.json" if is_json else "rows.csv"),
        rows=len(read.rows),
        faulty=faulty[:SHOWN_ROWS],
        faulty_in_all=len(faulty),
        odd=_faulty(odd, lines)[:SHOWN_ROWS],
        odd_in_all=len(odd),
        cards=() if wrong else tuple(_drafted(card, book) for card in cards),
        effect=None if wrong else preview_rules(tx, Proposal(cards=cards)),
    )
    said = {"rows": file.rows, "is_json": is_json, "follows": _latest(cards, book)}
    tx.write(drafts.keep(tx, owned_by(caller), said=said, found=found.model_dump(mode="json")))


def publish_drafted_rates(
    tx: Transaction, caller: str, seen: str | None, person: Person, valid_from: datetime | None
) -> Sequence[str]:
    """Publish what they have drafted; returns the ids of the versions.

    Raises:
        NoDraft: there is nothing.
        Stale: it is another draft than they saw, or another version was published since the check.
        RowsRefused, RateCardRefused: as `publish_rates`.
    """
    draft = drafts.lock(tx, owned_by(caller))
    require_unchanged(draft, seen)
    body, is_json = draft.said["rows"].encode(), draft.said["is_json"]
    cards = drafts_of(read_rows(body, is_json=is_json), tx.now).cards
    _require_same(draft.said["follows"], _latest(cards, costing.read_book(tx)))
    published = publish_rates(tx, PublishRates(body, is_json, valid_from, person))
    tx.write(drafts.drop(owned_by(caller)))
    return published


def shown(changes: Sequence[Difference]) -> tuple[RateDifference, ...]:
    """The first of them, for a page."""
    return tuple(
        RateDifference(where=one.where, was=one.was, now=one.now)
        for one in changes[:SHOWN_DIFFERENCES]
    )


def _is_json(rows: str) -> bool:
    """The header of a CSV file names columns, none of which begins so."""
    return rows.lstrip("\ufeff \t\r\n").startswith(("[", "{"))


def _faulty(wrong: Sequence[WrongRow], lines: Mapping[int, str]) -> tuple[FaultyRow, ...]:
    return tuple(
        FaultyRow(
            row=number,
            text=lines.get(number, "")[:SHOWN_CHARACTERS],
            faults=tuple(Fault(column=one.column, reason=one.reason) for one in of_row),
        )
        for number, of_row in groupby(wrong, key=lambda one: one.row)
    )


def _drafted(card: RateCardDraft, book: RateBook) -> DraftedCard:
    last = book.latest(card.carrier, card.service)
    changes = differences(last, card)
    return DraftedCard(
        carrier=card.carrier,
        service=card.service,
        currency=card.currency,
        zones=len(card.zones),
        steps=sum(len(zone.steps) for zone in card.zones),
        follows=last.rate_card_id if last else None,
        differences=shown(changes),
        differences_in_all=len(changes),
    )


def _latest(cards: Sequence[RateCardDraft], book: RateBook) -> dict[str, str]:
    """Carrier and service -> the id of the last version; empty: there is none."""
    found = {}
    for card in cards:
        last = book.latest(card.carrier, card.service)
        found[f"{card.carrier} {card.service}"] = last.rate_card_id if last else ""
    return found


def _require_same(then: Mapping[str, str], now: Mapping[str, str]) -> None:
    changed = [
        Changed(service, then.get(service) or "no version", last or "no version")
        for service, last in now.items()
        if then.get(service, "") != last
    ]
    if changed:
        raise Stale(
            "somebody has published another version since you checked: check the file again",
            changed=changed,
        )
