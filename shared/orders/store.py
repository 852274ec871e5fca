"""The table orders, and from where orders may take.

That is in channel_warehouses and order_exclusions. Nothing else writes to them.
"""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from shared.kit.geo import Point
from shared.kit.ids import new_token
from shared.orders.company import HAS_COMPANY, MORE_URGENT
from shared.orders.lifecycle import FINAL, PLACEABLE
from shared.orders.types import SHORT_PICK, Line, Move, Order, OrderState, Priority
from shared.platform.db import Transaction, Write
from shared.platform.sql import Statement, text

_INSERT = """
    INSERT INTO orders (order_id, channel, revision, fingerprint, state, priority, currency,
                        destination, lat, lon, ordered_at, promised_at, accepted_at,
                        asked_priority, asked_at, correlation_id, hold_id, sale, ship_together,
                        tracking_token, language)
    VALUES (:order_id, :channel, 1, :fingerprint, 'waiting', :priority, :currency,
            CAST(:destination AS jsonb), :lat, :lon, :ordered_at, :promised_at, :now,
            :priority, :now, :correlation_id, :hold_id, :sale, :ship_together,
            :tracking_token, :language)
 RETURNING 1
"""
_COLUMNS = """
    order_id, revision, fingerprint, state, priority, currency, lat, lon, destination, promised_at,
    state_reason, correlation_id, channel, hold_id, sale, expected_at, return_wanted_at,
    ship_together,
    (SELECT jsonb_object_agg(warehouse, share_percent) FROM channel_warehouses
      WHERE channel_warehouses.channel = orders.channel) AS scope,
    (SELECT jsonb_agg(jsonb_build_array(sku, warehouse)) FROM order_exclusions
      WHERE order_exclusions.order_id = orders.order_id AND lifted_at IS NULL) AS excluded
"""
_FIND = text(f"SELECT {_COLUMNS} FROM orders WHERE order_id = :order_id")  # noqa: S608
# What a statement with a lock reads beside the locked row is as it was before it waited for the
# lock. Whoever changes that changes the order too, so another version of it tells.
_AS_SEEN = """
    orders.xmin = (SELECT seen.xmin FROM orders AS seen
                    WHERE seen.order_id = orders.order_id) AS as_seen
"""
_LOCK = text(f"SELECT {_COLUMNS}, {_AS_SEEN} FROM orders WHERE order_id = :order_id FOR UPDATE")  # noqa: S608
_LINES = """
    (SELECT jsonb_agg(jsonb_build_array(line_no, sku, quantity, unit_price_cents, kit, allocated,
                                        backordered, cancelled, secured) ORDER BY line_no)
       FROM order_lines WHERE order_lines.order_id = orders.order_id) AS lines
"""
# What has been decided is not locked: who has locked a row waits for the disk when it commits, and
# of fifty who find their orders placed together forty-nine have nothing to write.
_LOCK_WITH_LINES = text(f"""
    SELECT locked.*, {HAS_COMPANY} AS has_company
      FROM (SELECT order_id AS known FROM orders WHERE order_id = :order_id) AS known
           LEFT JOIN LATERAL (
           SELECT {_COLUMNS}, {_AS_SEEN}, {_LINES}, asked_at
             FROM orders
            WHERE order_id = known AND state = ANY(CAST(:states AS text[]))
              FOR UPDATE) AS locked ON true
""")  # noqa: S608
# Who holds one of them at this moment places or changes it, and is not waited for. They come as
# JSON in one row, which costs the driver less than fifty rows.
_LOCK_OTHERS = text(f"""
    SELECT json_agg(other) AS others FROM (
        SELECT {_COLUMNS}, {_LINES}, asked_at, {_AS_SEEN}
          FROM orders
         WHERE state = 'waiting' AND asked_priority = :queue AND order_id <> :order_id
         ORDER BY asked_at, order_id
         LIMIT :limit
           FOR UPDATE SKIP LOCKED) AS other
""")  # noqa: S608
_MOMENTS = ("promised_at", "expected_at", "return_wanted_at", "asked_at")
# Two transactions that both find no order must not both act on that: the second waits here, and
# what it reads in its next statement is what the first has left.
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtextextended(:order_id, 0))")
_DROP_SCOPE = text("DELETE FROM channel_warehouses WHERE channel = :channel")
_SET_SCOPE = text("""
    INSERT INTO channel_warehouses (channel, warehouse, share_percent)
    SELECT :channel, * FROM unnest(CAST(:warehouses AS text[]), CAST(:shares AS integer[]))
""")
_SCOPE = text("""
    SELECT warehouse, share_percent FROM channel_warehouses WHERE channel = :channel
""")
_EXCLUDE = """
    INSERT INTO order_exclusions (order_id, sku, warehouse, reason, excluded_at)
    SELECT :order_id, sku, :warehouse, :reason, CAST(:now AS timestamptz)
      FROM unnest(CAST(:skus AS text[])) AS refused (sku)
        ON CONFLICT (order_id, sku, warehouse)
        DO UPDATE SET reason = excluded.reason, excluded_at = excluded.excluded_at, lifted_at = NULL
 RETURNING 1
"""
# A rejection says nothing of stock, so that more stock does not lift it.
_FOUND_AGAIN = """
    UPDATE order_exclusions SET lifted_at = :now
     WHERE warehouse = :warehouse AND sku = ANY(CAST(:skus AS text[])) AND reason = :reason
       AND excluded_at < CAST(:at AS timestamptz) AND lifted_at IS NULL
 RETURNING 1
"""
_ASK_AGAIN = """
    UPDATE order_exclusions SET lifted_at = :now
     WHERE order_id = :order_id AND warehouse = ANY(CAST(:warehouses AS text[]))
       AND lifted_at IS NULL
 RETURNING 1
"""
_MOVE = """
    UPDATE orders
       SET state = step.state, state_reason = step.reason, revision = step.revision,
           asked_priority = CASE WHEN step.state = 'waiting' THEN priority ELSE asked_priority END,
           asked_at = CASE WHEN step.state = 'waiting' THEN CAST(:now AS timestamptz)
                           ELSE asked_at END,
           placed_at = CASE WHEN step.state IN ('placed', 'shipped', 'delivered', 'returned')
                            THEN coalesce(placed_at, :now)
                            WHEN step.state = 'cancelled' THEN placed_at END,
           expected_at = CASE WHEN step.state IN ('waiting', 'backordered', 'partly_placed')
                              THEN expected_at END,
           closed_at = CASE WHEN step.final THEN CAST(:now AS timestamptz) END
      FROM unnest(CAST(:order_ids AS text[]), CAST(:old_states AS text[]),
                  CAST(:states AS text[]), CAST(:reasons AS text[]), CAST(:revisions AS integer[]),
                  CAST(:finals AS boolean[]))
        AS step (order_id, old_state, state, reason, revision, final)
     WHERE orders.order_id = step.order_id AND orders.state = step.old_state
 RETURNING 1
"""
_WANT_BACK = """
    UPDATE orders SET return_wanted_at = :now
     WHERE order_id = :order_id AND state = :state AND return_wanted_at IS NULL
 RETURNING 1
"""
_EXPECT_ALONE = text("SELECT pg_try_advisory_xact_lock(hashtextextended('expected_at', 0))")
# Skipped while another has them locked: they are being placed or changed at this moment.
_LOCK_BACKORDERED = text("""
    SELECT order_id FROM orders
     WHERE order_id = ANY(CAST(:order_ids AS text[]))
       AND state IN ('backordered', 'partly_placed')
     ORDER BY order_id
       FOR NO KEY UPDATE SKIP LOCKED
""")
_EXPECT = """
    UPDATE orders SET expected_at = told.expected_at
      FROM unnest(CAST(:order_ids AS text[]), CAST(:moments AS timestamptz[]))
        AS told (order_id, expected_at)
     WHERE orders.order_id = told.order_id AND state IN ('backordered', 'partly_placed')
 RETURNING 1
"""
_LINKED = text("SELECT tracking_token FROM orders WHERE order_id = :order_id")
_LINK = """
    UPDATE orders SET tracking_token = :token
     WHERE order_id = :order_id AND tracking_token IS NULL
 RETURNING 1
"""
# Skipped while another has them locked: they are being placed at this moment.
_PROMOTE = text("""
    WITH aged AS (
        SELECT order_id, asks
          FROM ageing_rules AS rule CROSS JOIN LATERAL (
               SELECT order_id FROM orders
                WHERE state = 'waiting' AND asked_priority = rule.priority
                  AND asked_at <= CAST(:now AS timestamptz)
                                  - share * CAST(:longest_wait_s AS integer) * interval '1 second'
                ORDER BY asked_at, order_id
                LIMIT :limit
                  FOR UPDATE SKIP LOCKED) AS oldest)
    UPDATE orders SET asked_priority = asks, asked_at = :now
      FROM aged WHERE orders.order_id = aged.order_id
 RETURNING orders.order_id, asked_priority
""")


def insert(
    *,
    order_id: str,
    channel: str,
    fingerprint: str,
    priority: Priority,
    currency: str,
    address: Mapping[str, Any],
    destination: Point,
    ordered_at: datetime,
    promised_at: datetime,
    hold_id: str | None,
    sale: str | None,
    ship_together: bool | None,
    tracking_token: str,
    language: str | None,
    tx: Transaction,
) -> Write:
    """A new order that waits to be placed."""
    return Write(
        _INSERT,
        {
            "order_id": order_id,
            "channel": channel,
            "fingerprint": fingerprint,
            "priority": priority,
            "currency": currency,
            "destination": json.dumps(address),
            "lat": destination.lat,
            "lon": destination.lon,
            "ordered_at": ordered_at,
            "promised_at": promised_at,
            "now": tx.now,
            "correlation_id": tx.cause.correlation_id,
            "hold_id": hold_id,
            "sale": sale,
            "ship_together": ship_together,
            "tracking_token": tracking_token,
            "language": language,
        },
        rows=1,
    )


def find(tx: Transaction, order_id: str) -> Order | None:
    """The order as it is now, without a lock: to look, not to decide."""
    return _order(tx.row(_FIND, order_id=order_id))


def lock(tx: Transaction, order_id: str) -> Order | None:
    """The order, which stays as it is until the transaction ends."""
    return lock_ahead(tx, order_id)()


def lock_ahead(tx: Transaction, order_id: str) -> Callable[[], Order | None]:
    """The same; the lock travels with what is asked next, and is taken before it."""
    found = tx.ask(_LOCK, lambda rows: rows[0] if rows else None, order_id=order_id)

    def locked() -> Order | None:
        row = found()
        if row is not None and not row.as_seen:
            row = tx.row(_LOCK, order_id=order_id)
        return _order(row)

    return locked


def lock_to_place(
    tx: Transaction, order_id: str, queue: Priority, most: int
) -> Sequence[tuple[Order, Sequence[Line]]] | None:
    """The order and up to `most` - 1 others that wait in the same queue, with their lines, locked.

    Those that were asked for first come first; others that somebody has at this moment are not
    waited for, and while anybody waits in a more urgent queue there are none. It is not among them
    where it waits no longer. None: there is no such order.
    """
    row = _locked(
        tx,
        _LOCK_WITH_LINES,
        order_id,
        states=sorted(PLACEABLE),
        queue=queue if most > 1 else None,
        urgent=MORE_URGENT[queue],
    )
    if row is None:
        return None
    rows = [row] if row.order_id is not None else []
    if row.has_company:
        found = tx.row(_LOCK_OTHERS, order_id=order_id, queue=queue, limit=most - 1)
        assert found is not None
        rows += [_read(other) for other in found.others or () if other["as_seen"]]
        rows.sort(key=lambda row: (row.asked_at, row.order_id))
    return [(_some(row), tuple([Line(*line) for line in row.lines or ()])) for row in rows]


def one_at_a_time(tx: Transaction, order_id: str) -> None:
    """Nobody else decides whether this order exists, until the transaction ends."""
    tx.rows(_ONE_AT_A_TIME, order_id=order_id)


def move(tx: Transaction, *moves: Move) -> Write:
    """The orders' next states; nothing is written if one is no longer in its old one."""
    return Write(
        _MOVE,
        {
            "order_ids": [move.order.order_id for move in moves],
            "old_states": [move.order.state for move in moves],
            "states": [move.state for move in moves],
            "reasons": [move.reason for move in moves],
            "revisions": [move.revision or move.order.revision for move in moves],
            "finals": [move.state in FINAL for move in moves],
            "now": tx.now,
        },
        rows=len(moves),
    )


def want_back(tx: Transaction, order: Order, state: OrderState) -> Write:
    """The order stays in its state, and what was sent of it is expected back."""
    parameters = {"order_id": order.order_id, "state": state, "now": tx.now}
    return Write(_WANT_BACK, parameters, rows=1)


def set_scope(tx: Transaction, channel: str, shares: Mapping[str, int]) -> None:
    """Warehouse -> the share of it, in percent, that a channel may sell; empty: all of all."""
    tx.rows(_DROP_SCOPE, channel=channel)
    tx.rows(_SET_SCOPE, channel=channel, warehouses=list(shares), shares=list(shares.values()))


def scope_of(tx: Transaction, channel: str) -> Mapping[str, int] | None:
    """Warehouse -> the share of it, in percent, that a channel may sell; None: all of all."""
    rows = tx.rows(_SCOPE, channel=channel)
    return {row.warehouse: row.share_percent for row in rows} or None


def exclude(
    tx: Transaction, order_id: str, skus: Collection[str], warehouse: str, reason: str
) -> Write:
    """The warehouse could not pick these for the order, and is not asked for them again.

    Until somebody found some of a SKU that it missed, or a person wants it.
    """
    return Write(
        _EXCLUDE,
        {
            "order_id": order_id,
            "skus": sorted(skus),
            "warehouse": warehouse,
            "reason": reason,
            "now": tx.now,
        },
    )


def found_again(tx: Transaction, skus: Collection[str], warehouse: str, at: datetime) -> Write:
    """Some of these came or were counted then: who missed them there before may have them again."""
    return Write(
        _FOUND_AGAIN,
        {
            "skus": sorted(skus),
            "warehouse": warehouse,
            "reason": SHORT_PICK,
            "at": at,
            "now": tx.now,
        },
    )


def ask_again(tx: Transaction, order_id: str, warehouses: Collection[str]) -> Write:
    """These warehouses may be asked for all that they could not pick for the order."""
    parameters = {"order_id": order_id, "warehouses": sorted(warehouses), "now": tx.now}
    return Write(_ASK_AGAIN, parameters)


def expect_alone(tx: Transaction) -> bool:
    """Whether nobody else works out moments now; then nobody does until the transaction ends."""
    return bool(tx.rows(_EXPECT_ALONE)[0][0])


def lock_backordered(tx: Transaction, order_ids: Collection[str]) -> tuple[str, ...]:
    """Those of the orders of which some unit waits for stock, and that nobody else has now."""
    rows = tx.rows(_LOCK_BACKORDERED, order_ids=sorted(order_ids))
    return tuple(row.order_id for row in rows)


def expect(moments: Mapping[str, datetime | None]) -> Write:
    """When each of these backordered orders can probably be placed; None where nobody knows."""
    parameters = {"order_ids": list(moments), "moments": list(moments.values())}
    return Write(_EXPECT, parameters, rows=len(moments))


def tracking_token(tx: Transaction, order_id: str) -> str | None:
    """The token of the order's page; None where there is no such order.

    An order from before there were pages gets its own now. Of two that ask for it at once the
    second waits, and finds what the first has left.
    """
    row = tx.row(_LINKED, order_id=order_id)
    if row is not None and row.tracking_token is None:
        tx.written(Write(_LINK, {"order_id": order_id, "token": new_token()}))
        row = tx.row(_LINKED, order_id=order_id)
    return None if row is None else row.tracking_token


def promote(tx: Transaction, longest_wait_s: int, limit: int) -> Sequence[tuple[str, Priority]]:
    """Waiting orders that have waited for their share in one queue, and the one to ask now.

    At most `limit` of each queue, so that a flood in one does not keep another's from moving up.
    """
    rows = tx.rows(_PROMOTE, now=tx.now, longest_wait_s=longest_wait_s, limit=limit)
    found = [(row.order_id, Priority(row.asked_priority)) for row in rows]
    return sorted(found, key=lambda order: list(Priority).index(order[1]))


def _locked(tx: Transaction, statement: Statement, order_id: str, **parameters: object) -> Any:
    row = tx.row(statement, order_id=order_id, **parameters)
    if row is None or row.as_seen is not False:  # none where nothing was locked
        return row
    return tx.row(statement, order_id=order_id, **parameters)


def _order(row: Any) -> Order | None:
    return None if row is None else _some(row)


def _read(found: dict[str, Any]) -> Any:
    """A row that came as JSON."""
    for name in _MOMENTS:
        if found[name] is not None:
            found[name] = datetime.fromisoformat(found[name])
    return SimpleNamespace(**found)


def _some(row: Any) -> Order:
    return Order(
        order_id=row.order_id,
        revision=row.revision,
        fingerprint=row.fingerprint,
        state=OrderState(row.state),
        reason=row.state_reason,
        priority=Priority(row.priority),
        currency=row.currency,
        destination=Point(row.lat, row.lon),
        address=row.destination,
        promised_at=row.promised_at,
        correlation_id=row.correlation_id,
        channel=row.channel,
        hold_id=row.hold_id,
        sale=row.sale,
        expected_at=row.expected_at,
        return_wanted_at=row.return_wanted_at,
        ship_together=row.ship_together,
        scope=row.scope,
        excluded=frozenset((sku, place) for sku, place in row.excluded or ()),
    )
