"""The sample shop ends well under every fault, and whatever process is killed on its way."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

import pytest

from emulators.chaos.monkey import running
from emulators.chaos.switchboard import Switchboard
from emulators.laptop.stack import Options, Stack
from emulators.line.run import Line, Summary, run_shop
from emulators.line.sample import sample_shop
from emulators.line.script import SAMPLE
from tests.journeys.stage import STEP_S, Stage, open_directory, shop, staged, wait_until
from tests.journeys.test_shop import EVERYTHING, LABELS, check
from tests.support.cluster import lay_out

# A crash may take back what was committed unless Postgres is durable.
DURABLE = Options(durable=True, carrier_step_s=STEP_S)


def _check(stage: Stage, summary: Summary) -> None:
    """Every order is accounted for, at rest, and the books are right."""
    check(summary)
    assert stage.value(LABELS) == summary.parcels


@pytest.mark.parametrize(
    ("kind", "how"),
    [
        ("fail", {"status": 500}),
        ("delay", {"delay_s": 0.5}),
        ("twice", {}),
        ("reorder", {"delay_s": 1.0}),
        ("lose_answer", {}),
    ],
)
def test_the_sample_ends_well_although_every_function_is_hit(
    kind: str, how: dict[str, object]
) -> None:
    with staged() as stage:
        switchboard = stage.switchboard
        called = switchboard.state()["targets"]["function"]
        for function in called:
            switchboard.order(kind, function, next=4, **how)

        def progress(_text: str) -> None:
            stage.let_leases_end()

        summary = run_shop(stage.line, sample_shop(20), SAMPLE, None, progress)

        _check(stage, summary)
        assert switchboard.state()["happened"][kind] > 4 * 4


def test_the_sample_ends_well_although_each_service_pauses() -> None:
    with staged() as stage:
        switchboard = stage.switchboard
        to_pause = ["pubsub", "tasks", "scheduler", "functions"]
        paused: list[str] = []

        def progress(text: str) -> None:
            if "messages sent" not in text:
                return
            if paused:
                switchboard.resume(paused.pop())
            if to_pause:
                paused.append(to_pause.pop(0))
                switchboard.pause(paused[-1])

        summary = run_shop(stage.line, sample_shop(40), SAMPLE, 60.0, progress)

        _check(stage, summary)
        assert (paused, to_pause) == ([], [])


@dataclass(slots=True)
class Accidents:
    """Told of a run's progress, it lets one thing after another happen in the midst of it."""

    stage: Stage
    to_happen: list[tuple[str, Callable[[], object]]]
    happened: list[str] = field(default_factory=list)

    def __call__(self, text: str) -> None:
        """Take the next accident once more orders are known, and see to what it broke."""
        if "messages sent" not in text:
            return
        orders = self.stage.value("SELECT count(*) FROM orders")
        if self.to_happen and orders > 8 * (1 + len(self.happened)):
            name, happen = self.to_happen.pop(0)
            happen()
            wait_until(lambda: not self.stage.stack.alive()[name], f"{name} ends")
            self.stage.stack.mend()
            if name == "postgres":
                self.stage.line.books.close()  # its connections are dead; it opens new ones
            self.happened.append(name)
        self.stage.let_leases_end()


def test_the_sample_ends_well_although_every_process_is_killed() -> None:
    # Goal: what was answered is on some disk. Each is killed without a warning, in mid-stream, with
    # orders in every stage and every mischief among them.
    with staged(DURABLE) as stage:
        switchboard = stage.switchboard
        accidents = Accidents(
            stage,
            [
                (name, partial(switchboard.kill, name))
                for name in ("google", "functions", "easypost", "postgres", "google")
            ],
        )

        summary = run_shop(stage.line, sample_shop(60), EVERYTHING, 60.0, accidents)

        assert accidents.happened == ["google", "functions", "easypost", "postgres", "google"]
        _check(stage, summary)


def test_the_sample_ends_well_although_the_database_is_restarted_both_ways() -> None:
    with staged(DURABLE) as stage:
        switchboard = stage.switchboard
        accidents = Accidents(
            stage,
            [
                ("postgres", partial(switchboard.restart_database, "fast")),
                ("postgres", partial(switchboard.restart_database, "immediate")),
            ],
        )

        summary = run_shop(stage.line, sample_shop(40), SAMPLE, 60.0, accidents)

        assert accidents.happened == ["postgres", "postgres"]
        _check(stage, summary)


def test_a_stack_that_was_stopped_goes_on_where_it_stopped() -> None:
    # Goal: work that was given out outlives the whole stack, which comes back elsewhere.
    with open_directory() as directory:
        lay_out(directory)
        with Stack(directory, replace(DURABLE, migrate=False)) as stack:
            first = Stage(stack, Line(stack.environment, stack.addresses["google"]))
            first.line.load(shop({"SAO": {"MUG-RED": 9}}))
            first.switchboard.pause("tasks")
            first.submit("ord-over-the-night", {"MUG-RED": 1})
            first.wait_for("ord-over-the-night", "waiting")
            wait_until(lambda: _depth(first) == 1, "the order's placement is given out")
            first.line.close()

        with Stack(directory, DURABLE) as stack:
            second = Stage(stack, Line(stack.environment, stack.addresses["google"]))
            second.wait_for("ord-over-the-night", "delivered")
            second.wait_for_rest()
            second.line.close()

        with Stack(directory, replace(DURABLE, fresh=True)) as stack:
            third = Stage(stack, Line(stack.environment, stack.addresses["google"]))
            assert third.state("ord-over-the-night") is None
            assert _depth(third) == 0
            third.line.close()


def _depth(stage: Stage) -> int:
    return sum(queue["depth"] for queue in stage.figures()["queues"].values())


def test_the_sample_ends_well_under_chaos() -> None:
    told: list[str] = []
    with staged(DURABLE) as stage:

        def progress(_text: str) -> None:
            stage.stack.mend()
            stage.let_leases_end()

        def processes() -> Mapping[str, int]:
            # Without the stand-ins' process, whose figures the run itself reads all the time.
            return {"easypost": stage.stack.pids()["easypost"]}

        switchboard = Switchboard(stage.stack.addresses["google"], processes)
        with running(switchboard, 7, told.append):
            summary = run_shop(stage.line, sample_shop(40), SAMPLE, 60.0, progress)

        _check(stage, summary)
        assert len(told) >= 2  # what it began with, and an accident
