"""A tenth of the traffic for some minutes, looked at again and again; then all of it, or none."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from infra.release.judge import Judgement, Limits, Measured, Verdict, judge, together
from infra.release.metrics import Revision
from infra.release.traffic import Service, Traffic

NOTHING = Measured(requests=0, errors=0)


@dataclass(frozen=True, slots=True)
class Plan:
    """How much traffic the canary gets, how long, and how often it is looked at."""

    percent: int = 10
    minutes: int = 15
    look_every_s: int = 60
    settle_s: int = 180  # metrics are that late


def try_out(
    traffic: Traffic,
    measure: Callable[[int], Mapping[Revision, Measured]],
    wait: Callable[[float], None],
    plan: Plan,
    limits: Limits,
) -> Judgement:
    """Split the traffic, judge, and leave it with the better side. Whatever fails, roll back."""
    try:
        services = traffic.split(plan.percent)
        judgement = _watch(services, measure, wait, plan, limits)
    except BaseException:
        traffic.roll_back()
        raise
    if judgement.verdict is Verdict.PROMOTE:
        traffic.promote()
    else:
        traffic.roll_back()
    return judgement


def _watch(
    services: Sequence[Service],
    measure: Callable[[int], Mapping[Revision, Measured]],
    wait: Callable[[float], None],
    plan: Plan,
    limits: Limits,
) -> Judgement:
    looks = max(plan.minutes * 60 // plan.look_every_s, 1)
    wait(plan.settle_s)
    for look in range(1, looks + 1):
        wait(plan.look_every_s)
        # From the split on: what was answered before says nothing about the difference.
        found = measure(look * plan.look_every_s)
        judgement = together(
            tuple(
                judge(
                    service.name,
                    found.get((service.name, service.previous or ""), NOTHING),
                    found.get((service.name, service.candidate or ""), NOTHING),
                    limits,
                    is_last=look == looks,
                )
                for service in services
            )
        )
        sys.stdout.write(f"look {look} of {looks}: {judgement.verdict}\n")
        if judgement.verdict is Verdict.ROLL_BACK:
            return judgement
    return judgement
