"""Which parcels have stood for longer than they may, across parcels, promises and rules."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType

from shared.platform.db import Transaction
from shared.platform.sql import Statement, text


class Standstill(StrEnum):
    """In which way."""

    NOT_HANDED_OVER = "not_handed_over"  # it has its label, and its carrier has not seen it
    SILENT = "silent"  # it is on its way, and nobody reports anything
    NOT_COLLECTED = "not_collected"  # it waits for the customer at a counter
    EXPECTED_LATE = "expected_late"  # it left, or has not left, so late that its promise is lost
    OVERDUE = "overdue"  # its promise has passed, and it is not delivered


@dataclass(frozen=True, slots=True)
class StuckParcel:
    """A parcel that has stood for longer than it may. Moments are UTC.

    Attributes:
        since: the last news, the promise or the plan; what the threshold is counted from.
        expected_on: when it can arrive by its rate card and the day on which it left, or by today
            where it has not; None where the card does not say how long it takes.
        promised_at: what the customer was told.
        asked_at: when its carrier was last to be asked about it; None where it never was.
        unknown_times: so many times in a row its carrier did not know it.
        given_up_at: from when on nobody asks about it by themselves any more.
    """

    parcel_id: str
    order_id: str
    carrier: str
    service: str
    warehouse: str
    tracking_code: str
    status: str
    kind: Standstill
    since: datetime
    expected_on: date | None
    promised_at: datetime
    asked_at: datetime | None
    unknown_times: int
    given_up_at: datetime | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which of them; None stands for any. `after`: only those behind this (since, id, kind)."""

    carrier: str | None = None
    kind: Standstill | None = None
    warehouses: frozenset[str] | None = None
    after: tuple[datetime, str, str] | None = None


ANY_PARCEL = Wanted()


@dataclass(frozen=True, slots=True)
class _Way:
    """How a parcel stands: which can, from when on, and the hours for which they may (None: 0).

    Each is read from an index of its own, up to the first that cannot stand by any rule.
    """

    of: str
    since: str
    hours: str | None

    @property
    def holds(self) -> str:
        """The condition."""
        if self.hours is None:
            return f"{self.of} AND {self.since} < CAST(:now AS timestamptz)"
        return f"""{self.of}
               AND {self.since} < CAST(:now AS timestamptz) - make_interval(
                       hours => least(:{self.hours},
                                      (SELECT min({self.hours}) FROM standstill_rules)))
               AND {self.since} + make_interval(hours => coalesce({self.hours}, :{self.hours}))
                   < CAST(:now AS timestamptz)"""  # noqa: S608


_PROMISED_FOR = "(order_promised_at AT TIME ZONE 'UTC')::date"
# As many days as it was planned to take, from the day on which it left.
_COMES_ON = "arrives_on + greatest(0, (shipped_at AT TIME ZONE 'UTC')::date - ship_on)"
_LEAVES_BY = f"""
    (CASE WHEN arrives_on > {_PROMISED_FOR} THEN '-infinity'
          ELSE ship_on + ({_PROMISED_FOR} - arrives_on) END)
"""
# A parcel can stand in two ways: silent, and overdue. Of one that has not left it is said from day
# to day whether it can still come in time.
_WAYS: Mapping[Standstill, tuple[_Way, ...]] = MappingProxyType(
    {
        Standstill.NOT_HANDED_OVER: (
            _Way(
                "state = 'labelled'",
                "greatest(planned_at, ship_on::timestamp AT TIME ZONE 'UTC')",
                "not_handed_over_hours",
            ),
        ),
        Standstill.SILENT: (
            _Way(
                "state = 'shipped' AND tracking_status <> 'ready_for_pickup'",
                "coalesce(last_update_at, shipped_at)",
                "silent_hours",
            ),
        ),
        Standstill.NOT_COLLECTED: (
            _Way(
                "state = 'shipped' AND tracking_status = 'ready_for_pickup'",
                "tracking_status_at",
                "not_collected_hours",
            ),
        ),
        Standstill.EXPECTED_LATE: (
            _Way(
                f"""state = 'shipped' AND {_COMES_ON} > {_PROMISED_FOR}
                    AND order_promised_at >= CAST(:now AS timestamptz)""",
                "planned_at",
                None,
            ),
            _Way(
                f"""state = 'labelled'
                    AND {_LEAVES_BY} < (CAST(:now AS timestamptz) AT TIME ZONE 'UTC')::date
                    AND order_promised_at >= CAST(:now AS timestamptz)""",
                "planned_at",
                None,
            ),
        ),
        Standstill.OVERDUE: (
            _Way("state IN ('labelled', 'shipped')", "order_promised_at", "overdue_hours"),
        ),
    }
)
# Those of each way that have stood for longest, and of these those of all ways.
_ONE_WAY = """
        (SELECT parcel_id, '{kind}' AS kind, {since} AS since
           FROM parcels LEFT JOIN ruled USING (carrier, service)
          WHERE {holds} AND {conditions}
          ORDER BY {since}, parcel_id
          LIMIT :limit)
"""
_STUCK = """
    WITH ruled AS (
        SELECT DISTINCT ON (sent.carrier, sent.service) sent.carrier, sent.service,
               not_handed_over_hours, silent_hours, not_collected_hours, overdue_hours
          FROM rate_cards AS sent
          JOIN standstill_rules AS rule
            ON rule.carrier IN (sent.carrier, '*') AND rule.service IN (sent.service, '*')
         ORDER BY sent.carrier, sent.service, rule.carrier = '*', rule.service = '*'
    ), standing AS (
        SELECT * FROM ({each_way}) AS standing
         ORDER BY since, parcel_id, kind
         LIMIT :limit
    )
    SELECT parcel_id, order_id, carrier, service, warehouse, tracking_code, tracking_status, kind,
           since,
           arrives_on + greatest(0, (coalesce(shipped_at, CAST(:now AS timestamptz))
                                     AT TIME ZONE 'UTC')::date - ship_on) AS expected_on,
           order_promised_at AS promised_at, polls.asked_at,
           coalesce(unknown_times, 0) AS unknown_times, given_up_at
      FROM standing JOIN parcels USING (parcel_id) LEFT JOIN parcel_polls AS polls USING (parcel_id)
     ORDER BY since, parcel_id, kind
"""
_OVER = text("""
    SELECT parcel_id, kind, since
      FROM standstills JOIN parcels USING (parcel_id)
     WHERE state NOT IN ('labelled', 'shipped')
     LIMIT :limit
""")
_CONDITIONS = {
    "carrier": "carrier = :carrier",
    "scope": "warehouse = ANY(CAST(:scope AS text[]))",
    "after_at": """({since}, parcel_id, '{kind}') > (CAST(:after_at AS timestamptz),
                   CAST(:after_id AS text), CAST(:after_kind AS text))""",
    "untold": """NOT EXISTS (SELECT FROM standstills AS told
                              WHERE told.parcel_id = parcels.parcel_id
                                AND told.kind = '{kind}' AND told.since = {since})""",
}


def standing_still(
    tx: Transaction,
    usual: Mapping[str, int],
    *,
    limit: int,
    untold: bool = False,
    wanted: Wanted = ANY_PARCEL,
) -> Sequence[StuckParcel]:
    """Those that have stood for longest first; `untold`: only those that nobody was told of.

    `usual` are the hours where no rule says any: `not_handed_over_hours`, `silent_hours`,
    `not_collected_hours` and `overdue_hours`.
    """
    asked: dict[str, object] = {}
    if wanted.carrier is not None:
        asked["carrier"] = wanted.carrier
    if wanted.warehouses is not None:
        asked["scope"] = sorted(wanted.warehouses)
    if wanted.after is not None:
        asked["after_at"], asked["after_id"], asked["after_kind"] = wanted.after
    named = (*asked, "untold") if untold else tuple(asked)
    statement = _statement(named, wanted.kind)
    hours = {name: value for name, value in usual.items() if f":{name}" in statement.written}
    rows = tx.rows(statement, now=tx.now, limit=limit, **asked, **hours)
    return [
        StuckParcel(
            parcel_id=row.parcel_id,
            order_id=row.order_id,
            carrier=row.carrier,
            service=row.service,
            warehouse=row.warehouse,
            tracking_code=row.tracking_code,
            status=row.tracking_status,
            kind=Standstill(row.kind),
            since=row.since,
            expected_on=row.expected_on,
            promised_at=row.promised_at,
            asked_at=row.asked_at,
            unknown_times=row.unknown_times,
            given_up_at=row.given_up_at,
        )
        for row in rows
    ]


def over(tx: Transaction, limit: int) -> Sequence[tuple[str, str, datetime]]:
    """Up to so many of those that somebody was told of, and that are at their end since."""
    return [(row.parcel_id, row.kind, row.since) for row in tx.rows(_OVER, limit=limit)]


@lru_cache(maxsize=64)
def _statement(asked: tuple[str, ...], kind: Standstill | None) -> Statement:
    kinds = list(_WAYS) if kind is None else [kind]
    conditions = " AND ".join([_CONDITIONS[name] for name in asked if name in _CONDITIONS])
    # Of constants of this module alone; what was asked for travels as parameters.
    return text(
        _STUCK.format(
            each_way=" UNION ALL ".join(
                _ONE_WAY.format(
                    kind=kind,
                    since=way.since,
                    holds=way.holds,
                    conditions=conditions.format(kind=kind, since=way.since) or "true",
                )
                for kind in kinds
                for way in _WAYS[kind]
            )
        )
    )
