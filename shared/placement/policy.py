"""What a shop wants of its placements, as data with versions. Pure.

What a policy weighs is money that nobody pays: it stands beside what parcels cost when plans are
compared, in minor units of the order's currency.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from shared.kit.errors import Rejected

EVERY_CHANNEL = ""
_NOTHING: Mapping[str, int] = {}


class PolicyRefused(Rejected):
    """A policy that cannot be published; the message names the field and says why."""

    code = "policy_refused"


class NoSuchPolicy(Rejected):
    """No policy has this name."""

    code = "no_such_policy"


class Fallback(NamedTuple):
    """Who takes parcels of a carrier's zone over, in this order, while it does not answer."""

    carrier: str
    zone: str
    to: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """One version of what a channel, or every channel without its own, wants.

    Attributes:
        policy_id: names the version.
        ship_partial_from_cents: an order of which not everything is there is sent in part where
            that part is worth as much; None: never.
        late_day_cents: what each day counts by which a parcel comes after the promise. The default
            is dear enough that a service in time is taken wherever there is one.
        split_cents: what each parcel of an order beyond the first counts.
        refusal_cents: what it counts when a warehouse cannot pick a parcel; weighed by how often
            that happens there.
        avoid_cents: warehouse -> what a parcel from there counts, where others are preferred.
        excluded_warehouses: where nothing is sent from.
        excluded_services: "carrier", or "carrier/service", by which nothing is sent.
        fallbacks: secondary carriers of a carrier's zones, one entry each.
        most_nodes: how much work a decision may cost before the best plan so far is taken.
    """

    policy_id: str
    ship_partial_from_cents: int | None = 5_000
    late_day_cents: int = 10_000
    split_cents: int = 0
    refusal_cents: int = 500
    avoid_cents: Mapping[str, int] = field(default_factory=lambda: _NOTHING)
    excluded_warehouses: frozenset[str] = frozenset()
    excluded_services: frozenset[str] = frozenset()
    fallbacks: tuple[Fallback, ...] = ()
    most_nodes: int = 20_000

    def fallbacks_of(self, carrier: str, zone: str | None) -> tuple[str, ...]:
        """Who is to take a parcel of this carrier and zone over, the first one first."""
        for fallback in self.fallbacks:
            if (fallback.carrier, fallback.zone) == (carrier, zone):
                return fallback.to
        return ()

    def excludes(self, carrier: str, service: str) -> bool:
        """Whether nothing is sent by this service."""
        return not self.excluded_services.isdisjoint({carrier, f"{carrier}/{service}"})


DEFAULT = Policy("default")  # until a shop says something else


class Version(NamedTuple):
    """A policy, and for whom and from when on it holds."""

    policy: Policy
    channel: str  # EVERY_CHANNEL for those without one of their own
    version: int
    valid_from: datetime
    published_by: str
    reason: str


class PolicyBook:
    """Every version, by channel."""

    def __init__(self, versions: Iterable[Version] = ()) -> None:
        self._by_channel: dict[str, list[Version]] = defaultdict(list)
        self._by_id: dict[str, Policy] = {DEFAULT.policy_id: DEFAULT}
        for version in sorted(versions, key=lambda version: version.valid_from):
            self._by_channel[version.channel].append(version)
            self._by_id[version.policy.policy_id] = version.policy

    def valid_at(self, moment: datetime, channel: str) -> Policy:
        """The channel's own policy, else that of every channel, else the default."""
        for name in (channel, EVERY_CHANNEL):
            for version in reversed(self._by_channel.get(name, ())):
                if version.valid_from <= moment:
                    return version.policy
        return DEFAULT

    def standing_at(self, moment: datetime) -> Mapping[str, Policy]:
        """By channel, the version that counts for it; of every channel too, under that name."""
        standing = {
            channel: [one.policy for one in versions if one.valid_from <= moment]
            for channel, versions in self._by_channel.items()
        }
        return {channel: found[-1] for channel, found in standing.items() if found}

    def named(self, policy_id: str) -> Policy:
        """The version of that name.

        Raises:
            NoSuchPolicy: there is none.
        """
        try:
            return self._by_id[policy_id]
        except KeyError:
            raise NoSuchPolicy(f"no policy is called {policy_id}", policy_id=policy_id) from None
