"""Short ways to letters, for tests."""

from shared.contracts.orders import OrderSubmitted
from shared.contracts.work import BuyLabel, PlaceOrder
from shared.flows.park_under_order import concerning_order
from shared.flows.retry_letter import retry_letter
from shared.people.types import Person
from shared.platform import dead_letters, letters
from shared.platform.db import Database, Transaction
from shared.platform.dead_letters import DeadLetter
from shared.platform.letters import Letter
from shared.platform.sql import text
from tests.edge.serving import Caller, function
from tests.support import given

INTAKE = "order_intake.orders"
SUBMITTED = {"ce-type": OrderSubmitted.type, "ce-id": "evt_1", "ce-correlationid": "trail_1"}


def dead(message_id: str = "evt_1", **others: object) -> DeadLetter:
    """A refused event; anything may be said otherwise."""
    usual = {
        "source": INTAKE,
        "code": "unknown_sku",
        "reason": "lines.0.sku: GHOST is not in the catalogue",
        "facts": {},
        "attributes": {**SUBMITTED, "ce-id": message_id},
        "payload": given.submitted("ord_1", {"GHOST": 1}).encode(),
        "attempts": 1,
    }
    return DeadLetter(message_id=message_id, **{**usual, **others})  # type: ignore[arg-type]


def only(database: Database) -> Letter:
    """The only letter there is."""
    (row,) = database.statement(text("SELECT dead_letter_id FROM dead_letters"))
    return letter(database, row.dead_letter_id)


def letter(database: Database, letter_id: int) -> Letter:
    """A letter as it is now."""
    return database.run(lambda tx: letters.find(tx, letter_id), given.cause())


def refuse_unknown_sku(caller: Caller) -> None:
    """A channel submits an order for something that the catalogue does not have."""
    body = given.submitted("ord_1", {"GHOST": 1}).encode()
    caller.push(function("order_intake"), body, SUBMITTED, subscription=INTAKE)


def retry(caller: Caller, letter_id: int) -> None:
    """A person sends the letter again; the relay sends it right after the commit."""
    caller.services.run(
        lambda tx: retry_letter(tx, letter_id, Person("ada", "the SKU is there now")), given.cause()
    )


def work_on(order_id: str) -> bytes:
    """Placement work as it travels."""
    return PlaceOrder(order_id=order_id, priority="standard").encode()


def label_for(parcel_id: str) -> bytes:
    """Label work as it travels."""
    return BuyLabel(parcel_id=parcel_id, carrier="correios").encode()


def park(tx: Transaction, letter: DeadLetter) -> None:
    """Park a letter under its order, as the edge does."""
    dead_letters.park(tx, concerning_order(tx, letter))
