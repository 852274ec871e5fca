"""The cheapest plan, by branch and bound over the sets of sites that are used.

Three questions are nested. Which sites are used: a line that is still uncovered must open one of
its holders, so these are tried one after the other, each time without those tried before; when all
is covered, further sites are tried as well, since lighter parcels may be worth one more. Which
parcels each used site sends (`Bundle`): cut as soon as some of the sites cannot carry what only
they have, and bounded by the cheapest parcels for what the others must (`teams`). Whether the units
fit: `packing.pack`. The first two go on from what has the lowest bound
(Hart, Nilsson and Raphael, IEEE Transactions on Systems Science and Cybernetics 4, 1968), so that
little is looked at that a better plan would have ruled out.

Every cheapest plan is such a triple, no triple is tried twice, and one is left out only when its
lower bound (`bounds`) is above the best plan, or equal to it and later in the chain of `Rank`. So
the plan found last is the cheapest; when nodes run out, the least bound of what was left open is
kept and stays a true lower bound.
"""

import itertools
from collections.abc import Iterator, Sequence
from heapq import heappop, heappush
from operator import attrgetter
from typing import NamedTuple

from shared.placement.bounds import Bounds, Coverage, positions
from shared.placement.bundles import Bundle, bundles
from shared.placement.packing import Allowance, Box, OutOfNodes, Packed, Row, cheapest_units, pack
from shared.placement.plans import FINE, Plan, Problem, Rank, quick_plan
from shared.placement.tariffs import IMPOSSIBLE, Band, contents
from shared.placement.teams import Team, Teams
from shared.placement.types import Limits

Cut = tuple[int, int]  # some of the sites, as bits, and the size their parcels can take

STEPS_A_NODE = 4  # of packing; one takes a quarter of the time

NO_PLAN = Plan(Rank(IMPOSSIBLE, 0, 0, ()), 0, ())


class Sites(NamedTuple):
    """All sets of sites that hold `members` and any of `undecided`."""

    bound_cents: int
    missing: int  # the size that the members do not have
    turn: int  # what was thought of before goes first
    members: tuple[int, ...]
    mask: int  # the members as bits
    undecided: int  # as bits, too
    team: Team | None = None  # the one set of just these members, whose parcels are to be chosen


class Choice(NamedTuple):
    """Bundles of the first members of a team, in the order in which they are tried."""

    bound_cents: int
    open_members: int
    turn: int  # what was thought of before goes first
    bundles: tuple[Bundle, ...]
    cost_cents: int
    cuts: list[Cut]


class Doubt(NamedTuple):
    """Parcels of which it is not known whether the units fit into them."""

    bound_cents: int
    members: tuple[int, ...]
    chosen: tuple[Bundle, ...]


class Search:
    """One order's search. `explore` fills `best`; `nodes` and `lower_bound_cents` describe it.

    `known` are plans that were found without it; the search begins with the best of them.
    `asked` are the sources that have everything and whose best plan `alone` will be asked for.
    """

    def __init__(
        self, problem: Problem, limits: Limits, known: Sequence[Plan], asked: Sequence[int]
    ) -> None:
        self.problem = problem
        self.limits = limits
        self.allowance = Allowance(limits.nodes)
        self.best = NO_PLAN
        self.coverage = Coverage(problem)
        self.unsettled_cents = IMPOSSIBLE
        self.doubtful: list[Doubt] = []
        self.turns = itertools.count()
        self.by_sites: dict[frozenset[int], int] = {}
        for plan in known:
            self._note(plan)
        quick = quick_plan(problem)
        if quick is not None:
            self._note(quick)
        self.bundles = [
            self._bundles(index, asked=index in asked) for index in range(len(problem.sources))
        ]
        # All of the size at the least price of a full parcel: weak, but true before any search.
        size = self.coverage.short_size(0)
        self.dense_cents = min(
            -(-(size * band.cost_cents) // problem.room(band))
            for of_site in problem.bands
            for band in of_site
        )

    @property
    def nodes(self) -> int:
        return self.limits.nodes - self.allowance.left

    @property
    def lower_bound_cents(self) -> int:
        unsettled_cents = max(self.unsettled_cents, self.dense_cents)
        return min(self.best.rank.total_cents, unsettled_cents)

    @property
    def second(self) -> tuple[tuple[int, ...], int] | None:
        """The best plan seen that uses other sites than the best: these, and its cost."""
        chosen = frozenset(self.best.rank.sources)
        others = [
            (cents, tuple(sorted(sites)))
            for sites, cents in self.by_sites.items()
            if sites != chosen
        ]
        if not others:
            return None
        cents, sites = min(others)
        return sites, cents

    def explore(self) -> None:
        """Find the best plan of all, trying first the sites that may come cheapest."""
        self.bounds = Bounds(self.problem, self.bundles, self.coverage, self.best.rank.total_cents)
        self.teams = Teams(self.problem, self.bundles, self.coverage, self.allowance)
        self._look()
        # What was too hard to pack is asked again, now that it is known whether it matters.
        self.doubtful.sort(key=attrgetter("bound_cents"))
        for number, doubt in enumerate(self.doubtful):
            if doubt.bound_cents <= self.best.rank.total_cents:
                left = self.allowance.left * STEPS_A_NODE
                share = left // (len(self.doubtful) - number)
                try:
                    self._note_if(self._fill(doubt.members, doubt.chosen, share))
                except OutOfNodes:
                    self._leave(doubt.bound_cents)

    def _look(self) -> None:
        """Go through the sets of sites and their parcels."""
        queue = [Sites(0, 0, 0, (), 0, (1 << len(self.problem.sources)) - 1)]
        while queue:
            sites = heappop(queue)
            if sites.bound_cents > self.best.rank.total_cents:
                return
            if sites.team is not None:
                self._choose(sites.team, sites.bound_cents)
                continue
            # A site alone was settled before the search began.
            if len(sites.members) > 1 and not self.coverage.short_size(sites.mask):
                for just in self._just(sites):
                    heappush(queue, just)
            for members, mask, undecided in self._branches(sites):
                try:
                    self.allowance.spend()
                except OutOfNodes:
                    # What still waits costs as much at least.
                    self._leave(sites.bound_cents)
                    return
                enough = FINE * self.best.rank.total_cents
                bound = self.bounds.of(members, mask, undecided, enough)
                bound_cents = self._whole_cents(bound, mask | undecided)
                if self._promising(bound_cents, len(members)):
                    missing = self.coverage.short_size(mask)
                    turn = next(self.turns)
                    heappush(queue, Sites(bound_cents, missing, turn, members, mask, undecided))

    def alone(self, source: int) -> Plan | None:
        """The cheapest plan from one site that has everything, or None if it may send too few."""
        whole = self.problem.contents
        every_line = (1 << len(self.problem.lines)) - 1
        for bundle in self.bundles[source]:
            if (
                bundle.up_to_g < whole.weight_g
                or bundle.up_to_mm3 < whole.volume_mm3
                or bundle.lines != every_line
            ):
                continue
            if bundle.bands is None:
                self._leave(bundle.cost_cents)
                break
            try:
                found = self._fill((source,), (bundle,), self.limits.packing_steps)
            except OutOfNodes:
                self._leave(bundle.cost_cents)
                continue
            if found is not None:
                self._note(found)
                return found
        return self._note_if(quick_plan(self.problem, (source,)))

    def _bundles(self, index: int, *, asked: bool) -> list[Bundle]:
        source = self.problem.sources[index]
        of_site = self.problem.bands[index]
        held = contents(self.problem.lines, source.have)
        lines = sum([1 << line for line, units in enumerate(source.have) if units])
        everything = Band(held.weight_g, held.volume_mm3, lines, 0)
        known = self.best
        if asked:
            # What it costs alone is told even where that is above the best plan.
            known = self.problem.whole(index) or quick_plan(self.problem, (index,)) or NO_PLAN
        return bundles(of_site, everything, source.left, known.rank.total_cents)

    def _note_if(self, found: Plan | None) -> Plan | None:
        if found is not None:
            self._note(found)
        return found

    def _note(self, found: Plan) -> None:
        sites = frozenset(found.rank.sources)
        total_cents = found.rank.total_cents
        self.by_sites[sites] = min(total_cents, self.by_sites.get(sites, total_cents))
        if found.rank < self.best.rank:
            self.best = found

    def _branches(self, sites: Sites) -> Iterator[tuple[tuple[int, ...], int, int]]:
        """Members, these as bits, and undecided sites of sets with one site more.

        Together they are all that these sites may become.
        """
        if self.coverage.short_size(sites.mask):
            branches = self._holders(sites.mask, sites.undecided)
        else:
            least = self.bounds.least[0]
            branches = sorted(positions(sites.undecided), key=least.__getitem__, reverse=True)
        rest = sites.undecided
        for source in branches:
            if min(self.coverage.spare(sites.mask | rest)) < 0:
                return
            rest ^= 1 << source
            yield (*sites.members, source), sites.mask | 1 << source, rest

    def _holders(self, mask: int, undecided: int) -> list[int]:
        """The undecided holders of the uncovered line that has the fewest, of these the largest.

        The dearest first: each is tried without those before it, so the cheap ones, which promise
        most, are tried with the least that is still undecided.
        """
        short = self.coverage.short(mask)
        sizes = self.problem.sizes
        _, _, holders = min(
            [
                ((held & undecided).bit_count(), -short[line] * sizes[line], held & undecided)
                for line, held in self.bounds.scarce_first
                if short[line]
            ]
        )
        return sorted(positions(holders), key=self.bounds.least[0].__getitem__, reverse=True)

    def _just(self, sites: Sites) -> Iterator[Sites]:
        """The one set of just these members, if it can beat the best known."""
        members, mask = tuple(sorted(sites.members)), sites.mask
        bound = self.bounds.of(members, mask, 0, FINE * self.best.rank.total_cents)
        if not self._beats(self._whole_cents(bound, mask), members):
            return
        opportunity_cents = self._opportunity_cents(mask)
        spare_cents = self.best.rank.total_cents - opportunity_cents
        known_cents = max(self._whole_cents(bound, mask), sites.bound_cents)
        try:
            team = self.teams.team(members, mask, spare_cents)
        except OutOfNodes:
            # Whatever comes after it would be begun and not ended as well.
            self.allowance.left = 0
            self._leave(known_cents)
            return
        if team is not None:
            bound_cents = team.rest[0].cents(self.teams.size) + opportunity_cents
            bound_cents = max(bound_cents, sites.bound_cents)
            yield Sites(bound_cents, 0, next(self.turns), members, mask, 0, team)

    def _choose(self, team: Team, bound_cents: int) -> None:
        """Try all parcels for the members, those first that may come cheapest.

        So the first that hold the units are the best of this team, and all that is tried before
        had to be tried.
        """
        opportunity_cents = self._opportunity_cents(team.mask)
        queue = [Choice(bound_cents, len(team.members), 0, (), 0, [(0, 0)])]
        while queue:
            choice = heappop(queue)
            if choice.bound_cents > self.best.rank.total_cents:
                return
            if not choice.open_members:
                self._try(team, choice.bundles, choice.cost_cents)
                continue
            for longer in self._longer(team, choice, opportunity_cents):
                try:
                    self.allowance.spend()
                except OutOfNodes:
                    # What still waits is bound to cost as much at least.
                    self._leave(choice.bound_cents)
                    return
                heappush(queue, longer)

    def _longer(self, team: Team, choice: Choice, opportunity_cents: int) -> Iterator[Choice]:
        """The choice with each bundle of the next member that is worth trying."""
        depth = len(choice.bundles)
        bit = 1 << team.members[depth]
        rest = team.rest[depth + 1]
        still_open = team.open_masks[depth + 1]
        # Of some of the sites chosen so far: what these, the next one and those open must send, and
        # what these and those open must.
        with_it = [(self._must(team, some | bit | still_open), room) for some, room in choice.cuts]
        without = [self._must(team, some | still_open) - room for some, room in choice.cuts]
        least = max(without)
        musts = [(self._must(team, some | bit), room) for some, room in choice.cuts]
        for bundle in self.bundles[team.members[depth]]:
            up_to = self.problem.room(bundle)
            if up_to < team.forced[depth] or team.forced_lines[depth] & ~bundle.lines:
                continue
            cost_cents = choice.cost_cents + bundle.cost_cents
            if cost_cents + rest.costs_cents[0] + opportunity_cents > self.best.rank.total_cents:
                return
            if any(room + up_to < must for must, room in musts):
                continue
            missing = max(least, max([must - room for must, room in with_it]) - up_to)
            bound_cents = cost_cents + rest.cents(missing) + opportunity_cents
            if not self._promising(bound_cents, len(team.members)):
                continue
            more = [(some | bit, room + up_to) for some, room in choice.cuts]
            chosen = (*choice.bundles, bundle)
            open_members = choice.open_members - 1
            cuts = choice.cuts + more
            yield Choice(bound_cents, open_members, next(self.turns), chosen, cost_cents, cuts)

    def _must(self, team: Team, some: int) -> int:
        """The size that only these members of a team have."""
        return self.coverage.short_size(team.mask ^ some)

    def _try(self, team: Team, chosen: tuple[Bundle, ...], cost_cents: int) -> None:
        bound_cents = cost_cents + self._opportunity_cents(team.mask)
        if any(bundle.bands is None for bundle in chosen):
            self._leave(bound_cents)
            return
        used = tuple(
            member
            for member, bundle in zip(team.members, chosen, strict=True)
            for _ in bundle.bands or ()
        )
        if self._beats(bound_cents, used):
            try:
                self._note_if(self._fill(team.members, chosen, self.limits.packing_steps))
            except OutOfNodes:
                self.doubtful.append(Doubt(bound_cents, team.members, chosen))

    def _fill(
        self, members: tuple[int, ...], chosen: tuple[Bundle, ...], most_steps: int
    ) -> Plan | None:
        """Distribute the units over the chosen parcels, or None where they do not fit.

        Raises:
            OutOfNodes: it was not found out whether they do with so many steps.
        """
        boxes = [
            Box(position, band)
            for position, bundle in enumerate(chosen)
            for band in bundle.bands or ()
        ]
        if len(boxes) == 1:
            whole = self.problem.contents
            is_reached = boxes[0].band.is_reached(whole.weight_g, whole.volume_mm3)
            return self.problem.whole(members[0]) if is_reached else None
        packed = self._pack(members, boxes, most_steps)
        if packed is None:
            return None
        loads = []
        for position, box in enumerate(boxes):
            units = tuple([split[position] for split in packed.splits])
            if any(units):
                loads.append(self.problem.load(members[box.site], units, box.band.departure))
        return self.problem.plan(loads)

    def _pack(self, members: Sequence[int], boxes: Sequence[Box], most_steps: int) -> Packed | None:
        self.allowance.spend(len(self.problem.lines))
        steps = Allowance(min(most_steps, self.allowance.left * STEPS_A_NODE))
        granted = steps.left
        try:
            return pack(self._rows(members), boxes, steps)
        finally:
            self.allowance.left -= -(-(granted - steps.left) // STEPS_A_NODE)

    def _rows(self, members: Sequence[int]) -> list[Row]:
        """The lines as `pack` sees them, with the stock of these sites."""
        sources = [self.problem.sources[member] for member in members]
        return [
            Row(
                1 << index,
                line.weight_g,
                line.volume_mm3,
                line.quantity,
                tuple([source.have[index] for source in sources]),
                tuple([source.unit_cents[index] for source in sources]),
            )
            for index, line in enumerate(self.problem.lines)
        ]

    def _whole_cents(self, bound_fine: int, usable: int) -> int:
        """A bound in whole cents, with the least opportunity cost that `usable` sites allow."""
        if bound_fine >= IMPOSSIBLE:
            return IMPOSSIBLE
        return -(-bound_fine // FINE) + self._opportunity_cents(usable)

    def _opportunity_cents(self, usable: int) -> int:
        """The least opportunity cost that these sites allow."""
        if not self.problem.priced:
            return 0
        members = [s for s in range(len(self.problem.sources)) if usable >> s & 1]
        sites = set(range(len(members)))
        return sum([cheapest_units(row, sites) for row in self._rows(members)])

    def _promising(self, bound_cents: int, parcels: int) -> bool:
        best = self.best.rank
        return (bound_cents, parcels) <= (best.total_cents, best.parcels)

    def _beats(self, bound_cents: int, used: tuple[int, ...]) -> bool:
        """Whether a plan at this cost with these parcels would come before the best."""
        distance_m = sum(self.problem.sources[source].distance_m for source in used)
        return Rank(bound_cents, len(used), distance_m, used) < self.best.rank

    def _leave(self, bound_cents: int) -> None:
        self.unsettled_cents = min(self.unsettled_cents, bound_cents)
