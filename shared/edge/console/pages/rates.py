"""Rate cards: what is sold at which prices, and new versions, from a file to their publication."""

from shared.contracts.http_ops_rules import (
    MOST_ROWS_CHARACTERS,
    OpsRateCard,
    OpsRates,
    OpsRatesDraft,
    Publication,
    RateCardAsked,
    RatesFile,
)
from shared.costing.rows import RowsRefused
from shared.costing.types import RateCardRefused, UnknownRateCard
from shared.edge.console.routes import Act, View, Visit
from shared.flows.draft_rates import draft_rates, publish_drafted_rates
from shared.flows.show_rate_cards import list_services, show_draft, show_version
from shared.people.drafts import NoDraft
from shared.people.permissions import Action


def _list(visit: Visit, _query: None) -> OpsRates:
    return list_services(visit.tx, visit.who)


def _show(visit: Visit, asked: RateCardAsked) -> OpsRateCard:
    return show_version(visit.tx, visit.parts["carrier"], visit.parts["service"], asked)


def _draft(visit: Visit, _query: None) -> OpsRatesDraft:
    return show_draft(visit.tx, visit.who)


def _check(visit: Visit, said: RatesFile) -> None:
    draft_rates(visit.tx, visit.who.caller, said)


def _publish(visit: Visit, said: Publication) -> None:
    person = visit.person(said.reason)
    publish_drafted_rates(visit.tx, visit.who.caller, visit.seen, person, said.valid_from)


DRAFT = View(
    name="showRatesDraft",
    path="/rates/draft",
    purpose="Show the rate cards that whoever asks has drafted, with what they would change.",
    action=Action.SEE_RATES,
    show=_draft,
    answer=OpsRatesDraft,
    template="rates_draft.html",
)
ROUTES = (
    View(
        name="listRateCards",
        path="/rates",
        purpose="List the services of all carriers, with the prices that hold and that come.",
        action=Action.SEE_RATES,
        show=_list,
        answer=OpsRates,
        template="rates.html",
        tab="Rate cards",
        key="r",
    ),
    View(
        name="showRateCard",
        path="/rates/{carrier}/{service}",
        purpose="Show a version of a service's rate card, and what it changed.",
        action=Action.SEE_RATES,
        show=_show,
        answer=OpsRateCard,
        template="rate_card.html",
        query=RateCardAsked,
        refusals={UnknownRateCard: 404},
    ),
    DRAFT,
    Act(
        name="checkRates",
        path="/rates/draft/check",
        purpose="Check rows of rate cards and see what they would have done; publishes nothing.",
        action=Action.PUBLISH_RATES,
        act=_check,
        body=RatesFile,
        view=DRAFT,
        done="The file is checked. Nothing of it is published yet.",
        form="check",
        most_bytes=4 * MOST_ROWS_CHARACTERS,
    ),
    Act(
        name="publishRates",
        path="/rates/draft/publish",
        purpose="Publish the rate cards that were drafted, all of them or none.",
        action=Action.PUBLISH_RATES,
        act=_publish,
        body=Publication,
        view=DRAFT,
        done="The rate cards are published. Until they hold, the old prices do.",
        form="publish",
        refusals={NoDraft: 409, RowsRefused: 409, RateCardRefused: 422},
    ),
)
