"""What rate cards or a policy would have done: decisions of the last day are made again with them.

A receipt holds all that a decision was told. Of that only what is proposed is changed; stock,
capacity and everything else are as they were at that moment. What is not decided anew is whether an
order is sent in part.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache
from typing import Any

from shared.contracts.http_ops_rules import Effect, EffectExample, EffectService, EffectSum
from shared.costing import store as costing
from shared.costing.types import NoRateCard, RateCard, RateCardDraft, Terms
from shared.flows.offers import Weighing, tariff_of
from shared.ops import decisions
from shared.ops.decisions import Drawn
from shared.placement import placement_policies
from shared.placement.engine import decide
from shared.placement.policy import EVERY_CHANNEL, NoSuchPolicy, Policy, PolicyBook
from shared.placement.receipt import ENGINE, departures, told
from shared.placement.types import Limits, Placement, Site, Tariff
from shared.platform.db import Transaction
from shared.stock import warehouses
from shared.stock.warehouses import ALWAYS, Working

LOOKED_BACK = timedelta(hours=24)
SAMPLED = 400  # decisions: some milliseconds each
EXAMPLES = 10

_Service = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Proposal:
    """New versions of services, or a policy for a channel (None: for all without their own)."""

    cards: Sequence[RateCardDraft] = ()
    policy: Policy | None = None
    channel: str | None = None


@dataclass(frozen=True, slots=True)
class _Outcome:
    """A decision as it was, and as it would be; `after` is None where nothing would be placed."""

    order_id: str
    currency: str
    before: tuple["_Box", ...]
    after: tuple["_Box", ...] | None

    @property
    def before_cents(self) -> int:
        return sum(box.cost_cents for box in self.before)

    @property
    def after_cents(self) -> int | None:
        return None if self.after is None else sum(box.cost_cents for box in self.after)

    @property
    def difference_cents(self) -> int:
        """0 where nothing would be placed."""
        return 0 if self.after_cents is None else self.after_cents - self.before_cents

    def differs_in(self, part: str) -> bool:
        """Whether its boxes would be of others of these."""
        return self.after is not None and Counter(
            getattr(box, part) for box in self.before
        ) != Counter(getattr(box, part) for box in self.after)

    @property
    def is_otherwise(self) -> bool:
        return self.after is None or self.before != self.after


@dataclass(frozen=True, slots=True)
class _Box:
    warehouse: str
    service: _Service
    cost_cents: int

    def __str__(self) -> str:
        return f"{self.warehouse} · {' '.join(self.service)}"


class _World:
    """All that decisions are made again with."""

    def __init__(self, tx: Transaction, proposal: Proposal) -> None:
        self._proposal = proposal
        self._book = costing.read_book(tx)
        self._policies = PolicyBook(placement_policies.versions(tx))
        self._working: Mapping[str, Working] = warehouses.working(tx)
        self._origins = decisions.origins(tx)
        self._cards = tuple(
            RateCard(
                **vars(draft), rate_card_id=f"draft {draft.carrier} {draft.service}", version=0
            )
            for draft in proposal.cards
        )
        self._replaced = {(card.carrier, card.service) for card in self._cards}
        # Terms are told apart by identity: the same ones for the same zone.
        self.terms = cache(self._terms)

    def again(self, drawn: Drawn) -> _Outcome | None:
        """Make a decision again, with what is proposed; None where it cannot be told again."""
        if drawn.decision.receipt["inputs"].get("engine") != ENGINE:
            return None
        try:
            return self._again(drawn)
        except (NoRateCard, NoSuchPolicy, KeyError):
            return None

    def _again(self, drawn: Drawn) -> _Outcome:
        inputs = drawn.decision.receipt["inputs"]
        result = drawn.decision.receipt["result"]
        is_home = bool(inputs.get("home", False))
        before = self._policies.named(inputs["policy"])
        policy = self._proposal.policy or before

        def tariff(rate_card_id: str, zone: str, penalty_cents: int) -> Tariff:
            return tariff_of(self.terms(rate_card_id, zone, is_home=is_home), penalty_cents)

        demand, sites, limits = told(inputs, tariff)
        ship_on = _ship_on(inputs)
        changed = []
        for site in sites:
            of_days = [site.tariffs, *[departure.tariffs for departure in site.later]]
            # Of a warehouse that was closed for good no day was kept.
            for position, day in enumerate(ship_on.get(site.warehouse, ())):
                was, now = (
                    Weighing(
                        one,
                        site.warehouse,
                        self._working.get(site.warehouse, ALWAYS),
                        day,
                        drawn.promised_at,
                    )
                    for one in (before, policy)
                )
                visit = _Visit(was, now, drawn, result["currency"], is_home=is_home)
                of_days[position] = self._tariffs(site, of_days[position], visit)
            later = [
                departure._replace(tariffs=tariffs)
                for departure, tariffs in zip(site.later, of_days[1:], strict=True)
            ]
            again = replace(site, tariffs=of_days[0], later=tuple(later))
            changed.append(_reopened(again, before, policy))
        if self._proposal.policy is not None:
            limits = Limits(policy.most_nodes, split_cents=policy.split_cents)
        decision = decide(demand, changed, limits)
        return _Outcome(
            drawn.decision.order_id,
            result["currency"],
            tuple(_kept_box(parcel) for parcel in result["parcels"]),
            _boxes(decision) if isinstance(decision, Placement) else None,
        )

    def _tariffs(
        self, site: Site, tariffs: Sequence[Tariff], visit: "_Visit"
    ) -> tuple[Tariff, ...]:
        """What services take from a site on one of its days, with what is proposed.

        What a penalty held that cannot be told again, how likely a refusal was then, stays in it.
        """
        found = []
        drift_cents = 0
        for position, tariff in enumerate(tariffs):
            terms = self.terms(tariff.rate_card_id, tariff.zone, is_home=visit.is_home)
            rest_cents = tariff.penalty_cents - visit.was.penalty_cents(terms)
            if position == 0:
                drift_cents = rest_cents
            if (terms.carrier, terms.service) in self._replaced or visit.now.policy.excludes(
                terms.carrier, terms.service
            ):
                continue
            found.append(visit.weighed(terms, rest_cents))
        for card in self._added(visit):
            origin = self._origins.get(site.warehouse)
            if origin is None:
                continue
            agreed = card.terms(
                origin, visit.drawn.to, site.distance_m, is_residential=visit.is_home
            )
            if agreed is not None:
                found.append(visit.weighed(agreed, drift_cents))
        return tuple(found)

    def _added(self, visit: "_Visit") -> list[RateCard]:
        """Cards of services that were not offered then, or not so."""
        now = visit.now.policy
        wanted = [
            *self._cards,
            *(
                card
                for card in self._book.valid_at(visit.drawn.decision.decided_at)
                if visit.was.policy.excludes(card.carrier, card.service)
            ),
        ]
        return [
            card
            for card in wanted
            if card.currency == visit.currency and not now.excludes(card.carrier, card.service)
        ]

    def _terms(self, rate_card_id: str, zone: str, *, is_home: bool) -> Terms:
        return self._book.named(rate_card_id).terms_in(zone, is_residential=is_home)


@dataclass(frozen=True, slots=True)
class _Visit:
    """A decision at one of its sites, as it was weighed and as it would be."""

    was: Weighing
    now: Weighing
    drawn: Drawn
    currency: str
    is_home: bool

    def weighed(self, terms: Terms, rest_cents: int) -> Tariff:
        return tariff_of(terms, max(0, self.now.penalty_cents(terms) + rest_cents))


def preview_rules(tx: Transaction, proposal: Proposal) -> Effect:
    """What the proposal would have done to decisions of the last day; it changes nothing."""
    since = tx.now - LOOKED_BACK
    own = {
        version.channel
        for version in placement_policies.versions(tx)
        if version.channel != EVERY_CHANNEL and version.valid_from <= tx.now
    }
    sample = decisions.sample(
        tx,
        since,
        SAMPLED,
        channel=proposal.channel,
        other_channels=own if proposal.policy is not None and proposal.channel is None else (),
    )
    world = _World(tx, proposal)
    outcomes = [one for one in map(world.again, sample.drawn) if one is not None]
    placed = [one for one in outcomes if one.after is not None]
    return Effect(
        since=since,
        until=tx.now,
        decisions=sample.of_all,
        sampled=len(outcomes),
        skipped=len(sample.drawn) - len(outcomes),
        cheaper=sum(one.difference_cents < 0 for one in placed),
        dearer=sum(one.difference_cents > 0 for one in placed),
        other_service=sum(one.differs_in("service") for one in placed),
        other_warehouse=sum(one.differs_in("warehouse") for one in placed),
        impossible=len(outcomes) - len(placed),
        sums=_sums(placed),
        services=_services(placed),
        examples=_examples(outcomes),
    )


def _ship_on(inputs: Mapping[str, Any]) -> dict[str, tuple[date, ...]]:
    """Warehouse -> the days on which parcels would have left."""
    return {
        warehouse: tuple(date.fromisoformat(day) for day in days)
        for warehouse, days in departures(inputs).items()
    }


def _reopened(site: Site, before: Policy, policy: Policy) -> Site:
    """A site as closed as the policy has it; what else closed it still does."""
    was_out = site.warehouse in before.excluded_warehouses
    is_out = site.warehouse in policy.excluded_warehouses
    if was_out == is_out:
        return site
    if is_out:
        return replace(site, closed=site.closed or f"policy {policy.policy_id} sends nothing")
    return replace(site, closed=None if site.tariffs else site.closed)


def _kept_box(parcel: Mapping[str, Any]) -> _Box:
    return _Box(
        parcel["warehouse"],
        (parcel["carrier"], parcel["service"]),
        parcel["handling_cents"] + parcel["freight_cents"] + parcel["oversize_cents"],
    )


def _boxes(placement: Placement) -> tuple[_Box, ...]:
    return tuple(
        _Box(parcel.warehouse, (parcel.carrier, parcel.service), parcel.cost_cents)
        for parcel in placement.parcels
    )


def _sums(placed: Sequence[_Outcome]) -> tuple[EffectSum, ...]:
    before, after = Counter[str](), Counter[str]()
    for one in placed:
        before[one.currency] += one.before_cents
        after[one.currency] += one.after_cents or 0
    return tuple(
        EffectSum(currency=name, before_cents=before[name], after_cents=after[name])
        for name in sorted(before)
    )


def _services(placed: Sequence[_Outcome]) -> tuple[EffectService, ...]:
    before = Counter(box.service for one in placed for box in one.before)
    after = Counter(box.service for one in placed for box in one.after or ())
    return tuple(
        EffectService(
            carrier=name[0],
            service=name[1],
            parcels_before=before[name],
            parcels_after=after[name],
        )
        for name in sorted(before.keys() | after.keys())
    )


def _examples(outcomes: Sequence[_Outcome]) -> tuple[EffectExample, ...]:
    """Those that are no longer placed first, then by how much they differ."""
    otherwise = sorted(
        (one for one in outcomes if one.is_otherwise),
        key=lambda one: (one.after is not None, -abs(one.difference_cents), one.order_id),
    )
    return tuple(
        EffectExample(
            order_id=one.order_id,
            currency=one.currency,
            before=tuple(str(box) for box in one.before),
            after=tuple(str(box) for box in one.after or ()),
            before_cents=one.before_cents,
            after_cents=one.after_cents,
        )
        for one in otherwise[:EXAMPLES]
    )
