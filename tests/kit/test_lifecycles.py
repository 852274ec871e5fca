"""State machines: every pair of a state and a step is in the table or refused."""

from collections.abc import Iterator
from enum import StrEnum
from itertools import product
from typing import Any

import pytest

from shared.inbound import lifecycle as inbound
from shared.inbound.types import InboundState
from shared.kit.lifecycle import IllegalTransition, Lifecycle
from shared.orders import lifecycle as orders
from shared.orders.types import OrderState
from shared.shipments import lifecycle as shipments
from shared.shipments.types import ParcelState
from shared.subscribers import lifecycle as subscribers
from shared.subscribers.types import DeliveryState

LIFECYCLES: dict[str, tuple[Lifecycle[Any, Any], type[StrEnum], type[StrEnum]]] = {
    "order": (orders.LIFECYCLE, OrderState, orders.OrderStep),
    "delivery": (inbound.LIFECYCLE, InboundState, inbound.InboundStep),
    "parcel": (shipments.LIFECYCLE, ParcelState, shipments.ParcelStep),
    "webhook": (subscribers.LIFECYCLE, DeliveryState, subscribers.DeliveryStep),
}


def _pairs() -> Iterator[tuple[str, Any, Any]]:
    for noun, (_, states, steps) in LIFECYCLES.items():
        yield from ((noun, state, step) for state, step in product(states, steps))


@pytest.mark.parametrize(("noun", "state", "step"), list(_pairs()))
def test_a_step_leads_where_the_table_says_or_nowhere(noun: str, state: Any, step: Any) -> None:
    lifecycle, _, _ = LIFECYCLES[noun]

    if (state, step) in lifecycle.transitions:
        assert lifecycle.advance(state, step) is lifecycle.transitions[state, step]
    else:
        with pytest.raises(IllegalTransition) as caught:
            lifecycle.advance(state, step)
        assert str(caught.value) == f"cannot {step} the {noun}: it is {state}"
        assert caught.value.facts == {"state": state, "step": step}


@pytest.mark.parametrize("noun", LIFECYCLES)
def test_every_state_can_be_reached_from_the_first_and_every_step_is_used(noun: str) -> None:
    lifecycle, states, steps = LIFECYCLES[noun]
    reached = {next(iter(states))}
    while (
        new := {end for (start, _), end in lifecycle.transitions.items() if start in reached}
        - reached
    ):
        reached |= new

    assert reached == set(states)
    assert {step for _, step in lifecycle.transitions} == set(steps)


def test_the_groups_of_states_agree_with_the_tables() -> None:
    placeable = {
        state for state, step in orders.LIFECYCLE.transitions if step is orders.OrderStep.PLACE
    }
    ends = set(OrderState) - {state for state, _ in orders.LIFECYCLE.transitions}

    assert placeable == orders.PLACEABLE
    # A delivered order may still turn into a returned one.
    assert ends | {OrderState.DELIVERED} == orders.FINAL
    assert shipments.OPEN | shipments.ENDED | {ParcelState.SHIPPED} == set(ParcelState)
    assert not shipments.OPEN & shipments.ENDED


def test_the_diagram_has_every_step() -> None:
    diagram = orders.LIFECYCLE.mermaid().splitlines()

    assert diagram[0] == "stateDiagram-v2"
    assert "    waiting --> placed: place" in diagram
    assert len(diagram) == 1 + len(orders.LIFECYCLE.transitions)
