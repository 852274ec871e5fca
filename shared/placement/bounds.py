"""What any plan over given sites must cost at least.

With W the size of the demand (its weight, or its volume where that fills parcels sooner), w the
size that a site ships and c(w) its cheapest parcels for w, any price r per unit of size gives

    cost of a plan = sum c(w) = r W + sum over sites used of (c(w) - r w)
                   >= r W + sum over sites used of min over w >= forced of (c(w) - r w),

where `forced` is the size that only this site can ship once other sites are ruled out. A site
that is undecided counts only as far as lines that the open sites leave uncovered must open one:
such a line pays the least of what its holders cost, that much is taken off each holder, and the
next line goes on with what is left. What is collected never exceeds what the holders opened in the
end cost: the dual ascent for set cover (Erlenkotter, Operations Research 26, 1978). At a high price
a site may be worth opening, c(w) - r w being below 0: it is counted as open, and collects nothing.
The bound is the best over a few prices r; r = 0 is the plain sum of the cheapest parcels.

Everything is in whole millionths of a cent, so that r may be small and no rounding creeps in.
"""

from bisect import bisect_left
from collections.abc import Sequence

from shared.placement.bundles import Bundle
from shared.placement.plans import FINE, Problem
from shared.placement.tariffs import IMPOSSIBLE, Units

# Tenths of its cheapest parcel's cost that prices leave every site, and percents of the price that
# is known to be enough. Measured: these end the search soonest.
SHARES = (4, 1)
PERCENTS = (80, 105)


class Coverage:
    """What a set of sites, given as a bit mask, leaves uncovered."""

    def __init__(self, problem: Problem) -> None:
        self.stocks = [source.have for source in problem.sources]
        self.sizes = problem.sizes
        self.known: dict[int, Units] = {0: problem.wanted}
        self.known_size: dict[int, int] = {}
        totals = [sum(column) for column in zip(*self.stocks, strict=True)]
        every = (1 << len(self.stocks)) - 1
        self.known_tight: dict[int, list[tuple[int, int]]] = {}
        self.known_spare: dict[int, list[int]] = {
            every: list(map(int.__sub__, totals, problem.wanted))
        }

    def short(self, mask: int) -> Units:
        """Units per line that the sites of `mask` together do not have."""
        found = self.known.get(mask)
        if found is None:
            lowest = mask & -mask
            have = self.stocks[lowest.bit_length() - 1]
            before = self.short(mask ^ lowest)
            found = tuple([n - h if n > h else 0 for n, h in zip(before, have, strict=True)])
            self.known[mask] = found
        return found

    def short_size(self, mask: int) -> int:
        """The same as a size: what must come from sites outside `mask`."""
        found = self.known_size.get(mask)
        if found is None:
            found = sum(map(int.__mul__, self.short(mask), self.sizes))
            self.known_size[mask] = found
        return found

    def spare(self, mask: int) -> list[int]:
        """Units per line that the sites of `mask` have beyond what is wanted; below 0: too few."""
        found = self.known_spare.get(mask)
        if found is None:
            lowest = ~mask & (mask + 1)
            have = self.stocks[lowest.bit_length() - 1]
            found = list(map(int.__sub__, self.spare(mask | lowest), have))
            self.known_spare[mask] = found
        return found

    def tight(self, mask: int) -> list[tuple[int, int]]:
        """(line, spare units) of the lines for which some site of `mask` may be needed."""
        found = self.known_tight.get(mask)
        if found is None:
            found = [
                (line, more)
                for line, (more, units) in enumerate(
                    zip(self.spare(mask), self.known[0], strict=True)
                )
                if more < units
            ]
            self.known_tight[mask] = found
        return found

    def forced_size(self, member: int, tight: Sequence[tuple[int, int]]) -> int:
        """What only this one of some sites can ship, given what is `tight` with them."""
        have = self.stocks[member]
        return sum(
            [self.sizes[line] * (have[line] - more) for line, more in tight if have[line] > more]
        )

    def short_lines(self, mask: int) -> int:
        """The lines of which something is short, as bits."""
        return sum([1 << line for line, units in enumerate(self.short(mask)) if units])


class Bounds:
    """Lower bounds in millionths of a cent, opportunity costs left out."""

    def __init__(
        self,
        problem: Problem,
        bundles: Sequence[Sequence[Bundle]],
        coverage: Coverage,
        known_cents: int,
    ) -> None:
        """`known_cents` is what a plan costs that is known: about what a unit of size is worth."""
        self.coverage = coverage
        self.listed: dict[int, list[int]] = {}
        self.size = coverage.short_size(0)
        room = [
            sorted([(problem.room(bundle), bundle.cost_cents) for bundle in of_site])
            for of_site in bundles
        ]
        self.ends = [[up_to for up_to, _ in of_site] for of_site in room]
        self.prices = _prices(room, FINE * known_cents // self.size)
        self.floors = [[_floors(of_site, r) for of_site in room] for r in self.prices]
        least = [[floors[0] for floors in of_price] for of_price in self.floors]
        # What sites must cost that are opened, and what they may give back that need not be.
        self.least = [[max(0, floor) for floor in of_price] for of_price in least]
        self.gains = [
            [(1 << site, floor) for site, floor in enumerate(of_price) if floor < 0]
            for of_price in least
        ]
        holders = [
            sum([1 << index for index, source in enumerate(problem.sources) if source.have[line]])
            for line in range(len(problem.lines))
        ]
        self.scarce_first = sorted(enumerate(holders), key=lambda held: held[1].bit_count())

    def _listed(self, mask: int) -> list[int]:
        """`positions`, remembered."""
        found = self.listed.get(mask)
        if found is None:
            found = self.listed[mask] = positions(mask)
        return found

    def _place(self, member: int, tight: Sequence[tuple[int, int]]) -> int:
        """Where its bundles begin that are large enough, given what is `tight` with others."""
        return bisect_left(self.ends[member], self.coverage.forced_size(member, tight))

    def of(self, members: Sequence[int], mask: int, undecided: int, enough: int) -> int:
        """The bound for plans that use all of `members` and no others but `undecided`.

        Args:
            members: positions of the sites that are used; `mask` holds the same as bits.
            mask: see `members`.
            undecided: sites that may be used too, as bits.
            enough: the search for a better bound stops once one exceeds this.
        """
        tight = self.coverage.tight(mask | undecided)
        places = [(member, 0) for member in members]
        if tight:
            places = [(member, self._place(member, tight)) for member in members]
            if any(position == len(self.ends[member]) for member, position in places):
                return IMPOSSIBLE
        short = self.coverage.short(mask)
        choices = [
            self._listed(holders & undecided) for line, holders in self.scarce_first if short[line]
        ]
        best = 0
        for price, rate in enumerate(self.prices):
            floors = self.floors[price]
            bound = rate * self.size
            for member, position in places:
                bound += floors[member][position]
            if self.gains[price]:
                bound += sum([gain for bit, gain in self.gains[price] if bit & undecided])
            if choices:
                bound += _cover(self.least[price], choices)
            if bound > best:
                best = bound
                if best > enough:
                    break
        return best


def _cover(least: Sequence[int], choices: Sequence[Sequence[int]]) -> int:
    """What lines that need one of their `choices` collect together."""
    left = list(least)
    bound = 0
    for holders in choices:
        pays = min([left[holder] for holder in holders], default=IMPOSSIBLE)
        if pays > 0:
            bound += pays
            for holder in holders:
                left[holder] -= pays
    return bound


def positions(mask: int) -> list[int]:
    """The positions of the bits that are set, ascending."""
    found: list[int] = []
    while mask:
        lowest = mask & -mask
        found.append(lowest.bit_length() - 1)
        mask ^= lowest
    return found


def _prices(room: Sequence[Sequence[tuple[int, int]]], known: int) -> list[int]:
    """Prices per size, ascending from 0.

    Some leave every site a share of its cheapest parcel's cost; others are about the price that is
    `known` to be enough, by which sites may be worth opening.
    """
    prices = {0, *[known * percent // 100 for percent in PERCENTS]}
    for tenths in SHARES:
        prices.add(
            min(
                [
                    (FINE * cost_cents - FINE * least_cents * tenths // 10) // up_to
                    for of_site in room
                    for least_cents in (min([cost for _, cost in of_site]),)
                    for up_to, cost_cents in of_site
                ]
            )
        )
    return sorted(prices)


def _floors(of_site: Sequence[tuple[int, int]], rate: int) -> list[int]:
    """For each bundle, ascending by size: the least of c(w) - r w among it and larger ones."""
    floors: list[int] = []
    lowest = IMPOSSIBLE
    for up_to, cost_cents in reversed(of_site):
        lowest = min(lowest, FINE * cost_cents - rate * up_to)
        floors.append(lowest)
    floors.reverse()
    return floors
