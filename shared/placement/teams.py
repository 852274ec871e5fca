"""Sites that are all used together, and what is still to be paid once some have their parcels.

The parcels of the sites that are open yet cost at least the cheapest ones, one bundle a site, that
have room for what must come from these sites. Which bundles those are for any size is worked out
from the last site to the first, keeping of each two the one that is no dearer and no smaller: the
knapsack by dominance (Kellerer, Pferschy and Pisinger, Knapsack Problems, 2004, section 2.6). Of
orders that need many parcels there are many, so that this is paid for in nodes.
"""

from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

from shared.placement.bounds import Coverage
from shared.placement.bundles import Bundle
from shared.placement.packing import Allowance
from shared.placement.plans import Problem
from shared.placement.tariffs import IMPOSSIBLE

PAIRS_A_NODE = 256  # of an option and what is behind it; they take about as long as a node

Option = tuple[int, int]  # the size that parcels have room for, and their cost in cents


class Frontier(NamedTuple):
    """What room for some size costs at least; both ascend."""

    sizes: list[int]
    costs_cents: list[int]

    def cents(self, size: int) -> int:
        """The least cost of room for so much."""
        position = bisect_left(self.sizes, size)
        return self.costs_cents[position] if position < len(self.sizes) else IMPOSSIBLE


NOTHING_OPEN = Frontier([0], [0])


class Team(NamedTuple):
    """Sites that are all used, sorted, and per member what the choice of its parcels needs."""

    members: tuple[int, ...]
    mask: int  # the members as bits
    forced: tuple[int, ...]  # the size that no other member has
    forced_lines: tuple[int, ...]  # and of which lines, as bits
    open_masks: tuple[int, ...]  # the members from each on, as bits
    rest: tuple[Frontier, ...]  # and what they cost


class Teams:
    """Makes teams of one order's sites."""

    def __init__(
        self,
        problem: Problem,
        bundles: Sequence[Sequence[Bundle]],
        coverage: Coverage,
        allowance: Allowance,
    ) -> None:
        self.coverage = coverage
        self.allowance = allowance
        self.size = coverage.short_size(0)
        self.options = [
            _undominated(
                [(min(problem.room(one), self.size), one.cost_cents) for one in of_site], self.size
            )
            for of_site in bundles
        ]

    def team(self, members: tuple[int, ...], mask: int, most_cents: int) -> Team | None:
        """The team of these sites; None where it has no plan of at most that cost.

        Args:
            members: positions of the sites, sorted; `mask` holds the same as bits.
            mask: see `members`.
            most_cents: of the parcels, as they are weighed.

        Raises:
            OutOfNodes: the allowance was spent before it was worked out.
        """
        others = [mask ^ (1 << member) for member in members]
        forced = tuple([self.coverage.short_size(other) for other in others])
        useful = [
            self.options[member][self._first(member, size) :]
            for member, size in zip(members, forced, strict=True)
        ]
        if not all(useful):
            return None
        # What those before a member cost at least leaves so much for it and those after it.
        left_cents = most_cents - sum([options[0][1] for options in useful])
        rest = [NOTHING_OPEN]
        open_masks = [0]
        for member, options in zip(reversed(members), reversed(useful), strict=True):
            left_cents += options[0][1]
            rest.append(self._joined(options, rest[-1], left_cents))
            open_masks.append(open_masks[-1] | 1 << member)
        if rest[-1].cents(self.size) > most_cents:
            return None
        return Team(
            members,
            mask,
            forced,
            tuple([self.coverage.short_lines(other) for other in others]),
            tuple(reversed(open_masks)),
            tuple(reversed(rest)),
        )

    def _first(self, member: int, size: int) -> int:
        """The position of the cheapest option with room for so much."""
        return bisect_left(self.options[member], (size, 0))

    def _joined(self, options: Sequence[Option], rest: Frontier, most_cents: int) -> Frontier:
        """What room costs with one more site, as far as it costs no more than that."""
        size = self.size
        # Cost and what lacks to all of the size as one number each: sorting these takes half the
        # time.
        span = size + 1
        found: list[int] = []
        paid = 0
        for room, cost_cents in options:
            lacks = size - room
            for more, more_cents in zip(*rest, strict=True):
                total_cents = cost_cents + more_cents
                if total_cents > most_cents:
                    break
                if more >= lacks:
                    found.append(total_cents * span)
                    break
                found.append(total_cents * span + lacks - more)
            due = len(found) // PAIRS_A_NODE
            if due > paid:
                self.allowance.spend(due - paid)
                paid = due
        found.sort()
        sizes: list[int] = []
        costs_cents: list[int] = []
        least = span
        for one in found:
            cents, lacks = divmod(one, span)
            if lacks < least:
                least = lacks
                sizes.append(size - lacks)
                costs_cents.append(cents)
                if not lacks:
                    break
        return Frontier(sizes, costs_cents)


def _undominated(options: list[Option], size: int) -> list[Option]:
    """Those that no other replaces, ascending in both; more room than `size` is worth nothing."""
    kept: list[Option] = []
    most = -1
    for room, cost_cents in sorted(options, key=lambda option: (option[1], -option[0])):
        if room > most:
            kept.append((room, cost_cents))
            most = room
            if room >= size:
                break
    return kept
