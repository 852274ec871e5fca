"""What is wrong is parked with its reason and its original, and nothing behind it waits."""

from functools import partial

from emulators.line.script import FROM_THE_FUTURE, SUBMITTED
from emulators.line.shop import JsonObject
from shared.kit.clock import utc_now
from tests.journeys.stage import Stage, order, wait_until


def with_line(order_id: str, **changes: object) -> JsonObject:
    """An order whose only line is different."""
    made = order(order_id, {"MUG-RED": 1})
    return {**made, "lines": [{**made["lines"][0], **changes}]}


def test_each_kind_of_mistake_is_parked_and_seen_and_blocks_nothing(stage: Stage) -> None:
    stage.submit("bad-known", {"MUG-RED": 1})
    stage.wait_for("bad-known", "delivered")
    wrong: dict[str, tuple[str, JsonObject | bytes]] = {
        "malformed JSON": (SUBMITTED, b'{"order_id": "bad-1", "lines": ['),
        "unknown SKU": (SUBMITTED, with_line("bad-2", sku="NO-SUCH-THING")),
        "negative quantity": (SUBMITTED, with_line("bad-3", quantity=-1)),
        "another body": (SUBMITTED, with_line("bad-known", quantity=7)),
        "the future": (FROM_THE_FUTURE, order("bad-5", {"MUG-RED": 1})),
    }
    expected = {
        "malformed JSON": ("malformed", "body: Invalid JSON"),
        "unknown SKU": ("unknown_sku", "lines.0.sku: NO-SUCH-THING"),
        "negative quantity": ("malformed", "lines.0.quantity: "),
        "another body": ("order_conflict", "order_id: "),
        "the future": ("unsupported_version", "ce-type: "),
    }
    sent: dict[str, str] = {}

    for number, (mistake, (kind, body)) in enumerate(wrong.items()):
        sent[mistake] = stage.publish("orders", kind, body)
        stage.submit(f"bad-behind-{number}", {"MUG-RED": 1})

    for number in range(len(wrong)):
        stage.wait_for(f"bad-behind-{number}", "delivered")
    for mistake, event_id in sent.items():
        wait_until(partial(stage.letter, event_id), f"{mistake} is parked")
    letters = {row["message_id"]: row for row in stage.status()["database"]["newest_dead_letters"]}
    for mistake, event_id in sent.items():
        letter = letters[event_id]
        code, reason = expected[mistake]
        assert letter["source"] == "order_intake.orders"
        assert letter["code"] == code
        assert letter["reason"].startswith(reason)
        assert letter["attempts"] == 1
        parked = stage.letter(event_id)
        assert parked is not None
        assert letter["original"] == bytes(parked[3]).decode()[:200]
    assert stage.state("bad-2") is stage.state("bad-3") is stage.state("bad-5") is None
    assert stage.value("SELECT sum(quantity) FROM order_lines WHERE order_id = 'bad-known'") == 1


def test_a_wrong_report_does_not_block_its_own_lane(stage: Stage) -> None:
    # Goal: stock is reported in order per warehouse, where one message that is never acknowledged
    # would stop all that follow.
    receipt = {
        "warehouse": "RIO",
        "receipt_id": "bad-lane",
        "received_at": utc_now().isoformat(),
        "lines": [{"sku": "HAT-RED", "quantity": 3}],
    }
    kind = "warehouse.stock.received.v1"

    wrong = stage.publish("stock-updates", kind, b"not JSON", ordering_key="RIO")
    stage.publish("stock-updates", kind, receipt, ordering_key="RIO")

    wait_until(
        lambda: stage.value("SELECT on_hand FROM stock_levels WHERE sku = 'HAT-RED'") == 3,
        "the good report behind it is booked",
    )
    parked = stage.letter(wrong)
    assert parked is not None
    assert parked[:2] == ("stock_intake.stock-updates", "malformed")
    assert bytes(parked[3]) == b"not JSON"
