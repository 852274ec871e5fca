"""A carrier is down in the middle of a day: another one takes over, and the first comes back."""

import json
import urllib.request
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import count

from shared.kit.breaker import LONGEST_PAUSE
from tests.journeys.stage import Stage, shop, staged, wait_until

AT_VENDOR = {"correios": "Correios", "jadlog": "Jadlog"}
SOLD_BY = {"correios": "easypost", "jadlog": "shippo"}  # as in the sample
_NUMBERS = count()


def control(stage: Stage, seller_of: str, verb: str = "faults", **said: object) -> None:
    """Order something at a carrier's vendor; a fault of the kind None takes all of them back."""
    request = urllib.request.Request(
        f"http://{stage.stack.addresses[SOLD_BY[seller_of]]}/control/{verb}",
        data=json.dumps(said).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30):
        pass


def stats(stage: Stage) -> Mapping[str, int]:
    """What all vendors have counted together."""
    found: Counter[str] = Counter()
    for vendor in SOLD_BY.values():
        address = f"http://{stage.stack.addresses[vendor]}/control/stats"
        with urllib.request.urlopen(address, timeout=30) as answer:
            found.update(json.load(answer))
    return found


def send(stage: Stage, orders: int) -> list[str]:
    """Orders of one mug each, which one carrier is the cheapest for."""
    order_ids = [f"order-{next(_NUMBERS)}" for _ in range(orders)]
    for order_id in order_ids:
        stage.submit(order_id, {"MUG-RED": 1})
    return order_ids


def labelled_by(stage: Stage, order_ids: Sequence[str]) -> Counter[str]:
    """Who sold the labels of these orders, once all of them are there."""

    def found() -> list[tuple[str]]:
        return stage.rows(
            "SELECT labels.carrier FROM labels JOIN parcels USING (parcel_id)"
            " WHERE labels.state = 'bought' AND order_id = ANY(CAST(:order_ids AS text[]))",
            order_ids=list(order_ids),
        )

    wait_until(lambda: len(found()) == len(order_ids), "every parcel has its label")
    return Counter(carrier for (carrier,) in found())


def let_time_pass(stage: Stage) -> None:
    """What minutes would do: pauses are over, and leases end."""
    seconds = LONGEST_PAUSE.total_seconds()
    stage.rows(
        "UPDATE carrier_breakers SET failed_at = failed_at - make_interval(secs => :seconds)"
        " RETURNING 1",
        seconds=seconds,
    )
    stage.rows("UPDATE abandoned_labels SET leased_until = now() RETURNING 1")


def failures(stage: Stage, carrier: str) -> int:
    found = stage.value(
        "SELECT failures FROM carrier_breakers WHERE carrier = :carrier", carrier=carrier
    )
    return found or 0


def test_a_carrier_that_is_down_in_the_middle_of_a_day_is_replaced_and_comes_back() -> None:
    with staged() as stage:
        stage.line.load(shop({"SAO": {"MUG-RED": 1_000}}))
        ((first, before),) = labelled_by(stage, send(stage, 3)).items()
        assert before == 3

        control(stage, first, kind="fail", on="buy", carrier=AT_VENDOR[first], next=100_000)
        sold = labelled_by(stage, send(stage, 8))
        # Goal: nobody waits, nobody is asked in vain for every parcel.
        assert sold[first] == 0
        assert failures(stage, first) >= 5
        asked = stats(stage)["faults_waiting"]
        more = labelled_by(stage, send(stage, 4))
        assert more[first] == 0
        assert stats(stage)["faults_waiting"] == asked

        differences = stage.rows(
            "SELECT reason, difference_cents, amount_cents FROM parcel_reroutes"
            " JOIN charges USING (parcel_id) WHERE kind = 'fallback_difference'"
        )
        assert len(differences) == 12
        assert {reason for reason, _, _ in differences} <= {"calls_failed", "carrier_paused"}
        assert all(difference == amount for _, difference, amount in differences)

        control(stage, first, kind=None)
        let_time_pass(stage)
        # The probe is an order's label, or what is given back of those that were rerouted. While it
        # is under way others still go to the other carrier.
        wait_until(
            lambda: labelled_by(stage, send(stage, 1))[first] == 1, "the first carrier sells again"
        )
        assert failures(stage, first) == 0
        assert labelled_by(stage, send(stage, 3)) == {first: 3}

        let_time_pass(stage)
        stage.wait_for_rest()
        wait_until(
            lambda: stage.value("SELECT count(*) FROM orders WHERE state <> 'delivered'") == 0,
            "everything is delivered",
        )
        assert stage.value("SELECT count(*) FROM dead_letters") == 0
        assert stats(stage)["labels_bought"] == stage.value("SELECT count(*) FROM orders")
        assert stage.line.books.violations() == ()


def test_a_label_that_was_sold_unheard_before_the_reroute_is_given_back() -> None:
    # Goal: one live label. The first carrier sells, its answer is lost, and it is silent then.
    with staged() as stage:
        stage.line.load(shop({"SAO": {"MUG-RED": 1_000}}))
        # The simulator would send parcels that were never handed over.
        for carrier in SOLD_BY:
            control(stage, carrier, "hold", at="pre_transit")
        (first,) = labelled_by(stage, send(stage, 1))
        control(stage, first, kind="lose_answer", on="buy", carrier=AT_VENDOR[first])
        order_ids = send(stage, 1)
        wait_until(lambda: failures(stage, first) == 1, "the answer is lost")
        control(stage, first, kind="fail", on="find", next=2)

        (second,) = labelled_by(stage, order_ids)
        assert second != first
        assert stats(stage)["labels_bought"] == 3
        let_time_pass(stage)
        voided = "SELECT carrier FROM abandoned_labels WHERE state = 'voided'"
        wait_until(lambda: stage.value(voided) == first, "it is given back")

        # There is no rest yet: what the vendor tells of a label that nobody has is asked about.
        assert stats(stage)["labels_voided"] == 1
        assert stage.line.books.violations() == ()
