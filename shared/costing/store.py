"""The tables of rate cards, and charges. Nothing else writes to them.

A version of a rate card is in rate_cards, its zones in rate_card_zones, rate_card_rules and
rate_card_prices. In rate_card_steps older code keeps its distance bands.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from shared.costing.book import MIN_NOTICE, RateBook
from shared.costing.types import (
    STANDARD,
    Charge,
    ChargeKind,
    RateCard,
    RateCardDraft,
    RateCardRefused,
    Step,
    Zone,
    ZoneRule,
)
from shared.kit.money import Money
from shared.platform.db import Transaction, Write
from shared.platform.sql import text

# One statement, so that a version is read with all its zones or not at all.
_CARDS = text("""
    SELECT card.*, (
        SELECT jsonb_agg(jsonb_build_array(
                   zone, per_kg_cents, max_weight_g, transit_days, remote_area_cents,
                   (SELECT jsonb_agg(jsonb_build_array(from_country, from_postcode, to_country,
                                                       to_postcode, max_distance_m)
                                     ORDER BY to_country, to_postcode, from_country, from_postcode,
                                              max_distance_m)
                      FROM rate_card_rules AS rule
                     WHERE (rule.rate_card_id, rule.zone) = (card.rate_card_id, area.zone)),
                   (SELECT jsonb_agg(jsonb_build_array(max_weight_g, price_cents)
                                     ORDER BY price.max_weight_g)
                      FROM rate_card_prices AS price
                     WHERE (price.rate_card_id, price.zone) = (card.rate_card_id, area.zone)))
               ORDER BY zone)
          FROM rate_card_zones AS area WHERE area.rate_card_id = card.rate_card_id) AS zones
      FROM rate_cards AS card
""")
_NEXT_VERSION = text("""
    SELECT coalesce(max(version), 0) + 1 AS version,
           max(rate_card_id) FILTER (WHERE valid_from = :valid_from) AS begins_then
      FROM rate_cards WHERE carrier = :carrier AND service = :service
""")
_INSERT_CARD = """
    INSERT INTO rate_cards (rate_card_id, carrier, service, version, currency, handling_cents,
                            packaging_cents, volume_divisor, fuel_basis_points,
                            minimum_freight_cents, oversize_mm, oversize_cents, residential_cents,
                            max_length_mm, carries, valid_from, published_by, reason)
    VALUES (:rate_card_id, :carrier, :service, :version, :currency, :handling_cents,
            :packaging_cents, :volume_divisor, :fuel_basis_points, :minimum_freight_cents,
            :oversize_mm, :oversize_cents, :residential_cents, :max_length_mm,
            CAST(:carries AS text[]), :valid_from, :published_by, :reason)
 RETURNING 1
"""
_INSERT_ZONES = """
    INSERT INTO rate_card_zones (rate_card_id, zone, per_kg_cents, max_weight_g, transit_days,
                                 remote_area_cents)
    SELECT :rate_card_id, zone, per_kg_cents, max_weight_g, transit_days, remote_area_cents
      FROM jsonb_to_recordset(CAST(:zones AS jsonb))
        AS area (zone text, per_kg_cents integer, max_weight_g integer, transit_days integer,
                 remote_area_cents integer)
 RETURNING 1
"""
_INSERT_RULES = """
    INSERT INTO rate_card_rules (rate_card_id, zone, from_country, from_postcode, to_country,
                                 to_postcode, max_distance_m)
    SELECT :rate_card_id, zone, from_country, from_postcode, to_country, to_postcode,
           max_distance_m
      FROM jsonb_to_recordset(CAST(:zones AS jsonb)) AS area (zone text, rules jsonb),
           jsonb_to_recordset(area.rules)
        AS rule (from_country text, from_postcode text, to_country text, to_postcode text,
                 max_distance_m integer)
 RETURNING 1
"""
_INSERT_PRICES = """
    INSERT INTO rate_card_prices (rate_card_id, zone, max_weight_g, price_cents)
    SELECT :rate_card_id, zone, max_weight_g, price_cents
      FROM jsonb_to_recordset(CAST(:zones AS jsonb)) AS area (zone text, steps jsonb),
           jsonb_to_recordset(area.steps) AS price (max_weight_g integer, price_cents integer)
 RETURNING 1
"""
_SERVICES = text("SELECT DISTINCT carrier, service FROM rate_cards")
_VERSIONS = text("""
    SELECT rate_card_id, carrier, service, version, currency, valid_from,
           lead(valid_from) OVER (PARTITION BY carrier, service ORDER BY valid_from)
               AS valid_until,
           (SELECT count(*) FROM rate_card_zones AS area
             WHERE area.rate_card_id = card.rate_card_id) AS zones,
           published_by, reason
      FROM rate_cards AS card
     ORDER BY carrier, service, version
""")
_ZONES = text("""
    SELECT DISTINCT carrier, zone FROM rate_cards JOIN rate_card_zones USING (rate_card_id)
""")
_CHARGE = """
    INSERT INTO charges (parcel_id, order_id, kind, entry, amount_cents, currency, rate_card_id,
                         charged_at)
    SELECT :parcel_id, :order_id, kind, :entry, amount_cents, currency, rate_card_id,
           CAST(:now AS timestamptz)
      FROM unnest(CAST(:kinds AS text[]), CAST(:amounts AS bigint[]), CAST(:currencies AS text[]),
                  CAST(:rate_card_ids AS text[]))
        AS charge (kind, amount_cents, currency, rate_card_id)
        ON CONFLICT DO NOTHING
 RETURNING 1
"""
# A parcel may be rerouted again; the row is what all of it costs more than was quoted.
_FALLBACK = """
    INSERT INTO charges AS booked (parcel_id, order_id, kind, entry, amount_cents, currency,
                                   rate_card_id, charged_at)
    VALUES (:parcel_id, :order_id, :kind, 'charge', :amount_cents, :currency, :rate_card_id, :now)
        ON CONFLICT (parcel_id, kind, entry) DO UPDATE
       SET amount_cents = booked.amount_cents + excluded.amount_cents,
           rate_card_id = excluded.rate_card_id, charged_at = excluded.charged_at
 RETURNING 1
"""
_CHARGED = text("""
    SELECT kind, amount_cents, currency, rate_card_id
      FROM charges WHERE parcel_id = :parcel_id AND entry = 'charge'
     ORDER BY kind
""")


class Version(NamedTuple):
    """A version as a list shows it; `valid_until` is when the next begins, None: there is none."""

    rate_card_id: str
    carrier: str
    service: str
    version: int
    currency: str
    valid_from: datetime
    valid_until: datetime | None
    zones: int
    published_by: str
    reason: str


def read_book(tx: Transaction) -> RateBook:
    """Every version of every service."""
    return RateBook(
        RateCard(
            rate_card_id=row.rate_card_id,
            carrier=row.carrier,
            service=row.service,
            version=row.version,
            currency=row.currency,
            valid_from=row.valid_from,
            handling_cents=row.handling_cents,
            packaging_cents=row.packaging_cents,
            volume_divisor=row.volume_divisor,
            fuel_basis_points=row.fuel_basis_points,
            minimum_freight_cents=row.minimum_freight_cents,
            oversize_mm=row.oversize_mm,
            oversize_cents=row.oversize_cents,
            residential_cents=row.residential_cents,
            max_length_mm=row.max_length_mm,
            carries=tuple(row.carries),
            zones=tuple(
                Zone(
                    zone=zone,
                    rules=tuple(ZoneRule(*rule) for rule in rules),
                    steps=tuple(Step(*step) for step in steps or ()),
                    per_kg_cents=per_kg_cents,
                    max_weight_g=max_weight_g,
                    transit_days=transit_days,
                    remote_area_cents=remote_area_cents,
                )
                for (
                    zone,
                    per_kg_cents,
                    max_weight_g,
                    transit_days,
                    remote_area_cents,
                    rules,
                    steps,
                ) in row.zones or ()
            ),
        )
        for row in tx.rows(_CARDS)
    )


def services(tx: Transaction) -> frozenset[tuple[str, str]]:
    """Every carrier and service that has a rate card, valid or not."""
    return frozenset((row.carrier, row.service) for row in tx.rows(_SERVICES))


def versions(tx: Transaction) -> Sequence[Version]:
    """Every version by carrier, service and number."""
    return [Version(**row._mapping) for row in tx.rows(_VERSIONS)]  # noqa: SLF001


def zones(tx: Transaction) -> frozenset[tuple[str, str]]:
    """Carriers with their zones, of any version."""
    return frozenset((row.carrier, row.zone) for row in tx.rows(_ZONES))


def publish(tx: Transaction, draft: RateCardDraft, published_by: str, reason: str) -> str:
    """Publish a service's next version and return its id. Its first may be valid at once.

    It holds until the next one begins, which may have been published before it. Who publishes has
    asked `problems` whether the draft can be.

    Raises:
        RateCardRefused: it would begin with another one, or too soon for running functions.
    """
    row = tx.row(
        _NEXT_VERSION, carrier=draft.carrier, service=draft.service, valid_from=draft.valid_from
    )
    assert row is not None, "an aggregate has one row"
    why = None
    if row.version > 1 and draft.valid_from < tx.now + MIN_NOTICE:
        why = f"must be at least {MIN_NOTICE.seconds} s ahead"
    elif row.begins_then is not None:
        why = f"{row.begins_then} begins at that moment; name another one"
    if why is not None:
        raise RateCardRefused(
            f"valid_from: {why}", field="valid_from", carrier=draft.carrier, service=draft.service
        )
    # No carrier has an @ in its name, so no two services share an id.
    name = draft.carrier if draft.service == STANDARD else f"{draft.carrier}@{draft.service}"
    rate_card_id = f"{name}-{row.version}"
    zones = json.dumps([_as_json(zone) for zone in draft.zones])
    own = {"rate_card_id": rate_card_id, "zones": zones}
    card = {
        **{name: value for name, value in vars(draft).items() if name != "zones"},
        "carries": list(draft.carries),
        "rate_card_id": rate_card_id,
        "version": row.version,
        "published_by": published_by,
        "reason": reason,
    }
    tx.write(
        Write(_INSERT_CARD, card, rows=1),
        Write(_INSERT_ZONES, own, rows=len(draft.zones)),
        Write(_INSERT_RULES, own, rows=sum(len(zone.rules) for zone in draft.zones)),
        Write(_INSERT_PRICES, own, rows=sum(len(zone.steps) for zone in draft.zones)),
    )
    return rate_card_id


def _as_json(zone: Zone) -> dict[str, object]:
    return zone._asdict() | {
        "rules": [rule._asdict() for rule in zone.rules],
        "steps": [step._asdict() for step in zone.steps],
    }


def charge(
    tx: Transaction, parcel_id: str, order_id: str, charges: Sequence[Charge], entry: str
) -> Write:
    """Book charges ('charge') or take them back ('reversal'); booking the same twice is once."""
    return Write(
        _CHARGE,
        {
            "parcel_id": parcel_id,
            "order_id": order_id,
            "entry": entry,
            "kinds": [charge.kind for charge in charges],
            "amounts": [charge.amount.amount_cents for charge in charges],
            "currencies": [charge.amount.currency for charge in charges],
            "rate_card_ids": [charge.rate_card_id for charge in charges],
            "now": tx.now,
        },
    )


def charge_fallback(tx: Transaction, parcel_id: str, order_id: str, more: Charge) -> Write:
    """Book what a rerouted parcel costs more than before, on top of earlier differences."""
    return Write(
        _FALLBACK,
        {
            "parcel_id": parcel_id,
            "order_id": order_id,
            "kind": more.kind,
            "amount_cents": more.amount.amount_cents,
            "currency": more.amount.currency,
            "rate_card_id": more.rate_card_id,
            "now": tx.now,
        },
        rows=1,
    )


def charged(tx: Transaction, parcel_id: str) -> tuple[Charge, ...]:
    """What was charged for a parcel, reversals left aside."""
    return tuple(
        Charge(ChargeKind(row.kind), Money(row.amount_cents, row.currency), row.rate_card_id)
        for row in tx.rows(_CHARGED, parcel_id=parcel_id)
    )
