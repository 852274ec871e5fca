"""How everything stands, for whoever answers for it."""

from shared.contracts.http_ops import CarrierHealth, OpsOverview, StateCount
from shared.flows.show_carriers import show_carriers
from shared.ops import overview
from shared.ops.alarms import alarms
from shared.orders.types import OrderState
from shared.people.types import Warehouses
from shared.platform.db import Transaction
from shared.subscribers import webhook_deliveries


def show_overview(tx: Transaction, scope: Warehouses) -> OpsOverview:
    """The figures of this moment, and what of them needs somebody who is there for a scope."""
    unsent, orders = overview.unsent(tx), overview.orders(tx, scope)
    queues, hours = overview.queues(tx), overview.hours(tx)
    by_hand, letters = overview.decided_by_hand(tx), overview.letters(tx, scope)
    cut_off = overview.cut_off(tx, tx.now - webhook_deliveries.KEPT)
    standing, carriers = overview.standing(tx, scope), show_carriers(tx)
    found = OpsOverview(
        at=tx.now,
        alarms=(),
        queues=tuple(queues()),
        states=tuple(
            StateCount(state=state.value, orders=orders().states.get(state, 0))
            for state in OrderState
        ),
        hours=tuple(hours()),
        decided_by_hand=by_hand(),
        risk=orders().risk,
        carriers=tuple(
            CarrierHealth(
                carrier=one.carrier,
                breaker=one.state,
                next_probe_at=one.next_probe_at,
                waiting=one.figures.waiting,
                waiting_since=one.figures.waiting_since,
                bought_today=one.figures.bought,
            )
            for one in carriers
        ),
        letters=tuple(letters()),
        standing=tuple(standing()),
        cut_off=tuple(cut_off()),
        unsent=unsent().messages,
        unsent_since=unsent().since,
    )
    # An alarm counts all of the letters, also those of kinds that are not shown.
    shown = found.letters[: overview.MOST_KINDS]
    return found.model_copy(update={"alarms": alarms(found), "letters": shown})
