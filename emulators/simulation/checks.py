"""What must be true when everything has been delivered: the product's books against the outside's.

The auditor of the product compares its tables with one another. Here they are compared with what
channels, warehouses and carriers know to have done, and with what was announced.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from emulators.simulation.announced import Announced
from emulators.simulation.carrier import STRAY, SimulatedCarrier
from emulators.simulation.channel import Channel, Lines, Wish
from emulators.simulation.database import Query
from emulators.simulation.post import Post
from emulators.simulation.rules import ALWAYS, IN_THE_END
from emulators.simulation.warehouse import Warehouses
from shared.ops.auditor import Violation

Letters = Mapping[tuple[str, str], str]  # (function, event id) -> code

_LETTERS = "SELECT source, message_id, code FROM dead_letters"
_INBOX = "SELECT consumer, event_id FROM inbox"
_ORDERS = """
    SELECT order_id, CASE WHEN return_wanted_at IS NULL THEN state ELSE 'expected back' END,
           revision
      FROM orders
"""
_LINES = "SELECT order_id, line_no, sku, quantity FROM order_lines ORDER BY order_id, line_no"
_LEVELS = "SELECT sku, warehouse, sum(on_hand)::bigint FROM stock_levels GROUP BY sku, warehouse"
_APPLIED = """
    SELECT event_id FROM inbox
     WHERE consumer = 'stock_intake' AND event_id = %s
       AND (CAST(%s AS text) IS NULL
            OR received_at = (SELECT cancelled_at FROM parcels WHERE parcel_id = %s))
     UNION ALL
    SELECT parcel_id FROM parcels WHERE shipped_at IS NOT NULL AND parcel_id = ANY(%s)
"""
_OPEN = "SELECT sku, warehouse, count_id FROM open_counts"
_SOLD = """
    SELECT sku, -sum(quantity)::bigint FROM stock_movements WHERE kind = 'shipment' GROUP BY sku
"""
_NOBODYS = """
    SELECT message_id, convert_from(payload, 'UTF8')::jsonb->>'tracking_code' FROM dead_letters
     WHERE code = 'parcel_not_here_yet'
"""
_MANIFESTED = """
    SELECT vendor_shipment_id, coalesce(manifest_id, 'none') FROM labels WHERE state = 'bought'
"""
_BOUGHT = "SELECT label_id, tracking_code FROM labels WHERE state = 'bought'"


@dataclass(frozen=True, slots=True)
class Outside:
    """Everybody who knows what was done to the product."""

    channel: Channel
    warehouses: Warehouses
    carrier: SimulatedCarrier
    post: Post


def found_now(query: Query, outside: Outside, announced: Announced) -> Iterator[Violation]:
    """Every difference between what happened, what was announced, and what came of that."""
    yield from _by_rule(query, ALWAYS)
    yield from announced.not_as_told(query, outside.post, in_the_end=False)


def found(query: Query, outside: Outside, announced: Announced) -> Iterator[Violation]:
    """Every difference between the product's tables and what the outside knows, in the end."""
    yield from _by_rule(query, IN_THE_END)
    letters = {
        (source.partition(".")[0], message_id): code for source, message_id, code in query(_LETTERS)
    }
    yield from announced.not_as_told(query, outside.post, in_the_end=True)
    yield from _taken(query, outside.post, letters)
    yield from _orders(query, outside.channel, letters)
    yield from _stock(query, outside.warehouses)
    yield from _labels(query, outside.carrier)
    yield from _manifests(query, outside.carrier)


def _by_rule(query: Query, rules: Mapping[str, str]) -> Iterator[Violation]:
    for rule, sql in rules.items():
        for subject, seen, expected in query(sql):
            yield Violation(rule, subject, str(seen), str(expected))


def unbelieved(query: Query, warehouses: Warehouses, event_id: str) -> Iterator[Violation]:
    """Every balance that is not what the reports say that were applied.

    To be asked after each delivery that may have applied one, that of `event_id` or a carrier's.
    """
    shelves = warehouses.shelves
    report = shelves.reported.get(event_id)
    missing_from = report.missing_from if report else None
    still_open = {(sku, place): count_id for sku, place, count_id in query(_OPEN)}
    for (name,) in query(_APPLIED, event_id, missing_from, missing_from, list(shelves.left)):
        if name in shelves.reported or name in shelves.left:
            shelves.apply(name, still_open)
    shelves.settle(still_open)
    for sku, place, on_hand in query(_LEVELS):
        units = shelves[sku, place].units
        if on_hand != units:
            yield Violation(
                "a balance is what was reported", f"{sku} in {place}", str(on_hand), str(units)
            )


def _taken(query: Query, post: Post, letters: Letters) -> Iterator[Violation]:
    """Every message was applied once, or is parked."""
    applied = {(consumer, event_id) for consumer, event_id in query(_INBOX)}
    for function, event_id in post.owed:
        if (function, event_id) not in applied and (function, event_id) not in letters:
            subject = f"{event_id} to {function}"
            yield Violation("every message is applied or parked", subject, "neither", "one of them")


def _orders(query: Query, channel: Channel, letters: Letters) -> Iterator[Violation]:
    """Orders are what their channels wanted, unless a letter says otherwise."""
    orders = {order_id: (state, revision) for order_id, state, revision in query(_ORDERS)}
    lines: dict[str, list[tuple[int, str, int]]] = defaultdict(list)
    for order_id, line_no, sku, quantity in query(_LINES):
        lines[order_id].append((line_no, sku, quantity))
    for order_id in sorted(orders.keys() - channel.wishes.keys()):
        yield Violation("only orders that were submitted are accepted", order_id, "there", "absent")

    for wish in channel.wishes.values():
        stored = orders.get(wish.order_id)
        yield from _order(wish, stored, lines[wish.order_id], letters)
    by_event = {event_id: code for (_, event_id), code in letters.items()}
    for event_id, code in channel.blunders.items():
        parked = by_event.get(event_id, "not parked")
        if parked != code:
            yield Violation("a blunder is parked with its code", event_id, parked, code)


def _order(
    wish: Wish,
    stored: tuple[str, int] | None,
    lines: list[tuple[int, str, int]],
    letters: Letters,
) -> Iterator[Violation]:
    def refused(event_id: str) -> bool:
        return ("order_intake", event_id) in letters

    if stored is None:
        if not all(refused(event_id) for event_id in wish.submitted):
            yield Violation("a submitted order is there", wish.order_id, "absent", "accepted")
        return
    state, revision = stored
    wanted, wanted_lines = _latest(wish, refused)
    # A change that came before its order makes room for the cancellation that did so too.
    if state != "cancelled" and (revision, lines) != (wanted, _as_stored(wanted_lines)):
        yield Violation(
            "an order is as its newest change says",
            wish.order_id,
            f"revision {revision}: {lines}",
            f"revision {wanted}: {_as_stored(wanted_lines)}",
        )
    cancelled = not all(refused(event_id) for event_id in wish.cancellations)
    # After the pick a cancellation is a return.
    if cancelled != (state in {"cancelled", "expected back"}):
        rule = "an order is cancelled when its channel did"
        expected = "cancelled" if cancelled else "not cancelled"
        yield Violation(rule, wish.order_id, state, expected)
    for event_id in wish.submitted:
        if letters.get(("order_intake", event_id), "order_conflict") != "order_conflict":
            yield Violation("a good order is not refused", event_id, "parked", "accepted")


def _latest(wish: Wish, refused: Callable[[str], bool]) -> tuple[int, Lines]:
    applied = [change for event_id, change in wish.revisions.items() if not refused(event_id)]
    return max([(1, wish.submission["lines"]), *applied], key=lambda change: change[0])


def _as_stored(lines: Lines) -> list[tuple[int, str, int]]:
    return [(line["line_no"], line["sku"], line["quantity"]) for line in lines]


def _stock(query: Query, warehouses: Warehouses) -> Iterator[Violation]:
    """The balances are what really lies there, and nothing was sold that never came."""
    for sku, place, on_hand in query(_LEVELS):
        really = warehouses.units[sku, place]
        if on_hand != really and warehouses.is_told((sku, place)):
            yield Violation(
                "a balance is what lies there", f"{sku} in {place}", str(on_hand), str(really)
            )
    for sku, sold in query(_SOLD):
        if sold > warehouses.received[sku]:
            yield Violation(
                "no more is sold than came", sku, str(sold), f"at most {warehouses.received[sku]}"
            )


def _labels(query: Query, carrier: SimulatedCarrier) -> Iterator[Violation]:
    """Every label that was sold and not given back is known, and no other.

    And nobody's are updates of a stray parcel alone, and of a label that was given back because it
    was not known whether it had been bought, or that came to be known only when an outage was over:
    what was parked of it is in the history that the next update brings.
    """
    given_back = {carrier.sold[label_id].tracking_code for label_id in carrier.voided}
    for event_id, tracking_code in query(_NOBODYS):
        if tracking_code != STRAY and tracking_code not in given_back | carrier.unheard:
            yield Violation("an update finds its parcel", event_id, "parked", "applied")
    sold = {
        label_id: label.tracking_code
        for label_id, label in carrier.sold.items()
        if label_id not in carrier.voided
    }
    known: dict[str, str] = dict(query(_BOUGHT))
    for label_id in sorted(sold.keys() | known.keys()):
        if sold.get(label_id) != known.get(label_id):
            yield Violation(
                "every label that was sold is known",
                label_id,
                str(known.get(label_id)),
                str(sold.get(label_id)),
            )


def _manifests(query: Query, carrier: SimulatedCarrier) -> Iterator[Violation]:
    """A label that is used is on the manifest that its carrier has it on, or on none at both."""
    for shipment_id, manifest_id in query(_MANIFESTED):
        closed = carrier.manifested.get(shipment_id, "none")
        if closed != manifest_id:
            yield Violation(
                "a label is on the manifest that was closed", shipment_id, manifest_id, closed
            )
