"""The database or placement is away for a while: nothing is lost, and express comes first."""

from collections.abc import Sequence
from itertools import count

from emulators.laptop.stack import Options
from tests.journeys.stage import REST_S, STEP_S, Stage, shop, staged, wait_until

DURABLE = Options(durable=True, carrier_step_s=STEP_S)
WANTED = {"economy": 40, "standard": 10, "express": 10}  # in this order: what is urgent comes last
TRIES = 3  # of a message in the outage: its back-offs are 1 and 2 s then
INTAKE = ("order_intake.orders", "order_intake.orders.express")


def _flood(stage: Stage) -> dict[str, list[str]]:
    numbers = count()
    ordered: dict[str, list[str]] = {}
    for level, orders in WANTED.items():
        for _ in range(orders):
            order_id = f"{level}-{next(numbers)}"
            stage.submit(order_id, {"MUG-RED": 1}, service_level=level)
            ordered.setdefault(level, []).append(order_id)
    return ordered


def _placed_after(stage: Stage, first: Sequence[str], others: Sequence[str]) -> int:
    """How many of `others` were placed later than every one of `first`."""
    found: int = stage.value(
        "SELECT count(*) FROM orders WHERE order_id = ANY(CAST(:others AS text[])) AND placed_at >"
        " (SELECT max(placed_at) FROM orders WHERE order_id = ANY(CAST(:first AS text[])))",
        first=list(first),
        others=list(others),
    )
    return found


def _check(stage: Stage, ordered: dict[str, list[str]]) -> None:
    delivered = "SELECT count(*) FROM orders WHERE state = 'delivered'"
    # A message may have waited for as long as its queue allows when the outage ended.
    wait_until(
        lambda: stage.value(delivered) == sum(WANTED.values()), "everything is delivered", REST_S
    )
    stage.let_leases_end()  # of whoever was cut off in the midst of sending
    stage.wait_for_rest()
    assert stage.value("SELECT count(*) FROM dead_letters") == 0
    assert stage.value("SELECT count(*) FROM failed_attempts") == 0
    # Bulk came first, and while anybody urgent waits it is placed one here and one there.
    assert _placed_after(stage, ordered["express"], ordered["economy"]) > WANTED["economy"] // 2
    assert stage.line.books.violations() == ()


def test_what_comes_while_the_database_is_away_is_placed_afterwards_by_priority() -> None:
    with staged(DURABLE) as stage:
        stage.line.load(shop({"SAO": {"MUG-RED": 100}}))
        stage.switchboard.kill("postgres")
        wait_until(lambda: not stage.stack.alive()["postgres"], "postgres ends")
        ordered = _flood(stage)
        messages = sum(WANTED.values())
        wait_until(lambda: _failures(stage) >= TRIES * messages, "everything was tried in vain")
        # Goal: back-offs double, so an outage of any length is asked about a few times a minute.
        assert _failures(stage) < 2 * TRIES * messages
        # Placement begins when all is accepted: else what came first would be gone before the rest.
        with stage.paused("placement-bulk", "placement-standard", "placement-express"):
            stage.stack.mend()
            stage.line.books.close()  # its connections are dead; it opens new ones
            refused = _failures(stage)
            accepted = "SELECT count(*) FROM orders WHERE state = 'waiting'"
            wait_until(lambda: stage.value(accepted) == messages, "everything is accepted", REST_S)
        for order_id in ordered["express"]:
            stage.wait_for(order_id, "delivered")
        _check(stage, ordered)

        # Goal: no stampede. What comes back does not push itself out of the way again.
        assert _failures(stage) - refused < messages // 10


def _failures(stage: Stage) -> int:
    return sum(stage.failures(subscription) for subscription in INTAKE)


def test_what_waits_while_placement_is_away_is_placed_afterwards_by_priority() -> None:
    with staged(DURABLE) as stage:
        stage.line.load(shop({"SAO": {"MUG-RED": 100}}))
        stage.switchboard.order("fail", "placement_worker", next=10_000, status=503)
        ordered = _flood(stage)
        # Goal: what fails for everybody slows the queue, so placement is not asked by each order.
        wait_until(lambda: _refused(stage, "placement-bulk") >= 5, "placement refused")
        wait_until(lambda: _refused(stage, "placement-express") >= 5, "placement refused")
        assert stage.value("SELECT count(*) FROM orders WHERE state = 'waiting'") > 0
        stage.switchboard.clear()

        _check(stage, ordered)


def _refused(stage: Stage, queue: str) -> int:
    return next(
        figures["failed"]
        for name, figures in stage.figures()["queues"].items()
        if name.endswith(f"/{queue}")
    )
