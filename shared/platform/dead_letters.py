"""Dead letters: what was refused for good or given up is kept until a person settles it.

A letter is open until it is sent again or discarded. One that was sent again and is refused again
is open again, with the new reason; how it had been settled is kept in its history.
"""

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from shared.kit.errors import Fact
from shared.platform import failed_attempts, live_changes
from shared.platform.db import Transaction, Write
from shared.platform.failed_attempts import Failed, Failure
from shared.platform.sql import text

# The same message may be refused more than once; it is one letter, as it was refused last. What is
# given up may be forwarded twice as well, and by then nothing is noted of it any more: who cannot
# say why leaves the letter as it is.
_PARK = text("""
    INSERT INTO dead_letters (source, message_id, failure, code, reason, facts, attributes, payload,
                              ordering_key, order_id, attempts, correlation_id, parked_at,
                              first_failed_at, last_failed_at)
    VALUES (:source, :message_id, :failure, :code, :reason, CAST(:facts AS jsonb),
            CAST(:attributes AS jsonb), :payload, :ordering_key, :order_id, :attempts,
            :correlation_id, :now, :first_failed_at, :last_failed_at)
        ON CONFLICT (source, message_id) DO UPDATE
       SET failure = excluded.failure, code = excluded.code, reason = excluded.reason,
           facts = excluded.facts, attributes = excluded.attributes, payload = excluded.payload,
           ordering_key = excluded.ordering_key, last_failed_at = excluded.last_failed_at,
           order_id = coalesce(excluded.order_id, dead_letters.order_id),
           attempts = excluded.attempts
               + CASE WHEN dead_letters.state = 'retried' THEN dead_letters.attempts ELSE 0 END,
           history = dead_letters.history
               || CASE WHEN dead_letters.state = 'retried' THEN jsonb_build_array(
                      jsonb_build_object('state', dead_letters.state,
                                         'at', dead_letters.settled_at,
                                         'by', dead_letters.settled_by,
                                         'why', dead_letters.settled_why,
                                         'code', dead_letters.code,
                                         'reason', dead_letters.reason))
                  ELSE '[]'::jsonb END,
           settled_at = CASE WHEN dead_letters.state = 'discarded' THEN dead_letters.settled_at END,
           settled_by = CASE WHEN dead_letters.state = 'discarded' THEN dead_letters.settled_by END,
           settled_why =
               CASE WHEN dead_letters.state = 'discarded' THEN dead_letters.settled_why END,
           state = CASE WHEN dead_letters.state = 'discarded' THEN 'discarded' ELSE 'open' END
     WHERE excluded.code <> :undeliverable OR dead_letters.state = 'retried'
""")
_STATE = text("""
    SELECT state FROM dead_letters WHERE source = :source AND message_id = :message_id FOR UPDATE
""")
_SETTLE = """
    UPDATE dead_letters
       SET state = :state, settled_at = :now, settled_by = :by, settled_why = :why
     WHERE dead_letter_id = :letter_id AND state = 'open'
 RETURNING 1
"""
UNDELIVERABLE = "undeliverable"  # no attempt has said why it failed
NEVER_SENT = "outbox"  # in the place of a function: the event came through none


class LetterState(StrEnum):
    """What has become of a letter."""

    OPEN = "open"  # waits for a person
    RETRIED = "retried"  # was sent again, and has not come back
    DISCARDED = "discarded"


class DeadLetter(NamedTuple):
    """One message that is refused for good or given up.

    `source` is the subscription (`function.topic`, or `function.topic.lane`) or the queue that it
    came through, or was for; of an event that no topic took `outbox.topic`. Where Pub/Sub gave up,
    which does not know why, the code is `undeliverable`.
    """

    source: str
    message_id: str
    code: str
    reason: str
    facts: Mapping[str, Fact]
    attributes: Mapping[str, str]
    payload: bytes
    attempts: int
    failure: Failure = Failure.REJECTED
    ordering_key: str = ""
    order_id: str | None = None  # the order that it concerns


def park(tx: Transaction, letter: DeadLetter) -> bool:
    """Keep `letter` for a person to read, repair and send again.

    Returns:
        Whether it is open only now: it is new, or it was sent again and comes back.
    """
    told = letter.facts.get("order_id")
    order_id = letter.order_id or (told if isinstance(told, str) else None)
    known = tx.row(_STATE, source=letter.source, message_id=letter.message_id)
    noted = failed_attempts.take(tx, letter.source, letter.message_id)
    why, last_failed_at = Failed(letter.failure, letter.code, letter.reason, letter.facts), tx.now
    if letter.code == UNDELIVERABLE and noted is not None:
        why, last_failed_at = noted.why, noted.last_failed_at
    tx.rows(
        _PARK,
        source=letter.source,
        message_id=letter.message_id,
        failure=why.failure,
        code=why.code,
        reason=why.reason,
        facts=json.dumps(why.facts),
        # jsonb and text refuse NUL, and a letter must never be refused.
        attributes=json.dumps(dict(letter.attributes)).replace("\\u0000", "\\u2400"),
        payload=letter.payload,
        ordering_key=letter.ordering_key.replace("\0", "\u2400"),
        order_id=order_id,
        attempts=letter.attempts,
        correlation_id=tx.cause.correlation_id,
        now=tx.now,
        first_failed_at=noted.first_failed_at if noted is not None else tx.now,
        last_failed_at=last_failed_at,
        undeliverable=UNDELIVERABLE,
    )
    tx.write(heard(tx, order_id))
    return known is None or known.state == LetterState.RETRIED


def heard(tx: Transaction, order_id: str | None) -> Write:
    """Whoever has the letters before them, or the order that one concerns, hears of it."""
    rooms = ["letters"] if order_id is None else ["letters", f"order:{order_id}"]
    return live_changes.note(tx, *rooms)


def settle(tx: Transaction, letter_id: int, state: LetterState, by: str, why: str) -> Write:
    """The letter was sent again or discarded, by somebody and for a reason."""
    return Write(
        _SETTLE,
        {"letter_id": letter_id, "state": state, "now": tx.now, "by": by, "why": why},
        rows=1,
    )
