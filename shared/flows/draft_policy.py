"""A person checks a policy, sees what it would have done, and publishes it.

Between the two it is a draft, of that person alone: no decision follows it.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from shared.contracts.http_ops_rules import PolicyChange, PolicyDraft
from shared.contracts.policies import PolicyDocument
from shared.flows.drafted import require_unchanged
from shared.flows.preview_rules import Proposal, preview_rules
from shared.flows.publish_policy import PublishPolicy, check_policy, publish_policy
from shared.kit.errors import Changed, Stale, WrongField
from shared.people import drafts
from shared.people.drafts import DraftKind, Owner
from shared.people.types import Person
from shared.placement import placement_policies
from shared.placement.placement_policies import policy_of
from shared.placement.policy import PolicyRefused
from shared.platform.db import Transaction

PROPOSED = "what is proposed"  # its name, until it has one


def owned_by(caller: str) -> Owner:
    """Whose draft of a policy."""
    return Owner(caller, DraftKind.POLICY)


def draft_policy(tx: Transaction, caller: str, document: PolicyDocument) -> None:
    """Check the policy, see what it would have done yesterday, and keep both.

    Raises:
        PolicyRefused: it names warehouses that are not there.
    """
    _check(tx, document)
    said = document.model_dump(mode="json", exclude_unset=True)
    latest = placement_policies.latest(tx, document.channel)
    proposal = Proposal(policy=policy_of(PROPOSED, said), channel=document.channel)
    found = PolicyDraft(
        channel=document.channel or "",
        said=said,
        follows=latest.policy_id if latest is not None else None,
        changes=changes(latest.document if latest is not None else {}, said),
        effect=preview_rules(tx, proposal),
    )
    kept = {"document": said, "follows": found.follows}
    tx.write(drafts.keep(tx, owned_by(caller), said=kept, found=found.model_dump(mode="json")))


def publish_drafted_policy(
    tx: Transaction, caller: str, seen: str | None, person: Person, valid_from: datetime | None
) -> str:
    """Publish what they have drafted; returns its name.

    Raises:
        NoDraft: there is nothing.
        Stale: it is another draft than they saw, or another version was published since the check.
        PolicyRefused: as `publish_policy`.
    """
    draft = drafts.lock(tx, owned_by(caller))
    require_unchanged(draft, seen)
    document = PolicyDocument.model_validate(draft.said["document"])
    latest = placement_policies.latest(tx, document.channel)
    now = latest.policy_id if latest is not None else None
    if now != draft.said["follows"]:
        raise Stale(
            "somebody has published another version since you checked: check yours again",
            changed=[Changed("the last version", draft.said["follows"] or "none", now or "none")],
        )
    published = publish_policy(tx, PublishPolicy(document, valid_from, person))
    tx.write(drafts.drop(owned_by(caller)))
    return published


def _check(tx: Transaction, document: PolicyDocument) -> None:
    """As `check_policy`; the fields are those of what was sent."""
    try:
        check_policy(tx, document)
    except PolicyRefused as error:
        wrong = [WrongField(f"document.{one.field}", one.reason) for one in error.wrong]
        raise PolicyRefused(str(error), field=wrong[0].field, wrong=wrong) from None


def changes(was: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[PolicyChange, ...]:
    """The fields in which one document differs from another, with the default's values."""
    before, after = whole(was), whole(now)
    return tuple(
        PolicyChange(field=name, was=_text(before[name]), now=_text(after[name]))
        for name in after
        if before[name] != after[name]
    )


def whole(said: Mapping[str, Any]) -> dict[str, Any]:
    """All that a policy says, with what it leaves to the default; not for whom it is."""
    document = PolicyDocument.model_validate(said).model_dump(mode="json", exclude={"channel"})
    for name in ("excluded_warehouses", "excluded_services"):
        document[name] = sorted(document[name])
    return document


def _text(value: object) -> str:
    return json.dumps(value, sort_keys=True)
