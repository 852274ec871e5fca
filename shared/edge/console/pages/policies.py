"""Policies: what channels want of their placements, and new versions of that."""

from shared.contracts.http_ops_rules import (
    OpsPolicies,
    OpsPolicy,
    OpsPolicyDraft,
    PolicyAsked,
    PolicyProposed,
    Publication,
)
from shared.edge.console.routes import Act, View, Visit
from shared.flows.draft_policy import draft_policy, publish_drafted_policy
from shared.flows.show_policies import list_policies, show_draft, show_policy
from shared.people.drafts import NoDraft
from shared.people.permissions import Action
from shared.placement.policy import NoSuchPolicy, PolicyRefused


def _list(visit: Visit, _query: None) -> OpsPolicies:
    return list_policies(visit.tx, visit.who)


def _show(visit: Visit, _query: None) -> OpsPolicy:
    return show_policy(visit.tx, visit.parts["policy_id"], visit.who)


def _draft(visit: Visit, asked: PolicyAsked | None) -> OpsPolicyDraft:
    return show_draft(visit.tx, asked, visit.who)


def _check(visit: Visit, said: PolicyProposed) -> None:
    draft_policy(visit.tx, visit.who.caller, said.document)


def _publish(visit: Visit, said: Publication) -> None:
    person = visit.person(said.reason)
    publish_drafted_policy(visit.tx, visit.who.caller, visit.seen, person, said.valid_from)


DRAFT = View(
    name="showPolicyDraft",
    path="/policies/draft",
    purpose="Show the policy that whoever asks has drafted, with what it would change.",
    action=Action.SEE_POLICIES,
    show=_draft,
    answer=OpsPolicyDraft,
    template="policy_draft.html",
    query=PolicyAsked,
    refusals={NoSuchPolicy: 404},
)
ROUTES = (
    View(
        name="listPolicies",
        path="/policies",
        purpose="List every version of what channels want of their placements.",
        action=Action.SEE_POLICIES,
        show=_list,
        answer=OpsPolicies,
        template="policies.html",
        tab="Policies",
        key="y",
    ),
    DRAFT,
    View(
        name="showPolicy",
        path="/policies/version/{policy_id}",
        purpose="Show a version of a policy, and what it changed.",
        action=Action.SEE_POLICIES,
        show=_show,
        answer=OpsPolicy,
        template="policy.html",
        refusals={NoSuchPolicy: 404},
    ),
    Act(
        name="checkPolicy",
        path="/policies/draft/check",
        purpose="Check a policy and see what it would have done; publishes nothing.",
        action=Action.PUBLISH_POLICIES,
        act=_check,
        body=PolicyProposed,
        view=DRAFT,
        done="The policy is checked. Nothing follows it yet.",
        form="check",
        refusals={PolicyRefused: 422},
    ),
    Act(
        name="publishPolicy",
        path="/policies/draft/publish",
        purpose="Publish the policy that was drafted.",
        action=Action.PUBLISH_POLICIES,
        act=_publish,
        body=Publication,
        view=DRAFT,
        done="The policy is published. Running functions follow it within a minute.",
        form="publish",
        refusals={NoDraft: 409, PolicyRefused: 422},
    ),
)
