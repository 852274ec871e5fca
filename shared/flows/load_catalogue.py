"""Load what is sold, where it lies and what carriers take."""

from collections.abc import Collection, Mapping, Sequence

from shared.carriers.types import CarrierAccount, LabelFormat
from shared.contracts.catalogue import (
    Catalogue,
    CatalogueCarrierAccount,
    CatalogueRateCard,
    CatalogueWarehouse,
)
from shared.costing import store as costing
from shared.costing.bands import Cell, zones_of
from shared.costing.problems import problems
from shared.costing.types import (
    NO_LIMIT_M,
    RateCardDraft,
    RateCardRefused,
    Step,
    Zone,
    ZoneRule,
)
from shared.flows.keep_safety import keep_safety
from shared.flows.known_carriers import why_no_rates
from shared.flows.set_carrier_account import SetCarrierAccount, set_carrier_account
from shared.kit.errors import Malformed
from shared.kit.geo import Point, bare_postcode
from shared.orders import ageing_rules, backorder_caps
from shared.orders import store as orders
from shared.orders.types import Priority
from shared.people.types import Person
from shared.platform.db import Transaction
from shared.shipments import site_days
from shared.stock import store as stock
from shared.stock import warehouses
from shared.stock.kit_components import put_kits
from shared.stock.skus import Unit, put_skus
from shared.stock.types import KitRefused, UnknownSku, UnknownWarehouse
from shared.stock.warehouses import Working

_CATALOGUE = Person("catalogue", "loaded with the catalogue")


def load_catalogue(tx: Transaction, catalogue: Catalogue) -> None:
    """Add or replace what is there, and publish the next rate card versions.

    Raises:
        RateCardRefused: a rate card would be valid too soon, or cannot be: two zones claim the same
            places, or the carrier has no queues. Nothing of the catalogue is loaded.
        UnknownSku, KitRefused: a kit cannot be made of what it names, or has a release of its own.
        UnknownWarehouse: a channel may sell from a place that we do not know.
        Malformed: a carrier account names a vendor or a carrier that nobody knows.
    """
    if catalogue.skus:
        put_skus(
            tx,
            [
                Unit(
                    sku=s.sku,
                    weight_g=s.weight_g,
                    length_mm=s.length_mm,
                    width_mm=s.width_mm,
                    height_mm=s.height_mm,
                    released_at=s.released_at,
                    needs=s.needs,
                )
                for s in catalogue.skus
            ],
        )
        _put_kits(tx, {s.sku: s.components for s in catalogue.skus if s.components is not None})
        _refuse_released(
            tx, [s.sku for s in catalogue.skus if s.released_at and s.released_at > tx.now]
        )
        backorder_caps.put(tx, {s.sku: s.backorder_cap for s in catalogue.skus})
    for place in catalogue.warehouses:
        warehouses.put(
            tx,
            place.warehouse,
            place.address.model_dump(),
            Point(place.lat, place.lon),
            _working(place),
        )
        site_days.forget(tx, place.warehouse)
        keep_safety(tx, place.warehouse, place.safety)
    for channel in catalogue.channels:
        for name in channel.share_percent:
            if warehouses.find(tx, name) is None:
                raise UnknownWarehouse(
                    f"channels.{channel.channel}.share_percent: {name} is not known",
                    warehouse=name,
                )
        orders.set_scope(tx, channel.channel, channel.share_percent)
    for rule in catalogue.ageing:
        ageing_rules.put(tx, Priority(rule.priority), rule.share, Priority(rule.asks))
    _publish(tx, catalogue.rate_cards)
    _set_accounts(tx, catalogue.carrier_accounts)


def _publish(tx: Transaction, cards: Sequence[CatalogueRateCard]) -> None:
    for number, card in enumerate(cards):
        if reason := why_no_rates(card.carrier):
            field = f"rate_cards.{number}.carrier"
            raise RateCardRefused(f"{field}: {reason}", field=field)
        draft = _draft(card)
        for problem in problems(draft):
            field = f"rate_cards.{number}.{problem.path if card.zones else 'cells'}"
            raise RateCardRefused(f"{field}: {problem.reason}", field=field)
        costing.publish(tx, draft, "", "loaded with the catalogue")


def _set_accounts(tx: Transaction, accounts: Sequence[CatalogueCarrierAccount]) -> None:
    for number, account in enumerate(accounts):
        try:
            wish = SetCarrierAccount(
                _account(account), _CATALOGUE, has_manifests=account.has_manifests
            )
            set_carrier_account(tx, wish)
        except Malformed as wrong:
            field = f"carrier_accounts.{number}.{wrong.field}"
            raise Malformed(f"carrier_accounts.{number}.{wrong}", field=field) from None


def _account(said: CatalogueCarrierAccount) -> CarrierAccount:
    label_format = LabelFormat(said.label_format)
    named = said.model_dump(exclude={"has_manifests"})
    return CarrierAccount(**{**named, "label_format": label_format})


def _working(place: CatalogueWarehouse) -> Working:
    return Working(
        time_zone=place.time_zone,
        cut_off_minute=place.cut_off_minute,
        working_days=place.working_days,
        closed_on=place.closed_on,
        closed_for=place.closed_for,
        daily_parcels=place.daily_parcels,
        capabilities=place.capabilities,
    )


def _draft(card: CatalogueRateCard) -> RateCardDraft:
    said = card.model_dump(exclude={"cells", "zones"})
    zones = tuple(
        Zone(
            rules=tuple(
                ZoneRule(
                    rule.from_country,
                    bare_postcode(rule.from_postcode),
                    rule.to_country,
                    bare_postcode(rule.to_postcode),
                    rule.max_distance_m or NO_LIMIT_M,
                )
                for rule in zone.rules
            ),
            steps=tuple(Step(step.max_weight_g, step.price_cents) for step in zone.steps),
            **zone.model_dump(exclude={"rules", "steps"}),
        )
        for zone in card.zones
    )
    cells = zones_of(
        Cell(cell.max_distance_m or NO_LIMIT_M, cell.max_weight_g, cell.price_cents)
        for cell in card.cells
    )
    return RateCardDraft(zones=zones or cells, **said)


def _refuse_released(tx: Transaction, skus: Collection[str]) -> None:
    """A kit has no release to come: it can be sent when all that it is made of can."""
    for sku, parts in stock.known(tx, skus).items():
        if parts:
            raise KitRefused(
                f"skus.{sku}.released_at: {sku} is a kit, and can be sent when all of its"
                f" components can; give the date to one of {', '.join(sorted(parts))}, or leave"
                " it out",
                field=f"skus.{sku}.released_at",
                sku=sku,
            )


def _put_kits(tx: Transaction, kits: Mapping[str, Mapping[str, int]]) -> None:
    made = {kit: parts for kit, parts in kits.items() if parts}
    known = stock.known(tx, {sku for parts in made.values() for sku in parts})
    for kit, parts in made.items():
        for sku in parts:
            field = f"skus.{kit}.components.{sku}"
            if sku not in known:
                raise UnknownSku(f"{field}: not in the catalogue", field=field, sku=sku)
            if sku == kit or sku in made or (known[sku] and kits.get(sku) != {}):
                raise KitRefused(
                    f"{field}: a kit is made of what lies on shelves, not of kits; name the"
                    f" components of {sku} instead",
                    field=field,
                    sku=sku,
                )
    for kit in stock.stocked(tx, made):
        raise KitRefused(
            f"skus.{kit}.components: units of {kit} are on hand, and a kit has none of its own;"
            " adjust them to 0 first",
            field=f"skus.{kit}.components",
            sku=kit,
        )
    put_kits(tx, kits)
