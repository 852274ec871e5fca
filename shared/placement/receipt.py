"""What is kept of a decision, so that it can be explained and recomputed. Pure."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from hashlib import sha256
from typing import Any, NamedTuple

from pydantic_core import to_json

from shared.placement.types import (
    Candidate,
    Demand,
    Departure,
    Limits,
    Parcel,
    Placement,
    Shortage,
    Site,
    Tariff,
)

# Another engine may decide otherwise; it counts up with every change of what it answers.
ENGINE = 3

Document = Mapping[str, Any]


class Receipt(NamedTuple):
    """Inputs and result as JSON-ready values, compact enough to keep for every order.

    Names in the inputs ascend, wherever they stand, so that the same inputs are the same text.
    """

    inputs: Document
    result: Document

    @property
    def inputs_hash(self) -> str:
        """The same for the same inputs on every machine: SHA-256 cut to 128 bits, hexadecimal."""
        return self.as_text()[0]

    def as_text(self) -> tuple[str, str]:
        """The hash of the inputs, and both as the JSON text that is kept."""
        inputs, result = to_json(self.inputs), to_json(self.result)
        hashed = sha256(inputs).hexdigest()[:32]
        return hashed, f'{{"inputs":{inputs.decode()},"result":{result.decode()}}}'


class Asked(NamedTuple):
    """What the engine was told beside demand and sites, for who explains its answer.

    Attributes:
        policy_id: whose wishes the limits and penalties express.
        ship_on: warehouse -> the days on which parcels would leave, the first one first.
        is_home: whether somebody lives where the order goes, which some services charge.
    """

    policy_id: str
    ship_on: Mapping[str, Sequence[date]]
    is_home: bool


def receipt(
    demand: Sequence[Demand],
    sites: Sequence[Site],
    limits: Limits,
    asked: Asked,
    decision: Placement | Shortage,
) -> Receipt:
    """All that a decision came from and came to.

    Tariffs are kept as the ids of their rate card versions, which never change, with the zone and
    the penalty; those of later days are the same but for the penalties. What a unit or a site has
    beyond the usual follows in an object of its own.
    """
    inputs: dict[str, Any] = {"demand": [_demand(line) for line in demand], "engine": ENGINE}
    if asked.is_home:
        inputs["home"] = True
    inputs["nodes"] = limits.nodes
    inputs["policy"] = asked.policy_id
    inputs["sites"] = [_site(site, asked.ship_on.get(site.warehouse, ())) for site in sites]
    if limits.split_cents:
        inputs["split_cents"] = limits.split_cents
    return Receipt(inputs, result(decision))


def canonical(found: Any) -> Any:
    """Inputs as they were hashed, from a store that has put their names into another order."""
    if isinstance(found, Mapping):
        return {name: canonical(found[name]) for name in sorted(found)}
    return [canonical(one) for one in found] if isinstance(found, list) else found


def result(decision: Placement | Shortage) -> dict[str, Any]:
    """What a decision came to: equal where two decisions are."""
    candidates = [_candidate(candidate) for candidate in decision.candidates]
    if isinstance(decision, Shortage):
        return {
            "candidates": candidates,
            "missing": dict(decision.missing),
            "not_carried": dict(decision.not_carried),
            "not_now": dict(decision.not_now),
        }
    return {
        "candidates": candidates,
        "cost_cents": decision.cost_cents,
        "opportunity_cents": decision.opportunity_cents,
        "penalty_cents": decision.penalty_cents,
        "currency": decision.currency,
        "parcels": [_parcel(parcel) for parcel in decision.parcels],
        "runner_up": decision.runner_up
        and {
            "warehouses": list(decision.runner_up.warehouses),
            "total_cents": decision.runner_up.total_cents,
            "behind_cents": decision.runner_up.behind_cents,
        },
        "exact": decision.exact,
        "lower_bound_cents": decision.lower_bound_cents,
        "nodes": decision.nodes,
    }


def departures(inputs: Document) -> dict[str, tuple[str, ...]]:
    """Warehouse -> the days on which parcels would have left, ISO 8601, by `Parcel.departure`."""
    return {
        site[0]: (site[4]["ship_on"], *[day for *_, day in site[4].get("later", ())])
        for site in inputs["sites"]
        if len(site) > 4 and "ship_on" in site[4]
    }


def told(
    inputs: Document, tariff: Callable[[str, str, int], Tariff]
) -> tuple[list[Demand], list[Site], Limits]:
    """What the engine was told, from the inputs of a receipt.

    Args:
        inputs: as `receipt` made them.
        tariff: gives what a rate card version takes in a zone: (its id, the zone, the penalty).
    """
    demand = [_told_demand(*line) for line in inputs["demand"]]
    sites = [_told_site(*site, tariff=tariff) for site in inputs["sites"]]
    return demand, sites, Limits(inputs["nodes"], split_cents=inputs.get("split_cents", 0))


def _demand(line: Demand) -> list[Any]:
    usual: list[Any] = [line.sku, line.quantity, line.weight_g]
    more: dict[str, Any] = {}
    if line.longest_mm:
        more["longest_mm"] = line.longest_mm
    if line.needs:
        more["needs"] = sorted(line.needs)
    if line.volume_mm3:
        more["volume_mm3"] = line.volume_mm3
    return [*usual, more] if more else usual


def _told_demand(sku: str, quantity: int, weight_g: int, more: Document | None = None) -> Demand:
    said = dict(more or {})
    return Demand(sku, quantity, weight_g, needs=frozenset(said.pop("needs", ())), **said)


def _site(site: Site, ship_on: Sequence[date]) -> list[Any]:
    tariffs = [[t.rate_card_id, t.zone, t.penalty_cents] for t in site.tariffs]
    available = dict(sorted(site.available.items()))
    usual: list[Any] = [site.warehouse, site.distance_m, available, tariffs]
    more: dict[str, Any] = {}
    if site.capabilities:
        more["capabilities"] = sorted(site.capabilities)
    if site.closed is not None:
        more["closed"] = site.closed
    if site.later:
        more["later"] = [
            [departure.parcels_left, [t.penalty_cents for t in departure.tariffs], day.isoformat()]
            for departure, day in zip(site.later, ship_on[1:], strict=True)
        ]
    if site.opportunity_cents:
        more["opportunity_cents"] = dict(sorted(site.opportunity_cents.items()))
    if site.parcels_left is not None:
        more["parcels_left"] = site.parcels_left
    if ship_on:
        more["ship_on"] = ship_on[0].isoformat()
    return [*usual, more] if more else usual


def _told_site(
    warehouse: str,
    distance_m: int,
    available: Mapping[str, int],
    tariffs: Sequence[tuple[str, str, int]],
    more: Document | None = None,
    *,
    tariff: Callable[[str, str, int], Tariff],
) -> Site:
    said = dict(more or {})
    said.pop("ship_on", None)
    later = [
        Departure(
            parcels_left,
            tuple(
                tariff(rate_card_id, zone, penalty_cents)
                for (rate_card_id, zone, _), penalty_cents in zip(tariffs, penalties, strict=True)
            ),
        )
        for parcels_left, penalties, _ in said.pop("later", ())
    ]
    return Site(
        warehouse,
        distance_m,
        available,
        tuple(tariff(*of_card) for of_card in tariffs),
        capabilities=frozenset(said.pop("capabilities", ())),
        later=tuple(later),
        **said,
    )


def _parcel(parcel: Parcel) -> dict[str, Any]:
    said: dict[str, Any] = {
        "warehouse": parcel.warehouse,
        "carrier": parcel.carrier,
        "service": parcel.service,
        "rate_card_id": parcel.rate_card_id,
        "items": dict(parcel.items),
        "chargeable_g": parcel.chargeable_g,
        "handling_cents": parcel.handling_cents,
        "freight_cents": parcel.freight_cents,
        "oversize_cents": parcel.oversize_cents,
        "penalty_cents": parcel.penalty_cents,
    }
    if parcel.departure:
        said["departure"] = parcel.departure
    return said


def _candidate(candidate: Candidate) -> dict[str, Any]:
    """What was found of a site; what is empty is left out, save what costs nothing."""
    found = candidate._asdict()
    found["services"] = list(candidate.services)
    if candidate.cost_cents is None:
        kept = ("warehouse", "distance_m", "reason", "warning")
        return {key: found[key] for key in kept if found[key] is not None}
    return {key: value for key, value in found.items() if value is not None}
