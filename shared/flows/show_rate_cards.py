"""Rate cards as the console shows them: what is sold, a version whole, and what is drafted."""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

from shared.contracts.http_ops_rules import (
    OpsRateCard,
    OpsRates,
    OpsRatesDraft,
    RateCardAsked,
    RateCardRow,
    RateCardView,
    RatesDraft,
    RateService,
    RateStep,
    RateZone,
    Standing,
)
from shared.costing import store as costing
from shared.costing.differences import differences, rule_in_words
from shared.costing.store import Version
from shared.costing.types import RateCard, UnknownRateCard, Zone
from shared.flows.draft_rates import owned_by, shown
from shared.flows.show_rates import show_rates
from shared.people import drafts
from shared.people.permissions import Action, Who
from shared.platform.db import Transaction

SHOWN_RULES = 12  # of a zone; all are counted
NO_DRAFT = "none"  # the version of a draft that is not there


def list_services(tx: Transaction, who: Who) -> OpsRates:
    """Every service, with what holds and what comes."""
    services = []
    by_service = groupby(costing.versions(tx), key=lambda one: (one.carrier, one.service))
    for (carrier, service), versions in by_service:
        rows = [_row(version, tx.now) for version in versions]
        services.append(
            RateService(
                carrier=carrier,
                service=service,
                versions=len(rows),
                holds=next((row for row in rows if row.standing == "holds"), None),
                comes=next((row for row in rows if row.standing == "to come"), None),
            )
        )
    return OpsRates(services=tuple(services), acts=may_publish(who, Action.PUBLISH_RATES))


def show_version(tx: Transaction, carrier: str, service: str, asked: RateCardAsked) -> OpsRateCard:
    """A version, beside the one before it or the one that is asked for.

    Raises:
        UnknownRateCard: there is no such service, or no such version of it.
    """
    card = show_rates(tx, carrier, service, asked.version)
    rows = {
        one.version: _row(one, tx.now)
        for one in costing.versions(tx)
        if (one.carrier, one.service) == (carrier, service)
    }
    other = asked.against or max((n for n in rows if n < card.version), default=None)
    if asked.against is not None and asked.against not in rows:
        raise UnknownRateCard(
            f"against: {carrier} {service} has versions 1 to {len(rows)}", field="against"
        )
    before = None if other is None else show_rates(tx, carrier, service, other)
    changes = () if before is None else differences(before, card)
    return OpsRateCard(
        card=_view(card),
        row=rows[card.version],
        versions=tuple(reversed(rows.values())),
        compared_with=other,
        differences=shown(changes),
        differences_in_all=len(changes),
    )


def show_draft(tx: Transaction, who: Who) -> OpsRatesDraft:
    """What whoever asks has drafted."""
    draft = drafts.find(tx, owned_by(who.caller))
    return OpsRatesDraft(
        version=NO_DRAFT if draft is None else draft.draft_id,
        draft=None if draft is None else RatesDraft.model_validate(draft.found),
        made_at=None if draft is None else draft.made_at,
        expires_at=None if draft is None else draft.expires_at,
        acts=may_publish(who, Action.PUBLISH_RATES),
    )


def may_publish(who: Who, action: Action) -> tuple[str, ...]:
    """What of a draft is open to whoever asks: what holds everywhere is for who may everywhere."""
    return ("check", "publish") if who.may(action) and who.warehouses is None else ()


def standing(valid_from: datetime, valid_until: datetime | None, now: datetime) -> Standing:
    """How a version with this time stands at this moment."""
    if now < valid_from:
        return "to come"
    return "holds" if valid_until is None or now < valid_until else "past"


def _row(version: Version, now: datetime) -> RateCardRow:
    return RateCardRow(
        rate_card_id=version.rate_card_id,
        version=version.version,
        currency=version.currency,
        valid_from=version.valid_from,
        valid_until=version.valid_until,
        standing=standing(version.valid_from, version.valid_until, now),
        zones=version.zones,
        published_by=version.published_by,
        reason=version.reason,
    )


def _view(card: RateCard) -> RateCardView:
    return RateCardView(
        carrier=card.carrier,
        service=card.service,
        handling_cents=card.handling_cents,
        packaging_cents=card.packaging_cents,
        volume_divisor=card.volume_divisor,
        fuel_basis_points=card.fuel_basis_points,
        minimum_freight_cents=card.minimum_freight_cents,
        residential_cents=card.residential_cents,
        oversize_mm=card.oversize_mm,
        oversize_cents=card.oversize_cents,
        max_length_mm=card.max_length_mm,
        carries=card.carries,
        zones=_zones(card.zones),
    )


def _zones(zones: Sequence[Zone]) -> tuple[RateZone, ...]:
    return tuple(
        RateZone(
            zone=zone.zone,
            rules=tuple(rule_in_words(rule) for rule in zone.rules[:SHOWN_RULES]),
            rules_in_all=len(zone.rules),
            steps=tuple(
                RateStep(max_weight_g=step.max_weight_g, price_cents=step.price_cents)
                for step in zone.steps
            ),
            per_kg_cents=zone.per_kg_cents,
            max_weight_g=zone.max_weight_g,
            transit_days=zone.transit_days,
            remote_area_cents=zone.remote_area_cents,
        )
        for zone in zones
    )
