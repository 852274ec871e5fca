"""The words of stock.

available-to-promise = on-hand - reserved - held - safety, never below zero; nothing of a row that
is fenced off. A balance is one row; where a SKU is sold faster than one row can be locked, or a
sale has units of its own, a warehouse has several rows of it, its partitions. How units lie in them
is told in `partitions`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple

from shared.kit.errors import Rejected
from shared.kit.geo import Point, PostalPlace

SHUT = "shut"  # why nothing is promised from a partition that is no longer of its spread
FEWER_COUNTED = "fewer were counted than are promised"  # the same of a balance, until it is settled


class Key(NamedTuple):
    """What names a balance; sorted, it is the order in which rows are locked."""

    sku: str
    warehouse: str
    partition: int = 0


class Level(NamedTuple):
    """The balance of one SKU in one partition of one warehouse, in units."""

    sku: str
    warehouse: str
    on_hand: int
    reserved: int
    safety: int
    held: int = 0
    partition: int = 0
    allotment: str | None = None  # the sale that alone may take from it
    fenced_for: str | None = None  # why nothing of it is promised
    spread_from: int = 0  # the first row over which its units are spread
    spread: int = 1  # and how many rows these are

    @property
    def key(self) -> Key:
        return Key(self.sku, self.warehouse, self.partition)

    @property
    def is_shut(self) -> bool:
        """Whether it is outside its spread: what it has promised leaves it, and nothing comes."""
        return self.partition >= self.spread_from + self.spread

    @property
    def is_broken(self) -> bool:
        """Whether it is fenced off because its figures, or a count of it, cannot be right."""
        return self.fenced_for is not None and self.fenced_for != SHUT

    @property
    def is_sound(self) -> bool:
        """Whether the figures are possible at all."""
        return min(self.reserved, self.held, self.free) >= 0

    @property
    def promised(self) -> int:
        """Units that are not free."""
        return self.reserved + self.held

    @property
    def free(self) -> int:
        """Units that nobody was promised, safety included; below zero in a corrupt row."""
        return self.on_hand - self.reserved - self.held

    @property
    def available(self) -> int:
        """Units that may still be promised."""
        return 0 if self.fenced_for else max(0, self.free - self.safety)

    @property
    def shared(self) -> int:
        """Units of which channels may sell a share.

        Of figures that cannot be right only what is promised: by whatever number a row is wrong,
        that takes nothing from what the others of its place promise.
        """
        is_right = self.is_sound and not self.is_broken
        return self.on_hand if is_right else max(0, self.reserved) + max(0, self.held)

    @property
    def unfenced(self) -> "Level":
        """The balance as it is once its figures are right."""
        fenced_for = SHUT if self.is_shut else None
        return self if self.fenced_for == fenced_for else self._replace(fenced_for=fenced_for)

    def after(self, change: "Change") -> "Level":
        """The balance once `change` is made."""
        return self._replace(
            on_hand=self.on_hand + change.on_hand,
            reserved=self.reserved + change.reserved,
            held=self.held + change.held,
        )


class Change(NamedTuple):
    """What is added to the figures of one balance; taken away where it is negative."""

    key: Key
    on_hand: int = 0
    reserved: int = 0
    held: int = 0


def together(changes: Iterable[Change], *, empty_too: bool = False) -> tuple[Change, ...]:
    """One change a balance, in the order in which balances are locked; those of nothing left out.

    >>> mugs = Key("MUG", "BER")
    >>> together([Change(mugs, held=-2), Change(mugs, reserved=2)])
    (Change(key=Key(sku='MUG', warehouse='BER', partition=0), on_hand=0, reserved=2, held=-2),)
    """
    sums: dict[Key, Change] = {}
    for change in changes:
        known = sums.get(change.key, Change(change.key))
        sums[change.key] = Change(
            change.key,
            known.on_hand + change.on_hand,
            known.reserved + change.reserved,
            known.held + change.held,
        )
    made = (sums[key] for key in sorted(sums))
    return tuple(c for c in made if empty_too or c.on_hand or c.reserved or c.held)


@dataclass(frozen=True)  # without slots: what is worked out once is kept beside the fields
class Locked:
    """Balances that are locked, and when each (sku, warehouse) was counted last."""

    levels: Mapping[Key, Level]
    counted_at: Mapping[tuple[str, str], datetime | None]

    def at(self, key: Key) -> Level:
        """A balance; an empty one where there is none."""
        return self.levels.get(key) or Level(key.sku, key.warehouse, 0, 0, 0, 0, key.partition)

    def of(self, sku: str, warehouse: str) -> list[Level]:
        """The partitions of a balance, by number."""
        return self._by_place.get((sku, warehouse), [])

    @cached_property
    def _by_place(self) -> Mapping[tuple[str, str], list[Level]]:
        places: dict[tuple[str, str], list[Level]] = {}
        for key, level in sorted(self.levels.items()):
            places.setdefault(key[:2], []).append(level)
        return places

    def replaced(self, levels: Iterable[Level]) -> "Locked":
        """The balances with these instead of those of the same key, and with new ones."""
        return replace(self, levels={**self.levels, **{level.key: level for level in levels}})

    def after(self, changes: Iterable[Change]) -> "Locked":
        """The balances once these changes are made."""
        levels = dict(self.levels)
        for change in changes:
            levels[change.key] = levels[change.key].after(change)
        return replace(self, levels=levels)

    def fitting(self, changes: Iterable[Change]) -> tuple[Change, ...]:
        """The changes, but that no more is taken off a broken row than it has.

        Parcels and holds may have been promised more than such a row says. What leaves it, or is
        given back, has done so whatever it says; reconciliation compares what is left.
        """
        return tuple([self._fitting(change) for change in together(changes)])

    def _fitting(self, change: Change) -> Change:
        level = self.at(change.key)
        if not level.is_broken:
            return change
        reserved, held = max(change.reserved, -level.reserved), max(change.held, -level.held)
        room = level.free - reserved - held
        on_hand = max(change.on_hand, min(-room, 0))
        return Change(change.key, on_hand, reserved, held)

    def already_counted(self, sku: str, warehouse: str, moment: datetime) -> bool:
        """Whether a count that was taken at `moment` or later has been applied."""
        counted_at = self.counted_at.get((sku, warehouse))
        return counted_at is not None and moment <= counted_at


class Sku(NamedTuple):
    """What a unit weighs and measures, and from when on it may be sent; None where it is on sale.

    Its volume is that of the box around it; 0 where a side is not known. `needs` are capabilities,
    such as hazmat or cold, that a warehouse and a carrier must have to send it.
    """

    sku: str
    weight_g: int
    released_at: datetime | None
    volume_mm3: int = 0
    longest_mm: int = 0
    needs: frozenset[str] = frozenset()


class Supply(NamedTuple):
    """Locked balances together with where they are, and what their SKUs are."""

    levels: tuple[Level, ...]
    places: Mapping[str, Point]
    origins: Mapping[str, PostalPlace]
    skus: Mapping[str, Sku]


class MovementKind(StrEnum):
    """Why units came to on-hand or left it."""

    RECEIPT = "receipt"
    SHIPMENT = "shipment"
    RETURN = "return"
    COUNT = "count"  # the difference that a count found
    ADJUSTMENT = "adjustment"  # by hand, with a reason
    SHORT_PICK = "short_pick"  # promised, and not on the shelf
    TRANSFER_OUT = "transfer_out"
    TRANSFER_IN = "transfer_in"
    WRITE_OFF = "write_off"
    REPARTITION = "repartition"  # between two partitions of a warehouse; sums to nothing
    REPAIR = "repair"  # by reconciliation: the ledger follows the balance


class Movement(NamedTuple):
    """Units added to (or taken from) on-hand. The reference makes it unrepeatable."""

    key: Key
    kind: MovementKind
    quantity: int
    reference: str
    occurred_at: datetime
    reason: str = ""


class UnknownSku(Rejected):
    """Somebody names something that the catalogue does not have."""

    code = "unknown_sku"


class UnknownWarehouse(Rejected):
    """No such warehouse."""

    code = "unknown_warehouse"


class KitHasNoStock(Rejected):
    """A kit is named where only what lies on a shelf can be: its components are meant."""

    code = "kit_has_no_stock"


class KitRefused(Rejected):
    """What a kit is said to be made of cannot be."""

    code = "kit_refused"


class NoSuchSpread(Rejected):
    """A balance cannot be spread over as many partitions."""

    code = "no_such_spread"


class BalanceFencedOff(Rejected):
    """A balance whose figures cannot be right is to be laid anew."""

    code = "balance_fenced_off"


class NotEnoughToAllot(Rejected):
    """More units are to be set aside for a sale than can be promised."""

    code = "not_enough_to_allot"


class NothingAllotted(Rejected):
    """A sale has no units of its own where its allotment is to end."""

    code = "nothing_allotted"


class AdjustmentBelowPromised(Rejected):
    """More units are reported as gone than are free: orders must be moved away first."""

    code = "adjustment_below_promised"


class CountedSince(Rejected):
    """A later count was applied already: this one would change nothing."""

    code = "counted_since"
