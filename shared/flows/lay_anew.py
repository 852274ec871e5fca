"""Units of a balance are laid anew over its partitions, booked, and told where that helps."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from shared.flows.waitlist import share_out
from shared.platform.db import Transaction
from shared.stock import store as stock
from shared.stock.types import BalanceFencedOff, Level, Locked, Movement, MovementKind


@dataclass(frozen=True, slots=True)
class Word:
    """Who wants something done, why, and the reference that makes it unrepeatable."""

    actor: str
    reason: str
    reference: str

    def to(self, verb: str) -> "Word":
        """The same word for what is done with it, so that two verbs may share a reference."""
        return replace(self, reference=f"{verb}:{self.reference}")


def said_before(tx: Transaction, word: Word, sku: str, warehouse: str) -> bool:
    """Whether this balance was laid anew under the reference already; the balance is locked."""
    return bool(stock.booked(tx, warehouse, MovementKind.REPARTITION, word.reference, [sku]))


def refuse_broken(levels: Iterable[Level]) -> None:
    """Units are not laid anew where nobody knows how many there are.

    Raises:
        BalanceFencedOff: names the row.
    """
    for level in levels:
        if level.is_broken or not level.is_sound:
            why = level.fenced_for if level.is_broken else "its figures cannot be"
            raise BalanceFencedOff(
                f"sku: {level.sku} in {level.warehouse} is fenced off, partition {level.partition}:"
                f" {why}; send a count of it, or reconcile, and ask again",
                field="sku",
                sku=level.sku,
                warehouse=level.warehouse,
            )


def lay_anew(tx: Transaction, locked: Locked, after: Iterable[Level], word: Word) -> None:
    """Make the locked balances what `after` says, which has every row of theirs.

    The ledger has what moved; the first row of each balance has an entry, also of nothing, so
    that the reference is known. What can be promised only now is kept for who waits for it.
    """
    new = locked.replaced(after)
    moved = {key: level.on_hand - locked.at(key).on_hand for key, level in new.levels.items()}
    tx.write(
        stock.put(new.levels.values()),
        stock.record(
            tx,
            [
                Movement(key, MovementKind.REPARTITION, units, word.reference, tx.now, word.reason)
                for key, units in sorted(moved.items())
                if units or not key.partition
            ],
            word.actor,
        ),
    )
    share_out(tx, locked, new)
