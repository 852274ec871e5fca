"""Whose something is: the warehouses that send an order, pack a parcel, or move a delivery."""

from collections.abc import Sequence

from shared.platform.db import Transaction
from shared.platform.driver import Row
from shared.platform.sql import Statement, text

_ORDER = text("""
    SELECT array_remove(array_agg(DISTINCT parcels.warehouse), NULL) AS warehouses
      FROM orders LEFT JOIN parcels
        ON parcels.order_id = orders.order_id AND parcels.state <> 'cancelled'
     WHERE orders.order_id = :subject GROUP BY orders.order_id
""")
_PARCEL = text("SELECT ARRAY[warehouse] AS warehouses FROM parcels WHERE parcel_id = :subject")
_INBOUND = text("""
    SELECT array_remove(ARRAY[origin, warehouse], NULL) AS warehouses FROM inbounds
     WHERE inbound_id = :subject
""")


def order_is_of(tx: Transaction, order_id: str) -> frozenset[str] | None:
    """From where the order is sent as it stands, from nowhere yet: empty; None: no such order."""
    return _of(tx, _ORDER, order_id)


def parcel_is_of(tx: Transaction, parcel_id: str) -> frozenset[str] | None:
    """The warehouse that packs it; None: there is no such parcel."""
    return _of(tx, _PARCEL, parcel_id)


def inbound_is_of(tx: Transaction, inbound_id: str) -> frozenset[str] | None:
    """Where a delivery comes from, if from one of ours, and where it goes; None: no such one."""
    return _of(tx, _INBOUND, inbound_id)


def _of(tx: Transaction, statement: Statement, subject: str) -> frozenset[str] | None:
    rows: Sequence[Row] = tx.rows(statement, subject=subject)
    return frozenset(rows[0].warehouses) if rows else None
