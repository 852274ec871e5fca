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
    """A person's wish.

    Attributes:
        wanted: the account, but for `without_manifests`, which stays as it is.
        seen: the version that they had before them; None: they did not look.
        has_manifests: whether its vendor makes manifests of the carrier; None: as it is known.
    """

    wanted: CarrierAccount
    person: Person
    seen: str | None = None
    has_manifests: bool | None = None


def set_carrier_account(tx: Transaction, wish: SetCarrierAccount) -> CarrierAccount:
    """It counts for every label that is bought from now on.

    What was sold before is given back to whoever sold it. A label that was asked for and has not
    come is bought anew, and what the first vendor may have sold under it is given back. Manifests
    are asked for, or not, from now on; one that is asked for already goes its way.

    Returns:
        The account as it counts now.

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
    usual = kept or CarrierAccount(wanted.carrier)
    wanted = wanted._replace(without_manifests=_without_manifests(usual, wish))
    before, after = facts_of(usual), facts_of(wanted)
    refuse_changed(_CHANGED, wish.seen, before, carrier=wanted.carrier)
    tx.write(
        carrier_accounts.put(tx, wanted, wish.person.by, is_new=kept is None),
        live_changes.note(tx, f"carrier:{wanted.carrier}", *_lists(usual, wanted)),
    )
    subject = Subject(CARRIER, wanted.carrier)
    keep_changes(tx, wish.person, "set_carrier_account", subject, before=before, after=after)
    return wanted


def facts_of(account: CarrierAccount) -> Mapping[str, str]:
    """What somebody who changes the account has seen of it, in words."""
    return {
        "vendor": account.vendor,
        "name at the vendor": account.name_at_vendor,
        "account": account.vendor_account or "whichever it takes",
        "label format": account.label_format.value,
        "labels are bought": "yes" if account.is_enabled else "no",
        "manifests": "asked for" if account.has_manifests else "none",
    }


def _lists(usual: CarrierAccount, wanted: CarrierAccount) -> tuple[str, ...]:
    """The rooms of lists that name carriers without manifests, where this has changed."""
    return () if usual.has_manifests == wanted.has_manifests else ("manifests",)


def _without_manifests(usual: CarrierAccount, wish: SetCarrierAccount) -> tuple[str, ...]:
    """What was said of another vendor stays: it counts for the labels that it has sold."""
    if wish.has_manifests is None:
        return usual.without_manifests
    others = set(usual.without_manifests) - {wish.wanted.vendor}
    return tuple(sorted(others if wish.has_manifests else {*others, wish.wanted.vendor}))
