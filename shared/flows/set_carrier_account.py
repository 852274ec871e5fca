"""By whom a carrier's labels are sold, and whether any are bought, until it is said otherwise."""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.carriers import carrier_accounts
from shared.carriers.types import CarrierAccount
from shared.carriers.vendors import VENDORS
from shared.flows.audited import CARRIER, keep_changes
from shared.flows.known_carriers import refuse_unknown_carrier
from shared.flows.versions import refuse_changed
from shared.kit.errors import Malformed
from shared.people.audit_log import Subject
from shared.people.types import Person
from shared.platform import live_changes
from shared.platform.db import Transaction

_CHANGED = "how its labels are bought"


@dataclass(frozen=True, slots=True)
class SetCarrierAccount:
    """A person's wish; `seen` is the version that they had before them, None: they did not look."""

    wanted: CarrierAccount
    person: Person
    seen: str | None = None


def set_carrier_account(tx: Transaction, wish: SetCarrierAccount) -> None:
    """It counts for every label that is bought from now on.

    What was sold before is given back to whoever sold it. A label that was asked for and has not
    come is bought anew, and what the first vendor may have sold under it is given back.

    Raises:
        Malformed: a vendor or a carrier that nobody knows; `field` is its name.
        Stale: it was changed since; says what.
    """
    wanted = wish.wanted
    if wanted.vendor not in VENDORS:
        known = ", ".join(VENDORS)
        raise Malformed(f"vendor: nobody is called {wanted.vendor!r}; {known}", field="vendor")
    refuse_unknown_carrier(tx, wanted.carrier)
    kept = carrier_accounts.lock(tx, wanted.carrier)
    before, after = facts_of(kept or CarrierAccount(wanted.carrier)), facts_of(wanted)
    refuse_changed(_CHANGED, wish.seen, before, carrier=wanted.carrier)
    tx.write(
        carrier_accounts.put(tx, wanted, wish.person.by, is_new=kept is None),
        live_changes.note(tx, f"carrier:{wanted.carrier}"),
    )
    subject = Subject(CARRIER, wanted.carrier)
    keep_changes(tx, wish.person, "set_carrier_account", subject, before=before, after=after)


def facts_of(account: CarrierAccount) -> Mapping[str, str]:
    """What somebody who changes the account has seen of it, in words."""
    return {
        "vendor": account.vendor,
        "name at the vendor": account.name_at_vendor,
        "account": account.vendor_account or "whichever it takes",
        "label format": account.label_format.value,
        "labels are bought": "yes" if account.is_enabled else "no",
    }
