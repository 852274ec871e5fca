"""A person publishes what a channel, or every channel, wants of its placements from now on."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from shared.contracts.policies import PolicyDocument
from shared.costing import store as costing
from shared.flows.audited import POLICY
from shared.kit.errors import WrongField
from shared.people import audit_log
from shared.people.audit_log import Subject
from shared.people.types import Person
from shared.placement import placement_policies
from shared.placement.policy import PolicyRefused
from shared.platform.db import Transaction
from shared.stock import warehouses


@dataclass(frozen=True, slots=True)
class PublishPolicy:
    """The document, from when on it holds (None: at once), and whose word it is."""

    document: PolicyDocument
    valid_from: datetime | None
    person: Person


def publish_policy(tx: Transaction, wanted: PublishPolicy) -> str:
    """Publish the next version and return its name. Running functions follow it within a minute.

    What was decided by older versions stays as it is, and can be explained by them.

    Raises:
        PolicyRefused: it names warehouses, carriers, services or zones that are not there, or
            begins too early.
    """
    check_policy(tx, wanted.document)
    said = wanted.document.model_dump(mode="json", exclude_unset=True)
    latest = placement_policies.latest(tx, wanted.document.channel)
    policy_id = placement_policies.publish(
        tx,
        said,
        channel=wanted.document.channel,
        valid_from=wanted.valid_from or tx.now,
        by=wanted.person.by,
        reason=wanted.person.reason,
    )
    tx.write(
        audit_log.record(
            tx,
            wanted.person,
            "publish_policy",
            Subject(POLICY, policy_id),
            before=latest.document if latest is not None else {},
            after=said,
        )
    )
    return policy_id


def check_policy(tx: Transaction, document: PolicyDocument) -> None:
    """Go on if there is everything that the document names.

    Raises:
        PolicyRefused: names every warehouse, carrier, service and zone that is not there.
    """
    wrong = [
        WrongField(f"{field}.{warehouse}", "there is no such warehouse")
        for field, names in (
            ("avoid_cents", document.avoid_cents),
            ("excluded_warehouses", document.excluded_warehouses),
        )
        for warehouse in sorted(names)
        if warehouses.find(tx, warehouse) is None
    ]
    wrong += [*_wrong_services(tx, document), *_wrong_fallbacks(tx, document)]
    if wrong:
        raise PolicyRefused.naming(wrong)


def _wrong_services(tx: Transaction, document: PolicyDocument) -> Iterator[WrongField]:
    """A mistyped service would be excluded by nobody."""
    if not document.excluded_services:
        return
    known = costing.services(tx)
    carriers = {carrier for carrier, _ in known}
    for name in sorted(document.excluded_services):
        carrier, _, service = name.partition("/")
        if carrier not in carriers:
            yield WrongField(f"excluded_services.{name}", "no such carrier has a rate card")
        elif service and (carrier, service) not in known:
            yield WrongField(f"excluded_services.{name}", f"{carrier} has no such service")


def _wrong_fallbacks(tx: Transaction, document: PolicyDocument) -> list[WrongField]:
    """Whoever is named there has a rate card, and the zone is one of its carrier's."""
    if not document.fallbacks:
        return []
    zones = costing.zones(tx)
    carriers = {carrier for carrier, _ in zones}
    wrong = []
    for number, fallback in enumerate(document.fallbacks):
        field = f"fallbacks.{number}"
        if fallback.carrier not in carriers:
            wrong.append(WrongField(f"{field}.carrier", "no such carrier has a rate card"))
        elif (fallback.carrier, fallback.zone) not in zones:
            wrong.append(WrongField(f"{field}.zone", f"{fallback.carrier} has no such zone"))
        wrong += [
            WrongField(f"{field}.to.{position}", "no such carrier has a rate card")
            for position, carrier in enumerate(fallback.to)
            if carrier not in carriers
        ]
    return wrong
