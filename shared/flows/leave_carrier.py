"""A carrier was switched off after a parcel was planned with it: the order is placed anew.

No carrier has failed, so nothing is dearer than it was decided for: what is planned instead has its
own quote, and no difference is booked beside it.
"""

from shared.carriers import switched_off
from shared.contracts.work import BuyLabel
from shared.flows.place_elsewhere import Refusal, place_elsewhere
from shared.flows.reported_parcel import lock_reported
from shared.flows.reroute_parcel import fallback, reroute
from shared.flows.rules import Rules
from shared.kit.kept import KEPT_FOR
from shared.orders.types import PartlyPicked
from shared.platform.db import Transaction
from shared.shipments import store as shipments
from shared.shipments.types import Parcel, RerouteReason


def leave_carrier(tx: Transaction, work: BuyLabel, parcel: Parcel, rules: Rules) -> bool:
    """Let the order be placed without the carrier. Returns False where the parcel waits for it.

    It waits as long as somebody may not have heard of the switch and plan with the carrier again,
    and where nobody else would take it. A parcel that is picked goes as it is by another carrier,
    and so does one with a part of a kit whose other part is picked.

    Raises:
        LabelBeingBought: whether there is a label to void shows in a moment.
    """
    reported = lock_reported(tx, parcel.warehouse, parcel.parcel_id)
    if reported.parcel.is_picked:
        return reroute(tx, work, rules, RerouteReason.CARRIER_PAUSED, None)
    since = switched_off.since(tx, work.carrier)
    if since is None or tx.now - since < KEPT_FOR:
        return False
    route = shipments.lock_route(tx, parcel.parcel_id)
    if route is None or route.carrier != work.carrier:
        return True  # it needs nothing of this carrier any more
    if fallback(tx, route, reported.order, rules, None) is None:
        return False
    contents = shipments.contents(tx, [parcel.parcel_id])[parcel.parcel_id]
    try:
        place_elsewhere(tx, reported, contents, Refusal([], f"{work.carrier} is switched off"))
    except PartlyPicked:
        return reroute(tx, work, rules, RerouteReason.CARRIER_PAUSED, None)
    return True
