"""Whether a canary is as good as what it is to replace: a pure rule over what was measured.

The canary gets a tenth of the requests for some minutes. Of so few one or two errors say nothing,
so its share of errors is compared with the stable one's by a one-sided test of two proportions, and
it is praised only once there are enough requests. Latencies are compared by their p95, with some
slack because a new instance begins cold.
Source of the test: https://www.itl.nist.gov/div898/handbook/prc/section3/prc33.htm
"""

import math
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What is to be done with the canary."""

    PROMOTE = "promote"
    WAIT = "wait"  # too little was seen to say
    ROLL_BACK = "roll_back"


@dataclass(frozen=True, slots=True)
class Measured:
    """What the revisions of one side answered: counts, and the p95 of the time it took."""

    requests: int
    errors: int  # answers 5xx
    p95_ms: float | None = None  # None: nothing was measured

    def __post_init__(self) -> None:
        if not 0 <= self.errors <= self.requests:
            raise ValueError(f"errors must lie in 0..{self.requests}, got {self.errors}")


@dataclass(frozen=True, slots=True)
class Limits:
    """When a canary is bad. `deviations`: how sure one has to be that it errs more often.

    `errors` is how many errors may be chance whatever the share; `slower` and `slack_ms` how much
    more time it may take; `differences` how many of the kept decisions may come out otherwise.
    """

    requests: int = 50
    errors: int = 2
    deviations: float = 2.33  # one of a hundred good canaries is rolled back for it
    slower: float = 1.5
    slack_ms: float = 100.0
    differences: int = 0


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict, and each reason for it as a sentence."""

    verdict: Verdict
    reasons: tuple[str, ...]


def judge(
    name: str, stable: Measured, canary: Measured, limits: Limits, *, is_last: bool
) -> Judgement:
    """Judge the canary of one function.

    What nobody calls (a dead-letter function on a good day) is promoted when time is up: nothing
    speaks against it, and waiting for ever would stop every release.

    Args:
        name: of the function, for the reasons.
        stable: what is released, over the same time.
        canary: what may replace it.
        limits: when it is bad.
        is_last: there will be no further look.
    """
    bad = tuple(_complaints(name, stable, canary, limits))
    if bad:
        return Judgement(Verdict.ROLL_BACK, bad)
    if canary.requests < limits.requests:
        seen = f"{name}: {canary.requests} requests, {limits.requests} are wanted"
        return Judgement(Verdict.PROMOTE if is_last else Verdict.WAIT, (seen,))
    return Judgement(Verdict.PROMOTE, (f"{name}: {_told(canary)}, before {_told(stable)}",))


def together(judgements: tuple[Judgement, ...]) -> Judgement:
    """All functions are released together or not at all: the worst verdict counts."""
    order = (Verdict.ROLL_BACK, Verdict.WAIT, Verdict.PROMOTE)
    verdict = min((one.verdict for one in judgements), key=order.index, default=Verdict.PROMOTE)
    reasons = tuple(r for one in judgements if one.verdict is verdict for r in one.reasons)
    return Judgement(verdict, reasons)


def judge_decisions(made_again: int, differences: int, limits: Limits) -> Judgement:
    """Judge how many kept decisions the new code makes otherwise than the old one did."""
    told = f"decisions: {differences} of {made_again} come out otherwise"
    if differences > limits.differences:
        return Judgement(Verdict.ROLL_BACK, (f"{told}, {limits.differences} may",))
    return Judgement(Verdict.PROMOTE, (told,))


def deviations(stable: Measured, canary: Measured) -> float:
    """By how many standard deviations the canary errs more often than what is released.

    0 where it does not; infinite where the released side has no error and cannot vary.
    """
    if not canary.requests or not stable.requests:
        return 0.0
    more = canary.errors / canary.requests - stable.errors / stable.requests
    if more <= 0:
        return 0.0
    share = (canary.errors + stable.errors) / (canary.requests + stable.requests)
    spread = math.sqrt(share * (1 - share) * (1 / canary.requests + 1 / stable.requests))
    return more / spread if spread else math.inf


def _complaints(name: str, stable: Measured, canary: Measured, limits: Limits) -> list[str]:
    found = []
    if canary.errors > limits.errors:
        if not stable.requests and canary.errors * 10 > canary.requests:
            found.append(f"{name}: {_told(canary)}, and there is nothing to compare it with")
        elif deviations(stable, canary) > limits.deviations:
            found.append(f"{name}: {_told(canary)}, before {_told(stable)}")
    enough = canary.requests >= limits.requests
    if enough and canary.p95_ms is not None and stable.p95_ms is not None:
        most_ms = stable.p95_ms * limits.slower + limits.slack_ms
        if canary.p95_ms > most_ms:
            found.append(f"{name}: p95 is {canary.p95_ms:.0f} ms, {most_ms:.0f} ms may be")
    return found


def _told(side: Measured) -> str:
    return f"{side.errors} errors in {side.requests} requests"
