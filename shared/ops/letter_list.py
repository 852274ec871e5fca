"""Dead letters as a person looks for them. Writes nothing.

Whoever is there for some warehouses sees what is about their orders, and what is about none.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import get_args

from shared.contracts.http_ops_letters import (
    LetterFilters,
    LetterGroup,
    LetterRow,
    LettersMeant,
    LetterStateName,
    OpsLetters,
)
from shared.kit.errors import Malformed
from shared.platform.db import Transaction
from shared.platform.narrowed import narrowed

PAGE = 50
MOST_GROUPS = 50
_LATEST = 2**63 - 1  # the largest id there can be

_LIST = """
    SELECT dead_letter_id AS letter_id, source, failure, code, reason, state, order_id, attempts,
           coalesce(first_failed_at, parked_at) AS first_failed_at,
           coalesce(last_failed_at, parked_at) AS last_failed_at
      FROM dead_letters
     WHERE dead_letter_id < :before AND {conditions}
     ORDER BY dead_letter_id DESC
     LIMIT :limit
"""
_GROUPS = """
    SELECT source, code, count(*) AS letters,
           min(coalesce(last_failed_at, parked_at)) AS oldest_at,
           max(coalesce(last_failed_at, parked_at)) AS newest_at
      FROM dead_letters
     WHERE state = 'open' AND {conditions}
     GROUP BY source, code
     ORDER BY letters DESC, source, code
     LIMIT :limit
"""
_MEANT = """
    SELECT dead_letter_id AS letter_id
      FROM dead_letters
     WHERE state = 'open' AND {conditions}
     ORDER BY dead_letter_id
     LIMIT :limit
"""
# Letters about orders that concern the warehouses of a scope, and about none.
THEIRS = """(order_id IS NULL
             OR NOT EXISTS (SELECT FROM parcels WHERE parcels.order_id = dead_letters.order_id
                               AND parcels.state <> 'cancelled')
             OR EXISTS (SELECT FROM parcels WHERE parcels.order_id = dead_letters.order_id
                           AND parcels.state <> 'cancelled'
                           AND warehouse = ANY(CAST(:scope AS text[]))))"""
_CONDITIONS = {
    "source": "source = :source",
    "code": "code = :code",
    "order_id": "order_id = :order_id",
    "until": "coalesce(last_failed_at, parked_at) <= CAST(:until AS timestamptz)",
    "scope": THEIRS,
}
# The open ones have an index of their own, which only a constant finds.
_STATE = {name: f"state = '{name}'" for name in get_args(LetterStateName)}


def letter_list(
    tx: Transaction, filters: LetterFilters, scope: frozenset[str] | None
) -> OpsLetters:
    """The next page of the letters that fit; `scope`: only what concerns these warehouses.

    Raises:
        Malformed: the cursor is not one of ours.
    """
    asked = _asked(tx, filters, scope)
    conditions = [_STATE[filters.state], *(_CONDITIONS[name] for name in asked)]
    rows = tx.rows(
        narrowed(_LIST, conditions), **asked, before=_before(filters.cursor), limit=PAGE + 1
    )
    theirs = {"scope": asked["scope"]} if "scope" in asked else {}
    groups = tx.rows(
        narrowed(_GROUPS, [_CONDITIONS[name] for name in theirs]), **theirs, limit=MOST_GROUPS
    )
    letters = tuple(LetterRow.model_validate(dict(row._mapping)) for row in rows[:PAGE])  # noqa: SLF001
    return OpsLetters(
        groups=tuple(LetterGroup.model_validate(dict(row._mapping)) for row in groups),  # noqa: SLF001
        letters=letters,
        next=str(letters[-1].letter_id) if len(rows) > PAGE else None,
    )


def meant(
    tx: Transaction, wanted: LettersMeant, scope: frozenset[str] | None, limit: int
) -> Sequence[int]:
    """The open letters that fit the filters, the oldest first, at most `limit`."""
    asked = _asked(tx, wanted, scope)
    rows = tx.rows(narrowed(_MEANT, [_CONDITIONS[name] for name in asked]), **asked, limit=limit)
    return [row.letter_id for row in rows]


def _asked(
    tx: Transaction, wanted: LetterFilters | LettersMeant, scope: frozenset[str] | None
) -> dict[str, object]:
    """What is asked for, by the names of its conditions and parameters."""
    hours = wanted.older_than_h
    said: dict[str, object] = {
        "source": wanted.source.strip() or None,
        "code": wanted.code.strip() or None,
        "order_id": wanted.order_id.strip() or None,
        "until": None if hours is None else tx.now - timedelta(hours=hours),
        "scope": None if scope is None else sorted(scope),
    }
    return {name: value for name, value in said.items() if value is not None}


def _before(cursor: str) -> int:
    if not cursor:
        return _LATEST
    if not cursor.isascii() or not cursor.isdecimal() or int(cursor) > _LATEST:
        raise Malformed("cursor: is none that was given out", field="cursor")
    return int(cursor)
