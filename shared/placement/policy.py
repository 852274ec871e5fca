"""What a shop wants of its placements, as data. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Policy:
    """One version of a channel's wishes.

    Attributes:
        policy_id: names the version.
        ship_partial_from_cents: an order of which not everything is there is sent in part where
            that part is worth as much, in minor units of its currency; None: never.
    """

    policy_id: str
    ship_partial_from_cents: int | None = 5_000


DEFAULT = Policy("default")
