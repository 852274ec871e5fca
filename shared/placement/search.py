"""The cheapest plan, by branch and bound over the sets of sites that are used.

Three questions are nested. Which sites are used: a line that is still uncovered must open one of
its holders, so these are tried one after the other, each time without those tried before; when all
is covered, further sites are tried as well, since lighter parcels may be worth one more. Which
parcels each used site sends (`Bundle`): tried by ascending cost, and cut as soon as some of the
sites cannot carry what only they have. Whether the units fit: `packing.pack`.

Every cheapest plan is such a triple, no triple is tried twice, and a branch is left only when its
lower bound (`bounds`) is above the best plan, or equal to it and later in the chain of `Rank`. So
the plan found last is the cheapest; when nodes run out, the least bound of what was left open is
kept and stays a true lower bound.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from shared.placement.bounds import IMPOSSIBLE, MILLI, Bounds, Coverage
from shared.placement.packing import Allowance, Box, OutOfNodes, Row, cheapest_units, pack
from shared.placement.plans import Line, Load, Plan, Rank, Source, load, plan, quick_plan
from shared.placement.tariffs import Band, Bundle, bands, bundles, takes_all
from shared.placement.types import Limits

Cut = tuple[int, int]  # some of the sites, as bits, and the weight their parcels can take


@dataclass(frozen=True, slots=True)
class Team:
    """Sites that are all used, sorted, and per member what the choice of its parcels needs."""

    members: tuple[int, ...]
    mask: int  # the members as bits
    forced_g: tuple[int, ...]  # what no other member has
    later: tuple[tuple[int, ...], ...]  # the floors of the members after it, per price of `Bounds`


class Search:
    """One order's search. `run` fills `best`; `nodes` and `lower_bound_cents` describe it."""

    def __init__(self, lines: Sequence[Line], sources: Sequence[Source], limits: Limits) -> None:
        self.lines = lines
        self.sources = sources
        self.limits = limits
        self.allowance = Allowance(limits.nodes)
        self.best = quick_plan(lines, sources)
        self.coverage = Coverage(lines, sources)
        self.bundles = [self._bundles(index) for index in range(len(sources))]
        self.priced = any(any(source.unit_cents) for source in sources)
        self.unsettled_cents = IMPOSSIBLE
        # All grams at the least price per gram of a full parcel: weak, but true before any search.
        weight_g = self.coverage.short_g(0)
        self.dense_cents = min(-(-(weight_g * b.cost_cents) // b.up_to_g) for b in self._bands())
        self.by_sites: dict[frozenset[int], int] = {}
        self._note(self.best)

    @property
    def nodes(self) -> int:
        return self.limits.nodes - self.allowance.left

    @property
    def lower_bound_cents(self) -> int:
        unsettled_cents = max(self.unsettled_cents, self.dense_cents)
        return min(self.best.rank.total_cents, unsettled_cents)

    @property
    def runner_up_cents(self) -> int | None:
        """The least cost seen of a plan that uses other sites than the best."""
        chosen = frozenset(self.best.rank.sources)
        return min((c for sites, c in self.by_sites.items() if sites != chosen), default=None)

    def run(self) -> dict[int, Plan]:
        """Find the best plan; answers the best plan of each site that can ship everything alone."""
        alone: dict[int, Plan] = {}
        for index in range(len(self.sources)):
            if self.coverage.short_g(1 << index) == 0:
                alone[index] = self._alone(index)
                self._note(alone[index])
        if sum(line.quantity for line in self.lines) > 1 and len(self.sources) > 1:
            self.bounds = Bounds(self.lines, self.sources, self.bundles, self.coverage)
            self._explore((), 0, tuple(range(len(self.sources))), 0)
        return alone

    def _bands(self) -> Iterator[Band]:
        for of_site in self.bundles:
            for bundle in of_site:
                yield from bundle.bands or ()

    def _bundles(self, index: int) -> list[Bundle]:
        source = self.sources[index]
        held = [
            (line.weight_g, units)
            for line, units in zip(self.lines, source.have, strict=True)
            if units
        ]
        most_g = sum(weight_g * units for weight_g, units in held)
        most_units = sum(units for _, units in held)
        of_site = bands(source.tariffs, min(held)[0], most_g)
        known = self.best
        if self.coverage.short_g(1 << index) == 0 and not takes_all(of_site[-1], most_g):
            # A candidate's cost is told even where it is above the best plan.
            known = quick_plan(self.lines, self.sources, (index,))
        return bundles(of_site, most_g, most_units, known.rank.total_cents)

    def _note(self, found: Plan) -> None:
        sites = frozenset(found.rank.sources)
        total_cents = found.rank.total_cents
        self.by_sites[sites] = min(total_cents, self.by_sites.get(sites, total_cents))
        if found.rank < self.best.rank:
            self.best = found

    def _alone(self, source: int) -> Plan:
        """The cheapest plan from one site that has everything."""
        weight_g = self.coverage.short_g(0)
        for bundle in self.bundles[source]:
            if bundle.up_to_g < weight_g:
                continue
            if bundle.bands is None:
                self._leave(bundle.cost_cents)
                break
            found = self._fill((source,), (bundle,), bundle.cost_cents)
            if found is not None:
                return found
        return quick_plan(self.lines, self.sources, (source,))

    def _explore(
        self, members: tuple[int, ...], mask: int, undecided: tuple[int, ...], known_cents: int
    ) -> None:
        """Try all sets of sites that hold `members` and any of `undecided`.

        `known_cents` is a bound that holds for them already.
        """
        try:
            self.allowance.spend()
        except OutOfNodes:
            self._leave(known_cents)
            return
        undecided_mask = sum(1 << source for source in undecided)
        enough = MILLI * self.best.rank.total_cents
        bound_cents = self._whole_cents(
            self.bounds.of(members, mask, undecided_mask, enough), mask | undecided_mask
        )
        if not self._promising(bound_cents, len(members)):
            return
        if self.coverage.short_g(mask) == 0:
            # A site alone was settled before the search began.
            if len(members) > 1:
                self._settle(members, mask)
            branches = undecided
        else:
            branches = self._holders(mask, undecided)
        rest = undecided
        for source in branches:
            rest_mask = mask | sum(1 << other for other in rest)
            if self.coverage.short_g(rest_mask):
                break
            rest = tuple(other for other in rest if other != source)
            self._explore((*members, source), mask | 1 << source, rest, bound_cents)

    def _holders(self, mask: int, undecided: Sequence[int]) -> tuple[int, ...]:
        """The undecided holders of the uncovered line that has the fewest.

        Those first that cover most for their cost, so that a good plan is found early.
        """
        short = self.coverage.short(mask)
        choices = [
            [source for source in undecided if self.sources[source].have[line]]
            for line, units in enumerate(short)
            if units
        ]
        missing_g = self.coverage.short_g(mask)

        def cents_per_megagram(source: int) -> int:
            adds_g = missing_g - self.coverage.short_g(mask | 1 << source)
            return 1_000 * self.bounds.floor(0, source, adds_g) // adds_g

        _, fewest = min((len(holders), holders) for holders in choices)
        return tuple(sorted(fewest, key=cents_per_megagram))

    def _settle(self, members: Sequence[int], mask: int) -> None:
        """Find the best plan that uses exactly these sites, if it beats the best known."""
        ordered = tuple(sorted(members))
        bound = self.bounds.of(ordered, mask, 0, MILLI * self.best.rank.total_cents)
        if self._beats(self._whole_cents(bound, mask), ordered):
            self._choose(self._team(ordered, mask), (), 0, [(0, 0)])

    def _team(self, members: tuple[int, ...], mask: int) -> Team:
        forced_g = tuple([self.coverage.short_g(mask ^ (1 << member)) for member in members])
        later = [(0,) * len(self.bounds.prices)]
        for member, grams in zip(reversed(members), reversed(forced_g), strict=True):
            floors = (
                self.bounds.floor(price, member, grams) for price in range(len(self.bounds.prices))
            )
            later.append(tuple(map(int.__add__, later[-1], floors)))
        later.pop()
        later.reverse()
        return Team(members, mask, forced_g, tuple(later))

    def _choose(
        self, team: Team, chosen: tuple[Bundle, ...], cost_cents: int, cuts: list[Cut]
    ) -> None:
        """Try all parcels for the members after the first `len(chosen)`."""
        depth = len(chosen)
        if depth == len(team.members):
            self._try(team, chosen, cost_cents)
            return
        bit = 1 << team.members[depth]
        for bundle in self.bundles[team.members[depth]]:
            if bundle.up_to_g < team.forced_g[depth]:
                continue
            spent_cents = cost_cents + bundle.cost_cents
            if spent_cents > self.best.rank.total_cents:
                break
            try:
                self.allowance.spend()
            except OutOfNodes:
                # Later bundles cost no less, and the members still to come cost something too.
                self._leave(self._whole_cents(MILLI * spent_cents, team.mask))
                break
            # The last cut is that of all sites chosen so far.
            open_g = max(0, self.bounds.weight_g - cuts[-1][1] - bundle.up_to_g)
            bound = MILLI * spent_cents + max(
                [r * open_g + f for r, f in zip(self.bounds.prices, team.later[depth], strict=True)]
            )
            bound_cents = self._whole_cents(bound, team.mask)
            if not self._promising(bound_cents, len(team.members)):
                continue
            more = [(some | bit, room_g + bundle.up_to_g) for some, room_g in cuts]
            if any(room_g < self.coverage.short_g(team.mask ^ some) for some, room_g in more):
                continue
            self._choose(team, (*chosen, bundle), spent_cents, cuts + more)

    def _try(self, team: Team, chosen: tuple[Bundle, ...], cost_cents: int) -> None:
        bound_cents = self._whole_cents(MILLI * cost_cents, team.mask)
        if any(bundle.bands is None for bundle in chosen):
            self._leave(bound_cents)
            return
        used = tuple(
            member
            for member, bundle in zip(team.members, chosen, strict=True)
            for _ in bundle.bands or ()
        )
        if self._beats(bound_cents, used):
            found = self._fill(team.members, chosen, bound_cents)
            if found is not None:
                self._note(found)

    def _fill(
        self, members: tuple[int, ...], chosen: tuple[Bundle, ...], bound_cents: int
    ) -> Plan | None:
        """Distribute the units over the chosen parcels, or None where they do not fit."""
        boxes = [
            Box(position, band)
            for position, bundle in enumerate(chosen)
            for band in bundle.bands or ()
        ]
        if len(boxes) == 1:
            if self.coverage.short_g(0) <= boxes[0].band.over_g:
                return None
            whole = tuple(line.quantity for line in self.lines)
            return plan(self.sources, [load(self.lines, self.sources, members[0], whole)])
        try:
            self.allowance.spend(len(self.lines))
        except OutOfNodes:
            self._leave(bound_cents)
            return None
        rows = [self._row(line, members) for line in range(len(self.lines))]
        allowance = Allowance(min(self.limits.packing_nodes, self.allowance.left))
        granted = allowance.left
        try:
            packed = pack(rows, boxes, allowance)
        except OutOfNodes:
            self._leave(bound_cents)
            return None
        finally:
            self.allowance.left -= granted - allowance.left
        if packed is None:
            return None
        loads: list[Load] = []
        for position, box in enumerate(boxes):
            units = tuple(split[position] for split in packed.splits)
            if any(units):
                loads.append(load(self.lines, self.sources, members[box.site], units))
        return plan(self.sources, loads)

    def _row(self, line: int, members: Sequence[int]) -> Row:
        return Row(
            self.lines[line].weight_g,
            self.lines[line].quantity,
            tuple(self.sources[member].have[line] for member in members),
            tuple(self.sources[member].unit_cents[line] for member in members),
        )

    def _whole_cents(self, bound_milli: int, usable: int) -> int:
        """A bound in whole cents, with the least opportunity cost that `usable` sites allow."""
        bound_cents = -(-bound_milli // MILLI)
        if not self.priced:
            return bound_cents
        members = [source for source in range(len(self.sources)) if usable >> source & 1]
        sites = set(range(len(members)))
        rows = (self._row(line, members) for line in range(len(self.lines)))
        return bound_cents + sum(cheapest_units(row, sites) for row in rows)

    def _promising(self, bound_cents: int, parcels: int) -> bool:
        best = self.best.rank
        return (bound_cents, parcels) <= (best.total_cents, best.parcels)

    def _beats(self, bound_cents: int, used: tuple[int, ...]) -> bool:
        """Whether a plan at this cost with these parcels would come before the best."""
        distance_m = sum(self.sources[source].distance_m for source in used)
        return Rank(bound_cents, len(used), distance_m, used) < self.best.rank

    def _leave(self, bound_cents: int) -> None:
        self.unsettled_cents = min(self.unsettled_cents, bound_cents)
