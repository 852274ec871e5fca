"""Carriers and services that a person names: those that have a rate card, or may get one."""

from shared.contracts.queue_limits import has_queues
from shared.costing import store as costing
from shared.kit.errors import Malformed
from shared.platform.db import Transaction


def refuse_unknown_carrier(tx: Transaction, carrier: str) -> None:
    """A mistyped name must not become a wish about nobody.

    Raises:
        Malformed: no rate card is of this carrier; `field` is `carrier`.
    """
    known = {one for one, _ in costing.services(tx)}
    if carrier not in known:
        raise _unknown("carrier", f"{carrier!r} has no rate card", known)


def refuse_unknown_service(tx: Transaction, carrier: str | None, service: str) -> None:
    """The same for a service of a carrier, None: of any.

    Raises:
        Malformed: no rate card is of this service; `field` is `service`.
    """
    known = {name for one, name in costing.services(tx) if carrier in {one, None}}
    if service not in known:
        raise _unknown("service", f"{service!r} has no rate card", known)


def why_no_rates(carrier: str) -> str | None:
    """Why the carrier gets no rate card; None: it may have one.

    Its parcels would be planned, and the work to buy their labels would go to queues that are not.
    """
    if has_queues(carrier):
        return None
    return f"{carrier!r} has no queues, so no label of it could be bought"


def _unknown(field: str, why: str, known: set[str]) -> Malformed:
    return Malformed(f"{field}: {why}; {', '.join(sorted(known)) or 'nobody has'}", field=field)
