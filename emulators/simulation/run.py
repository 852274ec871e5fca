"""One run: at every step one of the things that can happen does, and the seed says which."""

import hashlib
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cronsim import CronSim

from emulators.laptop.manifest import ScheduleTrigger
from emulators.laptop.postgres import Server
from emulators.simulation.announced import Announced
from emulators.simulation.chance import BEGINNING, Numbers
from emulators.simulation.checks import found, found_now, unbelieved
from emulators.simulation.world import World, world
from shared.kit.ids import ids_from
from shared.ops.auditor import Violation

STEP_S = 1.0  # the most virtual time that passes by itself in a step
BUSY = 40  # deliveries that are ready: above this the outside rests
OUTSIDE_SHARE = 0.35  # of the steps that could deliver something
POKED_SHARE = 0.003  # a job of the scheduler's runs though it is not its time
OUTSIDE = {"channel": 1.0, "warehouse": 0.3, "prices": 0.002}  # beside the carriers
PER_PARCEL = 0.05  # how often a parcel moves, against the above
MOST_OF_CARRIERS = 3.0
VACUUM_EVERY = 2_500
# Longer than any lease, then longer than anybody is waited for.
PAUSES = (timedelta(seconds=121), timedelta(hours=25))
MOST_ROUNDS = 30  # of housekeeping and delivering, until nothing changes any more
BROKEN = 500
BOOKS_STOCK = {"stock_intake", "order_tracking"}  # functions that change what is on hand
_STANDING = """
    SELECT state, count(*) FROM orders GROUP BY state
     UNION ALL SELECT 'outbox', count(*) FROM outbox
     UNION ALL SELECT 'letters', count(*) FROM dead_letters
     ORDER BY 1
"""
TRAIL = 40  # steps that are shown when a run ends early
SHOWN = 100  # violations


Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run.

    `only_until` ends the run at that step, and has the auditor look after each of the steps before
    it, as far back as to where it would have looked before: so the step shows that went wrong.
    """

    seed: int
    events: int
    only_until: int | None = None

    @property
    def audit_every(self) -> int:
        """Steps between two audits. One costs as much as many steps, and more with every order."""
        return max(250, self.events // 100)

    def is_close(self, step: int) -> bool:
        """Whether the step that is looked for may be this one."""
        return self.only_until is not None and step > self.only_until - self.audit_every

    def command(self, only_until: int | None) -> str:
        """How to run the same again, up to a step."""
        until = "" if only_until is None else f" --only-until {only_until}"
        return f"python3 -m emulators simulate --seed {self.seed} --events {self.events}{until}"


@dataclass(frozen=True, slots=True)
class Seen:
    """A violation, and the step at which it was seen first."""

    step: int
    violation: Violation


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a run. `digest` is of every step, and the same wherever the seed is run."""

    plan: Plan
    steps: int
    happened: dict[str, int]
    faults: dict[str, int]
    orders: dict[str, int]
    parked: dict[str, int]
    audits: int
    virtual_s: int
    duration_s: float
    digest: str
    violations: tuple[Seen, ...]
    trail: tuple[str, ...]


@dataclass(slots=True)
class Job:
    """A job of the scheduler's, and when it is its time next."""

    function: str
    path: str
    schedule: str
    next_at: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.plan_after(BEGINNING)

    def plan_after(self, moment: datetime) -> None:
        """Plan the next run."""
        self.next_at = next(CronSim(self.schedule, moment))


def simulate(
    plan: Plan, server: Server, name: str, progress: Progress = lambda _steps: None
) -> Outcome:
    """Run `plan` on the empty database `name` of `server`.

    A run ends early at the first violation: what follows from a mistake tells less than the
    mistake. The server must not vacuum by itself (`database.steady`), or a run may
    not repeat. `progress` is told after each audit how many steps have been taken.
    """
    began_s = time.monotonic()
    with ids_from(Numbers(plan.seed)), world(plan.seed, server, name) as made:
        run = _Run(plan, made, progress)
        try:
            run.to_the_end()
        except _EndOfRun:
            run.audit()
        return run.outcome(time.monotonic() - began_s)


class _EndOfRun(Exception):
    """The step after which to stop has been reached, or something was violated."""


class _Run:
    def __init__(self, plan: Plan, made: World, progress: Progress) -> None:
        self._plan = plan
        self._progress = progress
        self._world = made
        self._steps = 0
        self._audits = 0
        self._analysed_at = 0
        self._announced = Announced()
        self._happened = Counter[str]()
        self._seen: dict[tuple[str, str], Seen] = {}
        self._digest = hashlib.sha256()
        self._trail: deque[str] = deque(maxlen=TRAIL)
        self._jobs = [
            Job(function, job.path, job.schedule)
            for function, manifest in made.manifests.items()
            if isinstance(manifest.trigger, ScheduleTrigger)
            for job in manifest.trigger.jobs.values()
        ]

    def to_the_end(self) -> None:
        """Everything with faults, then everything that is left without, then the books."""
        while self._steps < self._plan.events:
            self._begin()
            self._end(*self._anything())
        self._world.faults.active = False
        self._settle()
        self.audit()
        self._note(found(self._world.rival.query, self._world.outside, self._announced))

    def audit(self) -> None:
        """Note what the auditor finds, and what was announced otherwise than it happened."""
        self._audits += 1
        self._note(self._world.audit())
        self._note(found_now(self._world.rival.query, self._world.outside, self._announced))

    def outcome(self, duration_s: float) -> Outcome:
        """What became of it, as far as it went."""
        query = self._world.rival.query
        return Outcome(
            plan=self._plan,
            steps=self._steps,
            happened=dict(sorted(self._happened.items())),
            faults={str(fault): n for fault, n in sorted(self._world.faults.struck.items())},
            orders=dict(query("SELECT state, count(*) FROM orders GROUP BY state ORDER BY state")),
            parked=dict(query("SELECT code, count(*) FROM dead_letters GROUP BY code ORDER BY 1")),
            audits=self._audits,
            virtual_s=int((self._world.clock.now - BEGINNING).total_seconds()),
            duration_s=round(duration_s, 2),
            digest=self._digest.hexdigest()[:16],
            violations=tuple(self._seen.values()),
            trail=tuple(self._trail),
        )

    def _begin(self) -> None:
        """The next step begins, a little later."""
        if self._steps == self._plan.only_until:
            raise _EndOfRun
        self._steps += 1
        self._world.clock.pass_s(self._world.chance.between(0, STEP_S))
        self._world.post.wake()

    def _end(self, kind: str, what: str) -> None:
        """The step has been taken."""
        self._happened[kind] += 1
        line = f"{self._steps} {self._world.clock.now:%d %H:%M:%S.%f} {kind} {what}"
        self._digest.update(line.encode())
        self._trail.append(line)
        if self._steps % VACUUM_EVERY == 0:
            grown = self._steps >= 2 * self._analysed_at
            self._world.rival.vacuum(analyse=grown)
            self._analysed_at = self._steps if grown else self._analysed_at
        if self._steps % self._plan.audit_every == 0:
            self.audit()
            self._progress(self._steps)
        elif self._plan.is_close(self._steps):
            self.audit()
        if self._seen:
            raise _EndOfRun

    def _anything(self) -> tuple[str, str]:
        """Let one of the things happen that can."""
        made = self._world
        due = [job for job in self._jobs if job.next_at <= made.clock.now]
        if due:
            due[0].plan_after(made.clock.now)
            return self._job(due[0])
        if made.chance.happens(POKED_SHARE):
            return self._job(made.chance.pick(self._jobs))
        share = OUTSIDE_SHARE if made.post.ready < BUSY else 0.02
        if made.post.ready and not made.chance.happens(share):
            return self._delivery()
        return self._from_outside()

    def _from_outside(self) -> tuple[str, str]:
        made, outside = self._world, self._world.outside
        carriers = min(PER_PARCEL * outside.carrier.active, MOST_OF_CARRIERS)
        who = made.chance.weighted({**OUTSIDE, "carrier": carriers})
        match who:
            case "channel":
                return who, outside.channel.act()
            case "warehouse":
                return who, outside.warehouses.act()
            case "carrier":
                return who, outside.carrier.act()
            case _:
                made.raise_prices()
                return who, str(made.rises_cents)

    def _delivery(self) -> tuple[str, str]:
        delivery = self._world.post.next()
        attempt = delivery.attempt
        status = self._world.deliver(delivery)
        name = delivery.source.name
        self._look_at(name, status)
        attributes, message_id = delivery.message.attributes, delivery.message.message_id
        event_id = attributes.get("ce-id", message_id)
        if delivery.source.function in BOOKS_STOCK:
            made = self._world
            self._note(unbelieved(made.rival.query, made.outside.warehouses, event_id))
        return "delivery", f"{name} {event_id} attempt {attempt}: {status or 'crashed'}"

    def _job(self, job: Job) -> tuple[str, str]:
        status = self._world.run_job(job.function, job.path)
        self._look_at(f"{job.function}{job.path}", status)
        return "job", f"{job.function}{job.path}: {status or 'crashed'}"

    def _look_at(self, name: str, status: int) -> None:
        if status == BROKEN:
            said = self._world.functions.log.last_failure
            self._note([Violation("a function never breaks", name, said, "any other answer")])

    def _settle(self) -> None:
        """Deliver everything, let every parcel arrive, and wake who can be served."""
        self._begin()
        self._end("warehouse", f"{self._world.outside.warehouses.enter_all()} late counts")
        for pause in PAUSES:
            before: object = None
            for _ in range(MOST_ROUNDS):
                self._deliver_all()
                now = self._world.rival.query(_STANDING)
                if now == before:
                    break
                before = now
                self._world.clock.now += pause
                for job in self._jobs:
                    self._begin()
                    self._end(*self._job(job))
            else:
                rule = "a run comes to rest"
                self._note([Violation(rule, "orders", f"still {before}", "no more changes")])

    def _deliver_all(self) -> None:
        made = self._world
        while True:
            made.post.wake()
            due = made.post.next_due()
            if made.post.ready:
                self._begin()
                self._end(*self._delivery())
            elif made.outside.carrier.active:
                self._begin()
                self._end("carrier", made.outside.carrier.act())
            elif due is not None:
                made.clock.reach(due)
            else:
                return

    def _note(self, violations: Iterable[Violation]) -> None:
        for violation in violations:
            key = (violation.rule, violation.subject)
            if key not in self._seen and len(self._seen) < SHOWN:
                self._seen[key] = Seen(self._steps, violation)
