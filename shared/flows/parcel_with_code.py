"""Which parcel a report about a tracking code means."""

import re
from collections.abc import Sequence

from shared.platform.db import Transaction
from shared.shipments.types import Coded

_NO_LETTER = re.compile(r"[^a-z]+")


def parcel_with_code(
    tx: Transaction, found: Sequence[Coded], vendor: str, carrier: str
) -> Coded | None:
    """The newest of the parcels with one code that goes by the carrier; None: it is none of them.

    A code is a carrier's own, and another carrier's parcel may have the same; in time the carrier
    itself gives it away again. Who sells labels calls a carrier as it was bought, and has parcels
    of others too: under another name it means another parcel. Who only watches parcels has names
    and numbers of its own for carriers, and watches ours alone: its name chooses, and does not
    refuse.
    """
    if not _letters(carrier):
        return next(iter(found), None)
    same = (one for one in found if _is_same(carrier, one.carrier))
    if (one := next(same, None)) is not None or not found:
        return one
    return _by_account(tx, found, vendor, carrier)


def _by_account(tx: Transaction, found: Sequence[Coded], vendor: str, carrier: str) -> Coded | None:
    """The one whose carrier is called so at the vendor that sells its labels."""
    from shared.carriers import carrier_accounts  # noqa: PLC0415  names hardly ever differ
    from shared.carriers.types import CarrierAccount  # noqa: PLC0415
    from shared.carriers.vendors import VENDORS  # noqa: PLC0415

    if vendor not in VENDORS:
        return found[0]
    accounts = carrier_accounts.all_of(tx)
    for one in found:
        account = accounts.get(one.carrier, CarrierAccount(one.carrier))
        if _is_same(carrier, account.name_at(vendor)):
            return one
    return None


def _is_same(told: str, ours: str) -> bool:
    """Names of accounts are longer than those of carriers: FedExDefault, brazil-correios."""
    told, ours = _letters(told), _letters(ours)
    return told in ours or ours in told


def _letters(name: str) -> str:
    return _NO_LETTER.sub("", name.casefold())
