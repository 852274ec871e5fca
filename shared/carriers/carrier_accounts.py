"""The table carrier_accounts: which vendor sells a carrier's labels. Nothing else writes to it."""

from collections.abc import Mapping
from typing import Any

from shared.carriers.types import CarrierAccount, LabelFormat
from shared.platform.db import Transaction, Write
from shared.platform.sql import text

_FIND = text("""
    SELECT carrier, vendor, vendor_carrier, vendor_account, label_format, is_enabled,
           without_manifests
      FROM carrier_accounts WHERE carrier = :carrier
""")
_ALL = text("""
    SELECT carrier, vendor, vendor_carrier, vendor_account, label_format, is_enabled,
           without_manifests
      FROM carrier_accounts
     ORDER BY carrier
""")
_LOCK = text("""
    SELECT carrier, vendor, vendor_carrier, vendor_account, label_format, is_enabled,
           without_manifests
      FROM carrier_accounts WHERE carrier = :carrier
       FOR NO KEY UPDATE
""")
# What is not there cannot be locked: of two who add it the second fails, runs anew and finds it.
_ADD = """
    INSERT INTO carrier_accounts (carrier, vendor, vendor_carrier, vendor_account, label_format,
                                  is_enabled, without_manifests, changed_at, changed_by)
    VALUES (:carrier, :vendor, :vendor_carrier, :vendor_account, :label_format, :is_enabled,
            CAST(:without_manifests AS text[]), :now, :by)
 RETURNING 1
"""
_CHANGE = """
    UPDATE carrier_accounts
       SET vendor = :vendor, vendor_carrier = :vendor_carrier, vendor_account = :vendor_account,
           label_format = :label_format, is_enabled = :is_enabled,
           without_manifests = CAST(:without_manifests AS text[]),
           changed_at = :now, changed_by = :by
     WHERE carrier = :carrier
 RETURNING 1
"""


def find(tx: Transaction, carrier: str) -> CarrierAccount:
    """By whom the carrier's labels are sold now."""
    row = tx.row(_FIND, carrier=carrier)
    return CarrierAccount(carrier) if row is None else _account(row)


def lock(tx: Transaction, carrier: str) -> CarrierAccount | None:
    """What somebody has set, which stays until the transaction ends; None: nobody has."""
    row = tx.row(_LOCK, carrier=carrier)
    return None if row is None else _account(row)


def all_of(tx: Transaction) -> Mapping[str, CarrierAccount]:
    """Every account that somebody has set, by its carrier."""
    return {row.carrier: _account(row) for row in tx.rows(_ALL)}


def put(tx: Transaction, account: CarrierAccount, by: str, *, is_new: bool) -> Write:
    """From now on this account counts for its carrier, which was locked; new: there was none."""
    return Write(
        _ADD if is_new else _CHANGE,
        {
            "carrier": account.carrier,
            "vendor": account.vendor,
            "vendor_carrier": account.name_at_vendor,
            "vendor_account": account.vendor_account,
            "label_format": account.label_format,
            "is_enabled": account.is_enabled,
            "without_manifests": list(account.without_manifests),
            "now": tx.now,
            "by": by,
        },
        rows=1,
    )


def _account(row: Any) -> CarrierAccount:
    return CarrierAccount(
        carrier=row.carrier,
        vendor=row.vendor,
        vendor_carrier=row.vendor_carrier,
        vendor_account=row.vendor_account,
        label_format=LabelFormat(row.label_format),
        is_enabled=row.is_enabled,
        without_manifests=tuple(row.without_manifests),
    )
