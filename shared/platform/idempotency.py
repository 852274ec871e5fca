"""Idempotency keys: a request over HTTP has its effect once, however often it is sent.

The answer is kept in the same transaction as the effect: either both are there or neither is. While
the first attempt runs it holds a lock that ends with its transaction, so one that crashed blocks
nobody. Source: draft-ietf-httpapi-idempotency-key-header-07.
"""

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import NamedTuple

from shared.kit.errors import NotYet, Rejected
from shared.platform.db import Transaction
from shared.platform.sql import text

KEPT = timedelta(days=7)  # longer than anybody repeats a request, a long weekend included
RETRY_AFTER_S = 1  # a step takes some milliseconds, so the answer is there by then

_LOCK = text("""
    SELECT pg_try_advisory_xact_lock(hashtextextended(CAST(:name AS text), 0)) AS is_free
""")
# A statement of its own, after the lock: it must see what the one before us committed.
_FIND = text("""
    SELECT fingerprint, status, headers, body
      FROM idempotency_keys
     WHERE caller = :caller AND key = :key
""")
_KEEP = text("""
    INSERT INTO idempotency_keys (caller, key, fingerprint, status, headers, body, answered_at)
    VALUES (:caller, :key, :fingerprint, :status, CAST(:headers AS jsonb), :body, :now)
""")
_FORGET = text("""
    DELETE FROM idempotency_keys
     WHERE (caller, key) IN (SELECT caller, key
                               FROM idempotency_keys
                              WHERE answered_at < :before
                              ORDER BY answered_at
                              LIMIT :limit)
 RETURNING 1
""")


class StillRunning(NotYet):
    """Another request with this key is being answered at this moment."""

    code = "still_running"


class KeyReused(Rejected):
    """The key belongs to another request; both fingerprints are told."""

    code = "key_reused"


class Key(NamedTuple):
    """What a caller calls one request, and the hash of what the request asks for."""

    caller: str
    key: str
    fingerprint: str


class Answer(NamedTuple):
    """An answer over HTTP, ready to be given again."""

    status: int
    headers: Mapping[str, str]
    body: str


def once(
    tx: Transaction,
    key: Key,
    act: Callable[[], Answer],
    refuse: Callable[[Rejected], Answer],
) -> tuple[Answer, bool]:
    """The answer to a request, and whether it was given before.

    `act` runs for the first one only. When it is rejected, whatever it wrote is taken back and what
    `refuse` makes of it is the answer, now and later: asking again gives the same answer. Any other
    error leaves no trace, and the next request with the key is the first again.

    Raises:
        StillRunning: the first one is not answered yet.
        KeyReused: the first one asked for something else.
    """
    lock = tx.row(_LOCK, name=f"{key.caller} {key.key}")
    if lock is None or not lock.is_free:
        raise StillRunning(
            "the first request with this key is not answered yet", retry_after_s=RETRY_AFTER_S
        )
    known = tx.row(_FIND, caller=key.caller, key=key.key)
    if known is None:
        answer = _acted(tx, act, refuse)
        _keep(tx, key, answer)
        return answer, False
    if known.fingerprint != key.fingerprint:
        raise KeyReused(
            "Idempotency-Key: belongs to another request",
            field="Idempotency-Key",
            known_fingerprint=known.fingerprint,
            fingerprint=key.fingerprint,
        )
    return Answer(known.status, known.headers, known.body), True


def forget(tx: Transaction, limit: int) -> int:
    """Delete up to `limit` keys that nobody will repeat any more. Returns how many."""
    return len(tx.rows(_FORGET, before=tx.now - KEPT, limit=limit))


def _acted(
    tx: Transaction, act: Callable[[], Answer], refuse: Callable[[Rejected], Answer]
) -> Answer:
    try:
        with tx.attempt():
            return act()
    except Rejected as error:
        return refuse(error)


def _keep(tx: Transaction, key: Key, answer: Answer) -> None:
    tx.rows(
        _KEEP,
        caller=key.caller,
        key=key.key,
        fingerprint=key.fingerprint,
        status=answer.status,
        headers=json.dumps(dict(answer.headers)),
        body=answer.body,
        now=tx.now,
    )
