"""Which spans tell of an order, and in which order they are told."""

from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from emulators.tracing.story import Span, belonging, episodes, summed

MS = 1_000_000


def span(
    name: str,
    at_ms: int = 0,
    took_ms: int = 1,
    *,
    below: Span | None = None,
    kind: str = "internal",
    **facts: Any,
) -> Span:
    return Span(
        trace_id=below.trace_id if below else name,
        span_id=name,
        parent_id=below.span_id if below else "",
        name=name.partition("#")[0],
        kind=kind,
        service="dispatch",
        started_ns=at_ms * MS,
        ended_ns=(at_ms + took_ms) * MS,
        failed=False,
        facts=facts,
    )


def names(spans: Sequence[Span]) -> list[str]:
    return [found.span_id for found in spans]


def test_orders_placed_together_each_have_their_own_decision_and_the_common_step() -> None:
    step = span("worker", 0, 9, kind="consumer", correlation_id="trail_a")
    transaction = span("transaction", 1, 7, below=step, correlation_id="trail_a")
    ours = span("decide#a", 2, below=transaction, correlation_id="trail_a", order_id="a")
    other = span("decide#b", 3, below=transaction, correlation_id="trail_b", order_id="b")
    label = span("label#b", 20, below=transaction, kind="consumer", correlation_id="trail_b")
    spans = [step, transaction, ours, other, label]

    assert names(belonging(spans, "trail_a", "a")) == ["worker", "transaction", "decide#a"]
    assert names(belonging(spans, "trail_b", "b")) == [
        "worker", "transaction", "decide#b", "label#b",
    ]  # fmt: skip


def test_an_update_of_a_carrier_is_told_from_its_arrival_on_though_it_did_not_know_the_order() -> (
    None
):
    hook = span("webhook", kind="server", correlation_id="hook_1")
    kept = span("transaction", 1, below=hook, correlation_id="hook_1")
    sent = span("send", 2, below=hook, correlation_id="hook_1")
    tracking = span("tracking", 3, below=kept, kind="consumer", correlation_id="trail")

    assert names(belonging([hook, kept, sent, tracking], "trail", "a")) == [
        "webhook", "transaction", "tracking",
    ]  # fmt: skip


def test_a_parent_that_was_forgotten_leaves_its_parts_standing() -> None:
    gone = span("gone", kind="consumer")
    part = span("transaction", below=gone, correlation_id="trail")

    (episode,) = episodes(belonging([part], "trail", "a"))

    assert [(row.span.span_id, row.depth) for row in episode.rows] == [("transaction", 0)]


def test_a_step_is_followed_by_its_parts_and_a_flow_is_only_what_is_in_it() -> None:
    step = span("intake", 0, 9, kind="consumer")
    flow = span("flow", 1, 7, below=step)
    transaction = span("transaction", 2, 3, below=flow)
    decide = span("decide", 3, below=transaction)
    next_step = span("placement", 5, below=transaction, kind="consumer")
    send = span("send", 6, below=flow)

    (episode,) = episodes([step, flow, transaction, decide, next_step, send])

    assert [(row.span.span_id, row.depth) for row in episode.rows] == [
        ("intake", 0),
        ("transaction", 1),
        ("decide", 2),
        ("send", 1),
        ("placement", 0),
    ]


def test_where_nothing_is_under_way_for_a_second_another_episode_begins() -> None:
    # Goal: a parcel is under way for days, and a bar that long shows nothing of its milliseconds.
    first = span("one", 0, 10, kind="consumer")
    waited = span("two", 1_500, 10, kind="consumer", age_s=1.4)  # under way all that time
    later = span("three", 3_000, 10, kind="consumer")

    found = episodes([first, waited, later])

    assert [[row.span.span_id for row in episode.rows] for episode in found] == [
        ["one", "two"],
        ["three"],
    ]
    assert (found[0].started_ns, found[0].ended_ns) == (0, 1_510 * MS)


def test_what_it_came_to_counts_steps_attempts_work_and_waiting() -> None:
    step = span("one", 0, 200, kind="consumer", attempt=1, age_s=0.5)
    again = span("two", 500, 300, kind="consumer", attempt=3, age_s=2)
    part = span("transaction", 1, 100, below=step)

    found = summed([step, part, again])

    assert (found.steps, found.retries, found.busy_s, found.waited_s) == (2, 1, 0.5, 2.5)
    assert found.at_most_usd == 0.000013425  # half a second and two requests


@st.composite
def forests(draw: st.DrawFn) -> list[Span]:
    made: list[Span] = []
    for number in range(draw(st.integers(0, 25))):
        below = draw(st.none() | st.sampled_from(made)) if made else None
        made.append(
            span(
                f"s{number}",
                draw(st.integers(0, 5_000)),
                draw(st.integers(0, 500)),
                below=below,
                kind=draw(st.sampled_from(["consumer", "server", "internal", "client"])),
                correlation_id=draw(st.sampled_from(["a", "b"])),
            )
        )
    return made


@given(forests())
def test_every_span_that_belongs_is_told_once_and_with_all_that_it_is_a_part_of(
    made: list[Span],
) -> None:
    chosen = belonging(made, "a", "none")

    told = [row.span.span_id for episode in episodes(chosen) for row in episode.rows]
    assert sorted(told) == sorted(names(chosen))
    assert {found.span_id for found in made if found.facts["correlation_id"] == "a"} <= set(told)
    parents = {found.span_id: found.parent_id for found in made}
    assert all(parents[name] in told for name in told if parents[name])
