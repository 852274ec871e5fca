"""A person publishes what a channel, or every channel, wants of its placements from now on."""

from dataclasses import dataclass
from datetime import datetime

from shared.contracts.policies import PolicyDocument
from shared.kit.errors import WrongField
from shared.placement import placement_policies
from shared.placement.policy import PolicyRefused
from shared.platform.db import Transaction
from shared.stock import warehouses

LONGEST_REASON = 200  # characters, and of a name


@dataclass(frozen=True, slots=True)
class PublishPolicy:
    """The document, from when on it holds (None: at once), and whose word it is."""

    document: PolicyDocument
    valid_from: datetime | None
    by: str
    reason: str


def publish_policy(tx: Transaction, wanted: PublishPolicy) -> str:
    """Publish the next version and return its name. Running functions follow it within a minute.

    What was decided by older versions stays as it is, and can be explained by them.

    Raises:
        PolicyRefused: it names warehouses that are not there, begins too early, or nobody says why.
    """
    for name, word in (("by", wanted.by), ("reason", wanted.reason)):
        if not 0 < len(word.strip()) <= LONGEST_REASON:
            raise PolicyRefused(f"{name}: 1 to {LONGEST_REASON} characters are wanted", field=name)
    document = wanted.document
    wrong = [
        WrongField(f"{field}.{warehouse}", "there is no such warehouse")
        for field, names in (
            ("avoid_cents", document.avoid_cents),
            ("excluded_warehouses", document.excluded_warehouses),
        )
        for warehouse in sorted(names)
        if warehouses.find(tx, warehouse) is None
    ]
    if wrong:
        raise PolicyRefused(
            f"{wrong[0].field}: {wrong[0].reason}", field=wrong[0].field, wrong=wrong
        )
    return placement_policies.publish(
        tx,
        document.model_dump(mode="json", exclude_unset=True),
        channel=document.channel,
        valid_from=wanted.valid_from or tx.now,
        by=wanted.by,
        reason=wanted.reason,
    )
