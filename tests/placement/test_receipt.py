"""What is kept of a decision, and told again from it."""

import json
from dataclasses import replace
from datetime import date
from typing import Any

from shared.placement.engine import decide
from shared.placement.receipt import (
    ENGINE,
    Asked,
    Receipt,
    canonical,
    departures,
    receipt,
    result,
    told,
)
from shared.placement.types import Demand, Departure, Limits
from tests.placement.given import dearer_by, site, tariff


def test_the_receipt_holds_inputs_cost_lines_losers_and_the_runner_up() -> None:
    fish = Demand("FISH", 1, 400, volume_mm3=9_000, longest_mm=300, needs=frozenset({"cold"}))
    cold = tariff((1_000, 500), carries=frozenset({"cold"}), penalty_cents=20)
    sites = [
        site("A", {"FISH": 1}, cold, capabilities=frozenset({"cold"}), parcels_left=3),
        site("B", {"FISH": 1}, cold, opportunity_cents={"FISH": 7}, closed="on strike"),
        site("C", {"FISH": 1}, cold, capabilities=frozenset({"cold"}), distance_m=2_000),
    ]
    limits = Limits(split_cents=50)

    decision = decide([fish], sites, limits)
    asked = Asked("web-1", {"A": [date(2026, 3, 2)]}, is_home=True)

    both = json.loads(receipt([fish], sites, limits, asked, decision).as_text()[1])

    inputs, kept = both["inputs"], both["result"]
    assert (inputs["policy"], inputs["home"], inputs["engine"]) == ("web-1", True, ENGINE)
    assert inputs["demand"] == [
        ["FISH", 1, 400, {"volume_mm3": 9_000, "longest_mm": 300, "needs": ["cold"]}]
    ]
    assert inputs["sites"][0] == [
        "A",
        1_000,
        {"FISH": 1},
        [["post-1", "", 20]],
        {"ship_on": "2026-03-02", "capabilities": ["cold"], "parcels_left": 3},
    ]
    assert inputs["sites"][1][4] == {"opportunity_cents": {"FISH": 7}, "closed": "on strike"}
    assert kept["candidates"][1] == {"warehouse": "B", "distance_m": 1_000, "reason": "on strike"}
    assert kept["candidates"][2]["behind_cents"] == 0
    assert kept["runner_up"] == {"warehouses": ["C"], "total_cents": 520, "behind_cents": 0}
    assert (kept["cost_cents"], kept["penalty_cents"], inputs["split_cents"]) == (500, 20, 50)
    (parcel,) = kept["parcels"]
    assert (parcel["warehouse"], parcel["service"], parcel["items"]) == (
        "A",
        "standard",
        {"FISH": 1},
    )


def test_what_the_engine_was_told_is_told_again_from_a_receipt() -> None:
    # Goal: the inputs that are kept are all that the decision depended on.
    fish = Demand("FISH", 2, 400, volume_mm3=9_000, longest_mm=300, needs=frozenset({"cold"}))
    cold = tariff((1_000, 500), carries=frozenset({"cold"}), penalty_cents=20)
    later = (Departure(1, dearer_by(5, (cold,))),)
    sites = [
        site("A", {"FISH": 1}, cold, capabilities=frozenset({"cold"}), parcels_left=1, later=later),
        site("B", {"FISH": 9}, cold, opportunity_cents={"FISH": 7}, closed="on strike"),
        site("C", {"FISH": 2}, cold, capabilities=frozenset({"cold"}), distance_m=2_000),
    ]
    limits = Limits(nodes=500, split_cents=50)
    decision = decide([fish], sites, limits)
    days = {"A": [date(2026, 3, 2), date(2026, 3, 4)]}
    kept = receipt([fish], sites, limits, Asked("web-1", days, is_home=False), decision)
    inputs = json.loads(kept.as_text()[1])["inputs"]

    again = told(inputs, lambda _, __, penalty_cents: replace(cold, penalty_cents=penalty_cents))

    assert again == ([fish], sites, limits)
    assert departures(inputs) == {"A": ("2026-03-02", "2026-03-04")}
    assert json.loads(json.dumps(result(decide(*again)))) == json.loads(kept.as_text()[1])["result"]


def turned(found: Any) -> Any:
    """The same document, every name of it behind those that it stood before."""
    if isinstance(found, dict):
        return {name: turned(found[name]) for name in reversed(found)}
    return [turned(one) for one in found] if isinstance(found, list) else found


def test_the_same_inputs_are_the_same_text_whoever_has_kept_them() -> None:
    # Goal: a store may order names otherwise, and the hash is of the text.
    wine = Demand("WÉIN", 2, 400, volume_mm3=9_000, longest_mm=300, needs=frozenset({"cold"}))
    cold = tariff((1_000, 500), carries=frozenset({"cold"}), penalty_cents=20)
    rich: dict[str, Any] = {
        "opportunity_cents": {"WÉIN": 7, "A": 1},
        "capabilities": frozenset({"cold", "bulky"}),
        "closed": "grève",
        "parcels_left": 1,
        "later": (Departure(1, dearer_by(5, (cold,))),),
    }
    sites = [site("A", {"WÉIN": 1, "BEER": 2}, cold, **rich), site("B", {"WÉIN": 9}, cold)]
    limits, days = Limits(nodes=500, split_cents=50), [date(2026, 3, 2), date(2026, 3, 4)]
    asked = Asked("web-1", {"A": days}, is_home=True)

    kept = receipt([wine], sites, limits, asked, decide([wine], sites, limits))

    hashed, text = kept.as_text()
    ordered = json.dumps(kept.inputs, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert text.startswith(f'{{"inputs":{ordered},"result":')
    assert Receipt(canonical(turned(json.loads(ordered))), {}).inputs_hash == hashed
