"""Parcels that stand still, and how long they may, for a person who looks after them."""

from dataclasses import asdict
from datetime import datetime

from shared.contracts.http_ops_parcels import (
    OpsStanding,
    OpsThresholds,
    StandingFilters,
    StandingRow,
    ThresholdRow,
)
from shared.flows.versions import version
from shared.kit.errors import Malformed
from shared.ops.order_list import cursor, read_cursor
from shared.ops.standing_still import Standstill, Wanted, standing_still
from shared.people.permissions import Action, Who
from shared.platform.db import Transaction
from shared.tracking import standstill_rules
from shared.tracking.standstill_rules import USUAL, Thresholds

PAGE = 50


def show_standing(tx: Transaction, filters: StandingFilters, who: Who) -> OpsStanding:
    """The next page of those that stand still, those that have for longest first.

    Raises:
        Malformed: the cursor is not one of ours.
    """
    wanted = Wanted(
        carrier=filters.carrier.strip() or None,
        kind=None if filters.kind is None else Standstill(filters.kind),
        warehouses=who.warehouses,
        after=_after(filters.cursor),
    )
    found = standing_still(tx, USUAL.stand_hours, limit=PAGE + 1, wanted=wanted)
    rows = tuple(StandingRow.model_validate(asdict(one)) for one in found[:PAGE])
    last = found[PAGE - 1] if len(found) > PAGE else None
    following = None if last is None else cursor(last.since, f"{last.parcel_id}|{last.kind}")
    return OpsStanding(parcels=rows, next=following)


def show_thresholds(tx: Transaction, who: Who) -> OpsThresholds:
    """Every row, the most special first."""
    rules = standstill_rules.all_of(tx)
    return OpsThresholds(
        version=version(facts_of(*rules)),
        thresholds=tuple(ThresholdRow.model_validate(asdict(rule)) for rule in rules),
        may_change=who.may(Action.SET_THRESHOLDS),
    )


def facts_of(*rules: Thresholds) -> dict[str, str]:
    """What somebody who changes them has seen of them."""
    return {
        f"{rule.carrier} {rule.service} {name}": str(hours)
        for rule in rules
        for name, hours in rule.hours.items()
    }


def _after(given: str) -> tuple[datetime, str, str] | None:
    if not given:
        return None
    at, behind = read_cursor(given)
    parcel_id, _, kind = behind.rpartition("|")
    if not parcel_id:
        raise Malformed("cursor: is none that was given out", field="cursor")
    return at, parcel_id, kind
