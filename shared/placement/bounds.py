"""What any plan over given sites must cost at least.

With W the weight of the demand, w the weight that a site ships and c(w) its cheapest parcels for
w, any price r per gram gives

    cost of a plan = sum c(w) = r W + sum over sites used of (c(w) - r w)
                   >= r W + sum over sites used of min over w >= forced of (c(w) - r w),

where `forced` is the weight that only this site can ship once other sites are ruled out. A site
that is undecided counts only as far as lines that the open sites leave uncovered must open one:
such a line pays the least of what its holders cost, that much is taken off each holder, and the
next line goes on with what is left. What is collected never exceeds what the holders opened in the
end cost: the dual ascent for set cover (Erlenkotter, Operations Research 26, 1978). The bound is
the best over a few prices r; r = 0 is the plain sum of the cheapest parcels.

Everything is in whole thousandths of a cent, so that r may be small and no rounding creeps in.
"""

from bisect import bisect_left
from collections.abc import Sequence

from shared.placement.plans import Line, Source, Units
from shared.placement.tariffs import Bundle

MILLI = 1_000  # thousandths of a cent in a cent
IMPOSSIBLE = 1 << 60


class Coverage:
    """What a set of sites, given as a bit mask, leaves uncovered."""

    def __init__(self, lines: Sequence[Line], sources: Sequence[Source]) -> None:
        self.sources = sources
        self.weights_g = tuple(line.weight_g for line in lines)
        self.known: dict[int, Units] = {0: tuple(line.quantity for line in lines)}
        self.known_g: dict[int, int] = {}

    def short(self, mask: int) -> Units:
        """Units per line that the sites of `mask` together do not have."""
        found = self.known.get(mask)
        if found is None:
            lowest = mask & -mask
            have = self.sources[lowest.bit_length() - 1].have
            before = self.short(mask ^ lowest)
            found = tuple([n - h if n > h else 0 for n, h in zip(before, have, strict=True)])
            self.known[mask] = found
        return found

    def short_g(self, mask: int) -> int:
        """The same as a weight: what must come from sites outside `mask`."""
        found = self.known_g.get(mask)
        if found is None:
            found = sum(map(int.__mul__, self.short(mask), self.weights_g))
            self.known_g[mask] = found
        return found


class Bounds:
    """Lower bounds in thousandths of a cent, opportunity costs left out."""

    def __init__(
        self,
        lines: Sequence[Line],
        sources: Sequence[Source],
        bundles: Sequence[Sequence[Bundle]],
        coverage: Coverage,
    ) -> None:
        self.coverage = coverage
        self.weight_g = coverage.short_g(0)
        by_weight = [sorted(of_site, key=lambda b: b.up_to_g) for of_site in bundles]
        self.ends_g = [[bundle.up_to_g for bundle in of_site] for of_site in by_weight]
        self.prices = _prices(bundles)
        self.floors = [[_floors(of_site, r) for of_site in by_weight] for r in self.prices]
        self.holders = [
            [index for index, source in enumerate(sources) if source.have[line]]
            for line in range(len(lines))
        ]
        self.scarce_first = sorted(range(len(lines)), key=lambda line: len(self.holders[line]))

    def floor(self, price: int, source: int, forced_g: int) -> int:
        """The least of c(w) - r w for this site when it ships `forced_g` or more."""
        position = bisect_left(self.ends_g[source], forced_g)
        if position == len(self.ends_g[source]):
            return IMPOSSIBLE
        return self.floors[price][source][position]

    def of(self, members: Sequence[int], mask: int, undecided: int, enough: int) -> int:
        """The bound for plans that use all of `members` and no others but `undecided`.

        Args:
            members: positions of the sites that are used; `mask` holds the same as bits.
            mask: see `members`.
            undecided: sites that may be used too, as bits.
            enough: the search for a better bound stops once one exceeds this.
        """
        usable = mask | undecided
        forced_g = [self.coverage.short_g(usable ^ (1 << member)) for member in members]
        short = self.coverage.short(mask)
        choices = [
            [holder for holder in self.holders[line] if undecided >> holder & 1]
            for line in self.scarce_first
            if short[line]
        ]
        best = 0
        for price, rate in enumerate(self.prices):
            bound = rate * self.weight_g
            for member, grams in zip(members, forced_g, strict=True):
                bound += self.floor(price, member, grams)
            bound += self._cover(self.floors[price], choices)
            best = max(best, bound)
            if best > enough:
                break
        return best

    def _cover(self, floors: Sequence[Sequence[int]], choices: Sequence[Sequence[int]]) -> int:
        """What lines that need one of their `choices` collect together."""
        left: dict[int, int] = {}
        bound = 0
        for holders in choices:
            pays = min([left.get(h, floors[h][0]) for h in holders], default=IMPOSSIBLE)
            if pays > 0:
                bound += pays
                for holder in holders:
                    left[holder] = left.get(holder, floors[holder][0]) - pays
        return bound


def _prices(bundles: Sequence[Sequence[Bundle]]) -> list[int]:
    """Prices per gram that leave every site at least some share of its cheapest parcel's cost."""
    prices = {0}
    for tenths in (9, 5):
        prices.add(
            min(
                (MILLI * bundle.cost_cents - MILLI * of_site[0].cost_cents * tenths // 10)
                // bundle.up_to_g
                for of_site in bundles
                for bundle in of_site
            )
        )
    return sorted(prices)


def _floors(of_site: Sequence[Bundle], rate: int) -> list[int]:
    """For each bundle, ascending by weight: the least of c(w) - r w among it and heavier ones."""
    floors: list[int] = []
    lowest = IMPOSSIBLE
    for bundle in reversed(of_site):
        lowest = min(lowest, MILLI * bundle.cost_cents - rate * bundle.up_to_g)
        floors.append(lowest)
    floors.reverse()
    return floors
