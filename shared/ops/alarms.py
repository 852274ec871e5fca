"""What of an overview a person should look at, and what they can do about it. Pure."""

from collections.abc import Iterator
from datetime import timedelta

from shared.contracts.http_ops import Alarm, OpsOverview
from shared.ops.in_words import counted, told

# An express order is placed in seconds; what waits for longer waits for something that went wrong.
LONGEST_WAIT = {
    "express": timedelta(minutes=2),
    "standard": timedelta(minutes=30),
    "bulk": timedelta(hours=2),
}
LONGEST_UNSENT = timedelta(minutes=2)  # the sweep comes once a minute


def alarms(overview: OpsOverview) -> tuple[Alarm, ...]:
    """The critical ones first."""
    found = [
        *_queues(overview),
        *_unsent(overview),
        *_carriers(overview),
        *_cut_off(overview),
        *_late(overview),
        *_letters(overview),
        *_review(overview),
    ]
    return tuple(sorted(found, key=lambda alarm: alarm.severity))


def _queues(overview: OpsOverview) -> Iterator[Alarm]:
    for queue in overview.queues:
        longest = LONGEST_WAIT[queue.priority]
        if queue.oldest_at is not None and overview.at - queue.oldest_at > longest:
            yield Alarm(
                severity="critical",
                what=f"The oldest {queue.priority} order has waited for"
                f" {told(overview.at, queue.oldest_at)}",
                remedy="Look whether placement runs: is its queue paused, does its function fail?",
                path=f"/orders?state=waiting&priority={queue.priority}",
            )


def _unsent(overview: OpsOverview) -> Iterator[Alarm]:
    since = overview.unsent_since
    if since is not None and overview.at - since > LONGEST_UNSENT:
        yield Alarm(
            severity="critical",
            what=f"{counted(overview.unsent, 'message')} to be sent, the oldest for"
            f" {told(overview.at, since)}",
            remedy="Look at the log of outbox_relay, and whether Pub/Sub and Cloud Tasks answer.",
        )


def _carriers(overview: OpsOverview) -> Iterator[Alarm]:
    for carrier in overview.carriers:
        if carrier.breaker != "closed":
            yield Alarm(
                severity="warning",
                what=f"{carrier.carrier} does not answer;"
                f" {counted(carrier.waiting, 'parcel')} without a label",
                remedy="They go by another carrier that has a rate card, and it is tried again by"
                " itself.",
                path=f"/carriers/{carrier.carrier}",
            )


def _cut_off(overview: OpsOverview) -> Iterator[Alarm]:
    for one in overview.cut_off:
        yield Alarm(
            severity="warning",
            what=f"{one.subscriber} has got no webhooks for {told(overview.at, one.since)}:"
            f" {one.because}",
            remedy="Have them mend what answers there, then enable it: all that waits is sent. It"
            " waits for 30 days. Or leave it disabled, and say why.",
            path=f"/webhooks/{one.subscriber}",
        )


def _late(overview: OpsOverview) -> Iterator[Alarm]:
    if overview.risk.late:
        yield Alarm(
            severity="warning",
            what=f"{counted(overview.risk.late, 'order')} late and not with a carrier",
            remedy="See why each waits, and place it from elsewhere or tell its customer.",
            path="/orders?late=true",
        )


def _letters(overview: OpsOverview) -> Iterator[Alarm]:
    count = sum(letter.letters for letter in overview.letters)
    if count:
        yield Alarm(
            severity="warning",
            what=f"{counted(count, 'message')} refused or given up",
            remedy="Mend what each names as its reason, and send it again.",
            path="/letters",
        )


def _review(overview: OpsOverview) -> Iterator[Alarm]:
    for state in overview.states:
        if state.state == "review" and state.orders:
            yield Alarm(
                severity="warning",
                what=f"{counted(state.orders, 'order')} waiting for a person",
                remedy="Read why, then release, assign or cancel them.",
                path="/orders?state=review",
            )
