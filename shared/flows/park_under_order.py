"""Put a letter under the order that it concerns."""

import json
import re
from typing import Any

from shared.platform.db import Transaction
from shared.platform.dead_letters import DeadLetter

_NAME = re.compile(r"[A-Za-z0-9._:/-]{1,64}")


def concerning_order(tx: Transaction, letter: DeadLetter) -> DeadLetter:
    """The letter with the order that it names, itself or by a parcel; or else as it is."""
    named = {**_named_in(letter.payload), **letter.facts}
    if (order_id := _name(named, "order_id")) is None:
        order_id = _order_of_parcel(tx, named)
    return letter._replace(order_id=order_id)


def _order_of_parcel(tx: Transaction, named: dict[str, Any]) -> str | None:
    from shared.shipments import store as shipments  # noqa: PLC0415  only a refusal needs it

    if (parcel_id := _name(named, "parcel_id")) is not None:
        parcel = shipments.find(tx, parcel_id)
        return None if parcel is None else parcel.order_id
    if (tracking_code := _name(named, "tracking_code")) is not None:
        newest = next(iter(shipments.with_code(tx, tracking_code)), None)
        return None if newest is None else newest.order_id
    return None


def _named_in(payload: bytes) -> dict[str, Any]:
    try:
        body = json.loads(payload)
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def _name(named: dict[str, Any], field: str) -> str | None:
    value = named.get(field)
    return value if isinstance(value, str) and _NAME.fullmatch(value) else None
