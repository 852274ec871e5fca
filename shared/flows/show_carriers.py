"""How each carrier stands: whether it is called, and which parcels wait for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.carriers import carrier_accounts
from shared.carriers.types import CarrierAccount
from shared.kit.breaker import Breaker, BreakerState
from shared.ops.carriers import CarrierFigures, WaitingParcel, carrier_figures, waiting_parcels
from shared.platform.db import Transaction

LISTED = 20  # parcels that wait for a carrier; all of them are counted


@dataclass(frozen=True, slots=True)
class CarrierStanding:
    """A carrier at a moment.

    Attributes:
        state: of its breaker.
        next_probe_at: from when on one call may find out whether it is back; None while closed.
        account: who sells its labels.
        figures: what was counted, sums of today's in UTC.
        parcels: the first of those that wait for it; none while its breaker is closed, for then
            they are only next.
    """

    carrier: str
    state: BreakerState
    next_probe_at: datetime | None
    account: CarrierAccount
    figures: CarrierFigures
    parcels: Sequence[WaitingParcel]


def show_carriers(tx: Transaction) -> Sequence[CarrierStanding]:
    """Every carrier, by name, as it is now."""
    today = tx.now.replace(hour=0, minute=0, second=0, microsecond=0)
    accounts = carrier_accounts.all_of(tx)
    return [
        _standing(tx, figures, accounts.get(figures.carrier, CarrierAccount(figures.carrier)))
        for figures in carrier_figures(tx, today)
    ]


def _standing(tx: Transaction, figures: CarrierFigures, account: CarrierAccount) -> CarrierStanding:
    breaker = Breaker(
        failures=figures.failures,
        failed_at=figures.failed_at,
        quiet_until=figures.quiet_until,
        since=figures.since,
        probe_until=figures.probe_until,
    )
    state = breaker.state(tx.now)
    return CarrierStanding(
        carrier=figures.carrier,
        state=state,
        next_probe_at=breaker.next_probe_at,
        account=account,
        figures=figures,
        parcels=[]
        if state is BreakerState.CLOSED
        else waiting_parcels(tx, figures.carrier, LISTED),
    )
