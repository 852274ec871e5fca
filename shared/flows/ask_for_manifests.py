"""Whose day is over at a warehouse gets a manifest: the intent, and the work that closes it."""

from collections.abc import Sequence
from datetime import date, timedelta

from shared.carriers import carrier_accounts, manifests
from shared.carriers import store as labels
from shared.carriers.types import CarrierAccount, Handover
from shared.contracts.work import CloseManifest
from shared.flows.audited import MANIFEST, keep_changes
from shared.flows.calendars import calendar_of
from shared.flows.known_carriers import refuse_unknown_carrier
from shared.flows.steps import Run
from shared.kit.errors import Malformed, Rejected
from shared.kit.ids import new_id
from shared.ops.manifests import labels_due
from shared.people.audit_log import Subject
from shared.people.types import Person
from shared.platform import outbox
from shared.platform.db import Transaction
from shared.stock import warehouses

# More than fit are on further manifests, so that no call and no document grows without an end.
MOST_LABELS = 500
MOST_STEPS = 200  # of one run, each a manifest; the next run goes on
# A label that is bought later than this after its day is no longer on that day's manifest.
LOOKED_BACK = timedelta(days=3)


class NothingToManifest(Rejected):
    """No label of this carrier, warehouse and day is without a manifest."""

    code = "nothing_to_manifest"


class NoManifestsMade(Rejected):
    """Who sells the carrier's labels makes no manifests of it, as somebody has said."""

    code = "no_manifests_made"


def ask_for_manifests(run: Run) -> int:
    """Housekeeping: ask for manifests where labels have none and the cut-off of their day is past.

    Labels that are bought later are on a further one. A day whose last manifest the carrier has
    refused is left to a person, and a vendor that makes none of a carrier is not asked.

    Returns:
        How many were asked for.
    """
    for asked in range(MOST_STEPS):
        if not run(_ask_for_next):
            return asked
    return MOST_STEPS


def ask_for_manifest(
    tx: Transaction, carrier: str, warehouse: str, day: date | None, person: Person
) -> str:
    """A person asks for it: whatever the time, and also where an earlier one was refused.

    `day` is the day of leaving, None for today where the warehouse is. Returns the manifest's id;
    it is closed by work of its own.

    Raises:
        Malformed: a carrier or a warehouse that nobody knows; `field` is its name.
        NoManifestsMade: its vendor makes none of this carrier.
        NothingToManifest: there is nothing to close.
    """
    refuse_unknown_carrier(tx, carrier)
    working = warehouses.working(tx).get(warehouse)
    if working is None:
        raise Malformed(f"warehouse: none is called {warehouse!r}", field="warehouse")
    on = day or calendar_of(working).today(tx.now)
    due = labels_due(tx, {warehouse: (on, on)}, limit=MOST_LABELS, carrier=carrier, is_by_hand=True)
    if not due:
        _refuse_without_manifests(carrier_accounts.find(tx, carrier))
        raise NothingToManifest(
            f"every label of {carrier} that leaves {warehouse} on {on} is on a manifest",
            carrier=carrier,
            warehouse=warehouse,
        )
    label_ids = due[0].label_ids
    manifest_id = _ask(tx, Handover(carrier, warehouse, on), label_ids)
    asked = {
        "carrier": carrier,
        "warehouse": warehouse,
        "leaves on": on.isoformat(),
        "labels": len(label_ids),
    }
    subject = Subject(MANIFEST, manifest_id)
    keep_changes(tx, person, "ask_for_manifest", subject, before={}, after=asked)
    return manifest_id


def _refuse_without_manifests(account: CarrierAccount) -> None:
    if not account.has_manifests:
        raise NoManifestsMade(
            f"{account.vendor} makes no manifests of {account.carrier}: its parcels are handed over"
            " without one. Where that has changed, an admin says so on the carrier's page",
            carrier=account.carrier,
            vendor=account.vendor,
        )


def _ask_for_next(tx: Transaction) -> bool:
    closed_days = {
        warehouse: calendar_of(working).last_closed_day(tx.now)
        for warehouse, working in warehouses.working(tx).items()
    }
    days = {warehouse: (day - LOOKED_BACK, day) for warehouse, day in closed_days.items()}
    due = labels_due(tx, days, limit=MOST_LABELS)
    if not due:
        return False
    first = due[0]
    _ask(tx, Handover(first.carrier, first.warehouse, first.ship_on), first.label_ids)
    return True


def _ask(tx: Transaction, of: Handover, label_ids: Sequence[str]) -> str:
    """Where somebody else asks for the same at this moment, this step is run anew."""
    manifest_id = new_id("man")
    tx.write(
        manifests.request(tx, manifest_id, of, manifests.next_number(tx, of)),
        labels.put_on_manifest(manifest_id, label_ids),
        outbox.put(tx, CloseManifest(manifest_id=manifest_id, carrier=of.carrier)),
    )
    return manifest_id
