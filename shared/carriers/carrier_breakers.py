"""The table carrier_breakers: which carriers answer. Nothing else writes to it.

A carrier has one breaker, whoever sells its labels. That a vendor wants fewer calls says nothing of
another one that is called about the same carrier, so that is kept by vendor.

All instances share it. Whoever calls a carrier is admitted first and says afterwards what came of
it; each is one statement, and a carrier that works costs a look and writes nothing.
"""

from collections.abc import Collection
from typing import Any, NamedTuple

from shared.carriers.types import (
    BrokenAnswer,
    CarrierPaused,
    CarrierTooFast,
    CarrierUnavailable,
    VendorUnavailable,
)
from shared.kit.breaker import (
    LONGEST_PAUSE,
    OPENS_AFTER,
    PROBE_LEASE,
    Breaker,
    BreakerState,
    seconds_until,
)
from shared.kit.errors import DispatchError
from shared.kit.ids import new_id
from shared.platform import log
from shared.platform.db import Transaction, Write
from shared.platform.sql import text

_FIND = text("""
    SELECT carrier, failures, failed_at, quiet_until, since, probe_until, vendor
      FROM carrier_breakers WHERE carrier = ANY(CAST(:carriers AS text[]))
""")
_ADMIT = text("""
    SELECT carrier, failures, failed_at, quiet_until, since, probe_until, vendor,
           CAST(quiet_of ->> CAST(:vendor AS text) AS timestamptz) AS vendor_quiet_until
      FROM carrier_breakers WHERE carrier = :carrier
""")
_ALL = text("""
    SELECT carrier, failures, failed_at, quiet_until, since, probe_until, vendor
      FROM carrier_breakers ORDER BY carrier
""")
# Of those who saw the same breaker one gets the lease: the others wait for the row and find it
# changed.
_LEASE = text("""
    UPDATE carrier_breakers SET probe_id = :probe_id, probe_until = :until
     WHERE carrier = :carrier AND failures = :failures AND failed_at = :failed_at
       AND (probe_until IS NULL OR probe_until <= :now)
 RETURNING probe_id
""")
# While it is open only the probe counts: what was under way when it opened has nothing to add.
_FAILED = """
    INSERT INTO carrier_breakers AS kept (carrier, failures, failed_at, quiet_until, vendor)
    VALUES (:carrier, 1, :now,
            CAST(:now AS timestamptz) + make_interval(secs => CAST(:retry_after_s AS integer)),
            CAST(:vendor AS text))
        ON CONFLICT (carrier) DO UPDATE
       SET failures = kept.failures + 1, failed_at = excluded.failed_at,
           quiet_until = excluded.quiet_until, vendor = excluded.vendor,
           probe_id = NULL, probe_until = NULL,
           since = CASE WHEN kept.failures + 1 = :opens_after THEN excluded.failed_at
                        ELSE kept.since END
     WHERE kept.failures < :opens_after OR kept.probe_id = CAST(:probe_id AS text)
 RETURNING 1
"""
# An answer, and a pause that all who call this vendor keep, though at most as long as one that
# failed is left alone.
_TOO_FAST = """
    INSERT INTO carrier_breakers AS kept (carrier, failures, failed_at, quiet_of)
    VALUES (:carrier, 0, :now,
            jsonb_build_object(
                CAST(:vendor AS text),
                CAST(:now AS timestamptz) + make_interval(secs => CAST(:retry_after_s AS integer))))
        ON CONFLICT (carrier) DO UPDATE
       SET failures = 0, quiet_until = NULL, quiet_of = kept.quiet_of || excluded.quiet_of,
           vendor = NULL, probe_id = NULL, probe_until = NULL,
           since = CASE WHEN kept.failures >= :opens_after THEN excluded.failed_at
                        ELSE kept.since END
     WHERE kept.failures < :opens_after OR kept.probe_id = CAST(:probe_id AS text)
 RETURNING 1
"""
_ANSWERED = """
    UPDATE carrier_breakers
       SET failures = 0, quiet_until = NULL, vendor = NULL, probe_id = NULL, probe_until = NULL,
           since = CASE WHEN failures >= :opens_after THEN CAST(:now AS timestamptz)
                        ELSE since END
     WHERE carrier = :carrier AND failures > 0
       AND (failures < :opens_after OR probe_id = CAST(:probe_id AS text))
 RETURNING 1
"""


class Admission(NamedTuple):
    """Leave to call a vendor about a carrier once; `probe_id` where that is the probe."""

    carrier: str
    vendor: str
    probe_id: str | None = None


def admit(tx: Transaction, carrier: str, vendor: str) -> Admission:
    """Leave to call the carrier. Where it is the probe, its lease is the caller's with the commit.

    Raises:
        CarrierPaused: the carrier is not called at this moment.
        CarrierTooFast: its vendor wants no calls about it for a while.
    """
    row = tx.row(_ADMIT, carrier=carrier, vendor=vendor)
    if row is None:
        return Admission(carrier, vendor)
    breaker, quiet_s = _breaker(row), seconds_until(row.vendor_quiet_until, tx.now)
    if breaker.state(tx.now) is BreakerState.CLOSED:
        if quiet_s:
            raise CarrierTooFast(
                f"{vendor} wants no calls about {carrier} for a while", retry_after_s=quiet_s
            )
        return Admission(carrier, vendor)
    if breaker.may_probe(tx.now) and not quiet_s:
        leased = tx.row(
            _LEASE,
            carrier=carrier,
            probe_id=new_id("prb"),
            until=tx.now + PROBE_LEASE,
            failures=breaker.failures,
            failed_at=breaker.failed_at,
            now=tx.now,
        )
        if leased is not None:
            return Admission(carrier, vendor, leased.probe_id)
    log.line("carrier.paused", "WARNING", carrier=carrier, failures=breaker.failures)
    raise CarrierPaused(
        f"{carrier} does not answer and is left alone for a while",
        vendor=row.vendor,
        carrier=carrier,
        failures=breaker.failures,
    )


def refuse_paused(tx: Transaction, carrier: str) -> None:
    """For calls that can wait: they neither probe a carrier nor say anything about it.

    Raises:
        CarrierPaused: the carrier's breaker is not closed.
    """
    if paused(tx, [carrier]):
        raise CarrierPaused(f"{carrier} does not answer and is left alone", carrier=carrier)


def learn(tx: Transaction, admission: Admission, error: DispatchError | None) -> Write:
    """What came of the call to a vendor. A refusal is an answer: the carrier works."""
    told: dict[str, object] = {
        "carrier": admission.carrier,
        "probe_id": admission.probe_id,
        "opens_after": OPENS_AFTER,
        "now": tx.now,
    }
    if not isinstance(error, CarrierUnavailable | BrokenAnswer):
        return Write(_ANSWERED, told)
    told["retry_after_s"] = error.retry_after_s if isinstance(error, CarrierUnavailable) else None
    if isinstance(error, CarrierTooFast):
        longest_s = int(LONGEST_PAUSE.total_seconds())
        quiet_s = min(error.retry_after_s or 0, longest_s)
        return Write(_TOO_FAST, {**told, "retry_after_s": quiet_s, "vendor": admission.vendor})
    whose = admission.vendor if isinstance(error, VendorUnavailable) else None
    return Write(_FAILED, {**told, "vendor": whose})


def paused(tx: Transaction, carriers: Collection[str]) -> frozenset[str]:
    """Those of the carriers whose breaker is not closed."""
    return frozenset(
        row.carrier
        for row in tx.rows(_FIND, carriers=sorted(carriers))
        if _breaker(row).state(tx.now) is not BreakerState.CLOSED
    )


def all_states(tx: Transaction) -> dict[str, BreakerState]:
    """Carrier -> the state of its breaker, for those that ever failed to answer."""
    return {row.carrier: _breaker(row).state(tx.now) for row in tx.rows(_ALL)}


def _breaker(row: Any) -> Breaker:
    return Breaker(
        failures=row.failures,
        failed_at=row.failed_at,
        quiet_until=row.quiet_until,
        since=row.since,
        probe_until=row.probe_until,
    )
