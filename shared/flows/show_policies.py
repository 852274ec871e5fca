"""Policies as the console shows them: every version, one whole, and what is drafted."""

import json
from itertools import pairwise

from shared.contracts.http_ops_rules import (
    OpsPolicies,
    OpsPolicy,
    OpsPolicyDraft,
    PolicyAsked,
    PolicyDraft,
    PolicyRow,
)
from shared.flows.draft_policy import changes, owned_by, whole
from shared.flows.show_rate_cards import NO_DRAFT, may_publish, standing
from shared.people import drafts
from shared.people.permissions import Action, Who
from shared.placement import placement_policies
from shared.placement.policy import NoSuchPolicy
from shared.platform.db import Transaction


def list_policies(tx: Transaction, who: Who) -> OpsPolicies:
    """Every version, by channel, the newest first; that of every channel comes first."""
    return OpsPolicies(policies=tuple(_rows(tx)), acts=may_publish(who, Action.PUBLISH_POLICIES))


def show_policy(tx: Transaction, policy_id: str, who: Who) -> OpsPolicy:
    """A version as it was said, and what it changed.

    Raises:
        NoSuchPolicy: there is none of this name.
    """
    rows = _rows(tx)
    row = next((one for one in rows if one.policy_id == policy_id), None)
    said = placement_policies.document(tx, policy_id)
    if row is None or said is None:
        raise NoSuchPolicy(f"no policy is called {policy_id}", policy_id=policy_id)
    before = next(
        (one for one in rows if (one.channel, one.version) == (row.channel, row.version - 1)), None
    )
    was = placement_policies.document(tx, before.policy_id) if before is not None else None
    return OpsPolicy(
        row=row,
        said=dict(said),
        whole=whole(said),
        follows=before.policy_id if before is not None else None,
        changes=changes(was or {}, said),
        acts=may_publish(who, Action.PUBLISH_POLICIES),
    )


def show_draft(tx: Transaction, asked: PolicyAsked | None, who: Who) -> OpsPolicyDraft:
    """What whoever asks has drafted, and what they may start from.

    Raises:
        NoSuchPolicy: there is none to start from.
    """
    draft = drafts.find(tx, owned_by(who.caller))
    found = None if draft is None else PolicyDraft.model_validate(draft.found)
    if asked is not None and asked.like:
        start = placement_policies.document(tx, asked.like)
        if start is None:
            raise NoSuchPolicy(f"no policy is called {asked.like}", field="like")
    elif found is not None:
        start = found.said
    else:
        latest = placement_policies.latest(tx, None)
        start = latest.document if latest is not None else whole({})
    return OpsPolicyDraft(
        version=NO_DRAFT if draft is None else draft.draft_id,
        draft=found,
        start=json.dumps(start, indent=2),
        made_at=None if draft is None else draft.made_at,
        expires_at=None if draft is None else draft.expires_at,
        acts=may_publish(who, Action.PUBLISH_POLICIES),
    )


def _rows(tx: Transaction) -> list[PolicyRow]:
    versions = placement_policies.versions(tx)
    in_time = sorted(versions, key=lambda one: (one.channel, one.valid_from))
    ends = {
        one.policy.policy_id: after.valid_from
        for one, after in pairwise(in_time)
        if one.channel == after.channel
    }
    return [
        PolicyRow(
            policy_id=one.policy.policy_id,
            channel=one.channel,
            version=one.version,
            valid_from=one.valid_from,
            standing=standing(one.valid_from, ends.get(one.policy.policy_id), tx.now),
            published_by=one.published_by,
            reason=one.reason,
        )
        for one in sorted(versions, key=lambda one: (one.channel, -one.version))
    ]
