"""The tables rate_cards, rate_card_steps and charges. Nothing else writes to them."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import text

from shared.costing.book import MIN_NOTICE, RateBook
from shared.costing.types import Cell, Charge, ChargeKind, RateCard, RateCardRefused
from shared.kit.money import Money
from shared.platform.db import Transaction, Write

_CARDS = text("""
    SELECT rate_card_id, carrier, version, currency, handling_cents, valid_from,
           array_agg(max_distance_m ORDER BY max_distance_m, max_weight_g) AS distances,
           array_agg(max_weight_g   ORDER BY max_distance_m, max_weight_g) AS weights,
           array_agg(price_cents    ORDER BY max_distance_m, max_weight_g) AS prices
      FROM rate_cards JOIN rate_card_steps USING (rate_card_id)
     GROUP BY rate_card_id
""")
_NEXT_VERSION = text("""
    SELECT coalesce(max(version), 0) + 1 AS version, max(valid_from) AS latest
      FROM rate_cards WHERE carrier = :carrier
""")
_INSERT_CARD = """
    INSERT INTO rate_cards (rate_card_id, carrier, version, currency, handling_cents, valid_from)
    VALUES (:rate_card_id, :carrier, :version, :currency, :handling_cents, :valid_from)
 RETURNING 1
"""
_INSERT_STEPS = """
    INSERT INTO rate_card_steps (rate_card_id, max_distance_m, max_weight_g, price_cents)
    SELECT :rate_card_id, max_distance_m, max_weight_g, price_cents
      FROM unnest(CAST(:distances AS integer[]), CAST(:weights AS integer[]),
                  CAST(:prices AS integer[])) AS step (max_distance_m, max_weight_g, price_cents)
 RETURNING 1
"""
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
_CHARGED = text("""
    SELECT kind, amount_cents, currency, rate_card_id
      FROM charges WHERE parcel_id = :parcel_id AND entry = 'charge'
     ORDER BY kind
""")


def read_book(tx: Transaction) -> RateBook:
    """Every version of every carrier."""
    return RateBook(
        RateCard(
            rate_card_id=row.rate_card_id,
            carrier=row.carrier,
            version=row.version,
            currency=row.currency,
            handling_cents=row.handling_cents,
            valid_from=row.valid_from,
            cells=tuple(
                Cell(*bounds) for bounds in zip(row.distances, row.weights, row.prices, strict=True)
            ),
        )
        for row in tx.rows(_CARDS)
    )


def publish(
    tx: Transaction,
    *,
    carrier: str,
    currency: str,
    handling_cents: int,
    valid_from: datetime,
    cells: Sequence[Cell],
) -> str:
    """Publish the carrier's next version and return its id. Its first may be valid at once.

    Raises:
        RateCardRefused: it would begin before one that exists, or too soon for running functions.
    """
    row = tx.row(_NEXT_VERSION, carrier=carrier)
    assert row is not None
    if row.latest is not None and valid_from < max(row.latest, tx.now + MIN_NOTICE):
        raise RateCardRefused(
            f"valid_from: must be at least {MIN_NOTICE} ahead and after the version before it",
            carrier=carrier,
        )
    rate_card_id = f"{carrier}-{row.version}"
    tx.write(
        Write(
            _INSERT_CARD,
            {
                "rate_card_id": rate_card_id,
                "carrier": carrier,
                "version": row.version,
                "currency": currency,
                "handling_cents": handling_cents,
                "valid_from": valid_from,
            },
            rows=1,
        ),
        Write(
            _INSERT_STEPS,
            {
                "rate_card_id": rate_card_id,
                "distances": [cell.max_distance_m for cell in cells],
                "weights": [cell.max_weight_g for cell in cells],
                "prices": [cell.price_cents for cell in cells],
            },
            rows=len(cells),
        ),
    )
    return rate_card_id


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


def charged(tx: Transaction, parcel_id: str) -> tuple[Charge, ...]:
    """What was charged for a parcel, reversals left aside."""
    return tuple(
        Charge(ChargeKind(row.kind), Money(row.amount_cents, row.currency), row.rate_card_id)
        for row in tx.rows(_CHARGED, parcel_id=parcel_id)
    )
