"""Whether given units fit into given parcels, and where they are cheapest to take."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import lt
from typing import NamedTuple

from shared.placement.tariffs import Band

Room = tuple[int, ...]  # grams left per box, and then cubic millimetres left per box
Split = tuple[int, ...]  # units of one row, per box

MAX_CUT_BOXES = 9  # beyond, testing every set of boxes costs more than it saves
MAX_GROUPED_BOXES = 5
MANY_DEAD_ENDS = 6  # before, looking for sums costs more than it saves
MAX_SUM_G = 250_000  # beyond, the weights that are possible are not worth listing
MAX_DEPTH = 150  # rows with a choice, and boxes: either costs one level of recursion each


class Row(NamedTuple):
    """Units of one line; `have` and `unit_cents` per site that takes part."""

    bit: int  # of the line, as in `Band.lines`
    weight_g: int
    volume_mm3: int
    quantity: int
    have: tuple[int, ...]
    unit_cents: tuple[int, ...]  # opportunity cost of one unit


class Box(NamedTuple):
    """A parcel to be filled; `site` is the position of its site in `Row.have`."""

    site: int
    band: Band


class Packed(NamedTuple):
    """Units per row and box (`splits[row][box]`), and the sum of their opportunity costs."""

    splits: tuple[Split, ...]
    opportunity_cents: int


class OutOfNodes(Exception):
    """The allowance was spent before the question was settled."""


@dataclass(slots=True)
class Allowance:
    """How many nodes may still be looked at."""

    left: int

    def spend(self, nodes: int = 1) -> None:
        if self.left < nodes:
            raise OutOfNodes
        self.left -= nodes


def pack(rows: Sequence[Row], boxes: Sequence[Box], allowance: Allowance) -> Packed | None:
    """Put all units of `rows` into `boxes` at the least opportunity cost, or None if none fits.

    What a box holds is above its band's lower end, if it has one; a box may stay empty.

    Exact: a recursion over the rows that tries every split of a row over the boxes and remembers,
    per row and room left, the best way to go on. It stops early at a completion that costs no more
    than every unit at its cheapest site, which without opportunity costs is the first that fits.

    Raises:
        OutOfNodes: `allowance` ran out first.
    """
    forced = _forced(rows, boxes)
    room: Room = (
        *[box.band.up_to_g for box in boxes],
        *[box.band.up_to_mm3 for box in boxes],
    )
    for row, split in zip(rows, forced, strict=True):
        if any(split):
            if any(n and not box.band.lines & row.bit for n, box in zip(split, boxes, strict=True)):
                return None
            room = _fill(room, split, row)
    if min(room) < 0:
        return None
    open_rows = [_without(row, split, boxes) for row, split in zip(rows, forced, strict=True)]
    order = [index for index, row in enumerate(open_rows) if row.quantity]
    order.sort(key=lambda index: _difficulty(open_rows[index], boxes))
    if max(len(order), len(boxes)) > MAX_DEPTH:
        raise OutOfNodes
    solved = _Task([open_rows[index] for index in order], boxes, allowance).finish(0, room)
    if solved is None:
        return None
    splits = list(forced)
    for index, split in zip(order, solved.splits, strict=True):
        splits[index] = tuple(map(int.__add__, forced[index], split))
    return Packed(tuple(splits), _opportunity_cents(rows, splits, boxes))


def _forced(rows: Sequence[Row], boxes: Sequence[Box]) -> list[Split]:
    """Units that no other site has, where their site has a single box to put them in."""
    sites = [box.site for box in boxes]
    once = [sites.count(site) == 1 for site in sites]
    places = set(sites)
    splits: list[Split] = []
    for row in rows:
        free = row.quantity - sum([row.have[site] for site in places])
        splits.append(
            tuple(
                [
                    max(0, free + row.have[site]) if single else 0
                    for site, single in zip(sites, once, strict=True)
                ]
            )
        )
    return splits


def _without(row: Row, split: Split, boxes: Sequence[Box]) -> Row:
    if not any(split):
        return row
    have = list(row.have)
    for box, units in zip(boxes, split, strict=True):
        have[box.site] -= units
    return row._replace(quantity=row.quantity - sum(split), have=tuple(have))


def _opportunity_cents(rows: Sequence[Row], splits: Sequence[Split], boxes: Sequence[Box]) -> int:
    return sum(
        units * row.unit_cents[box.site]
        for row, split in zip(rows, splits, strict=True)
        for box, units in zip(boxes, split, strict=True)
    )


def _difficulty(row: Row, boxes: Sequence[Box]) -> tuple[int, int]:
    """Heavy units first: the light ones fill what gaps remain. Then those with fewer choices."""
    return -row.weight_g, sum(row.have[box.site] > 0 for box in boxes)


class _Turn(NamedTuple):
    """One row being split; `have` counts down while the boxes are gone through."""

    room: Room
    have: list[int]
    takes: list[int]  # units that each box can take at most
    later: list[int]  # and those after it together


class _Task:
    """One packing question; `finish` answers for the rows from `depth` on."""

    def __init__(self, rows: Sequence[Row], boxes: Sequence[Box], allowance: Allowance) -> None:
        self.rows = rows
        self.boxes = boxes
        self.allowance = allowance
        self.known: dict[tuple[int, Room], Packed | None] = {}
        # Grams and cubic millimetres; made at the first dead end: most tasks never see one.
        self.needs: list[tuple[list[int], list[int]]] = []
        self.dead_ends = 0
        self.groups: list[tuple[int, ...]] = []
        self.sums: list[list[int]] = []
        self.left_g = [0]
        for row in reversed(rows):
            self.left_g.append(self.left_g[-1] + row.quantity * row.weight_g)
        self.left_g.reverse()
        self.at_least = [0]  # opportunity cost of the rows from each depth on, were room no matter
        self.has_lower_ends = any(box.band.above_g for box in boxes)
        self.priced = any(any(row.unit_cents) for row in rows)
        if not self.priced:
            self.at_least *= len(rows) + 1
            return
        sites = {box.site for box in boxes}
        for row in reversed(rows):
            self.at_least.append(self.at_least[-1] + cheapest_units(row, sites))
        self.at_least.reverse()

    def finish(self, depth: int, room: Room) -> Packed | None:
        if depth == len(self.rows):
            return None if self.has_lower_ends and self._is_too_light(room) else Packed((), 0)
        if self.needs and self._is_dead_end(depth, room):
            return None
        key = (depth, room)
        if key in self.known:
            return self.known[key]
        self.allowance.spend()
        best: Packed | None = None
        row = self.rows[depth]
        for split in self._splits(self._turn(row, room), row.quantity, ()):
            cents = self._cents(row, split)
            if best is not None and cents + self.at_least[depth + 1] >= best.opportunity_cents:
                continue
            rest = self.finish(depth + 1, _fill(room, split, row))
            if rest is None:
                continue
            cents += rest.opportunity_cents
            if best is None or cents < best.opportunity_cents:
                best = Packed((split, *rest.splits), cents)
                if cents == self.at_least[depth]:
                    break
        self.known[key] = best
        if best is None and len(self.boxes) <= MAX_CUT_BOXES:
            self._learn()
        return best

    def _learn(self) -> None:
        """A dead end was met: find out what others look like, once it pays."""
        self.dead_ends += 1
        if self.dead_ends == 1:
            self.needs = self._needs()
        elif self.dead_ends == MANY_DEAD_ENDS and self.left_g[0] <= MAX_SUM_G:
            self.groups = self._groups()
            self.sums = self._sums()

    def _cents(self, row: Row, split: Split) -> int:
        """The opportunity cost of a row that is split like this."""
        if not self.priced:
            return 0
        return sum([n * row.unit_cents[box.site] for n, box in zip(split, self.boxes, strict=True)])

    def _turn(self, row: Row, room: Room) -> _Turn:
        takes: list[int] = []
        for position, box in enumerate(self.boxes):
            most = row.have[box.site] if box.band.lines & row.bit else 0
            if most:
                most = min(most, room[position] // row.weight_g)
                if row.volume_mm3:
                    most = min(most, room[len(self.boxes) + position] // row.volume_mm3)
            takes.append(most)
        later = [0]
        for most in reversed(takes[1:]):
            later.append(later[-1] + most)
        later.reverse()
        return _Turn(room, list(row.have), takes, later)

    def _is_too_light(self, room: Room) -> bool:
        """Whether a box has something, and too little for the price of its band."""
        for position, (_, band) in enumerate(self.boxes):
            weight_g = band.up_to_g - room[position]
            volume_mm3 = band.up_to_mm3 - room[len(self.boxes) + position]
            if weight_g and not band.is_reached(weight_g, volume_mm3):
                return True
        return False

    def _is_dead_end(self, depth: int, room: Room) -> bool:
        needs_g, needs_mm3 = self.needs[depth]
        count = len(self.boxes)
        return (
            any(map(lt, subset_sums(room[:count]), needs_g))
            or any(map(lt, subset_sums(room[count:]), needs_mm3))
            or (bool(self.sums) and self._is_out_of_reach(depth, room))
        )

    def _is_out_of_reach(self, depth: int, room: Room) -> bool:
        """Whether some boxes cannot be filled so far that the others have room for the rest."""
        spare_g = sum(room[: len(self.boxes)]) - self.left_g[depth]
        window = (1 << spare_g + 1) - 1
        for some, reached in zip(self.groups, self.sums[depth], strict=True):
            least_g = sum([room[position] for position in some]) - spare_g
            if not (reached >> least_g if least_g > 0 else reached) & window:
                return True
        return False

    def _groups(self) -> list[tuple[int, ...]]:
        """Boxes that are looked at together: each, and of a few boxes any that are half of them.

        What holds for some boxes holds for all the others as well.
        """
        boxes = range(len(self.boxes))
        largest = len(boxes) // 2 if len(boxes) <= MAX_GROUPED_BOXES else 1
        return [some for n in range(1, largest + 1) for some in itertools.combinations(boxes, n)]

    def _sums(self) -> list[list[int]]:
        """For each depth and group, as bits, what units of the rows from there on can weigh in it.

        Where little room is to be left over, few of the weights that a group would have to
        get are among them. Source: Bellman's recursion for the knapsack, a machine word at a time.
        """
        sums = [[1] * len(self.groups)]
        sites = [box.site for box in self.boxes]
        insides = [{sites[position] for position in some} for some in self.groups]
        outsides = [
            {site for position, site in enumerate(sites) if position not in some}
            for some in self.groups
        ]
        for row in reversed(self.rows):
            have = {box.site: row.have[box.site] for box in self.boxes if box.band.lines & row.bit}
            longer = []
            for reached, inside, outside in zip(sums[-1], insides, outsides, strict=True):
                most = sum([have.get(site, 0) for site in inside])
                least = max(0, row.quantity - sum([have.get(site, 0) for site in outside]))
                found = 0
                for units in range(least, min(most, row.quantity) + 1):
                    found |= reached << units * row.weight_g
                longer.append(found)
            sums.append(longer)
        sums.reverse()
        return sums

    def _needs(self) -> list[tuple[list[int], list[int]]]:
        """For each depth and set of boxes, the weight and the volume that fit into no other box.

        A set with less room than that is a dead end. By max-flow and min-cut, what passes for every
        set would fit if units could be cut, so only whole units make the search go back from there.
        """
        nothing = [0] * (1 << len(self.boxes))
        needs = [(nothing, nothing)]
        for row in reversed(self.rows):
            have = [row.have[box.site] if box.band.lines & row.bit else 0 for box in self.boxes]
            stuck = [max(0, row.quantity - others) for others in reversed(subset_sums(have))]
            needs_g, needs_mm3 = needs[-1]
            needs.append(
                (
                    [n + row.weight_g * units for n, units in zip(needs_g, stuck, strict=True)],
                    [n + row.volume_mm3 * units for n, units in zip(needs_mm3, stuck, strict=True)],
                )
            )
        needs.reverse()
        return needs

    def _splits(self, turn: _Turn, units: int, chosen: Split) -> Iterator[Split]:
        """Every way to put `units` more of a row into the boxes after `chosen`, fullest first.

        Of two equal boxes of one site that are equally full, the later never gets more.
        """
        index = len(chosen)
        box = self.boxes[index]
        most = min(units, turn.have[box.site], turn.takes[index])
        if index and self.boxes[index - 1] == box and self._as_full(turn.room, index):
            most = min(most, chosen[-1])
        if index == len(self.boxes) - 1:
            if units <= most:
                yield (*chosen, units)
            return
        for count in range(most, max(0, units - turn.later[index]) - 1, -1):
            self.allowance.spend()
            turn.have[box.site] -= count
            yield from self._splits(turn, units - count, (*chosen, count))
            turn.have[box.site] += count

    def _as_full(self, room: Room, index: int) -> bool:
        """Whether this box has the same room left as the one before."""
        other = len(self.boxes) + index
        return room[index - 1] == room[index] and room[other - 1] == room[other]


def _fill(room: Room, split: Split, row: Row) -> Room:
    grams, volume = row.weight_g, row.volume_mm3
    filled = (*[n * grams for n in split], *[n * volume for n in split])
    return tuple(map(int.__sub__, room, filled))


def subset_sums(parts: Sequence[int]) -> list[int]:
    """The sum of every subset; bit i of a position says whether `parts[i]` is in."""
    sums = [0]
    for part in parts:
        sums += [total + part for total in sums]
    return sums


def cheapest_units(row: Row, sites: set[int]) -> int:
    """The opportunity cost of the row's units, each taken where it is cheapest."""
    cents, units = 0, row.quantity
    for unit_cents, have in sorted((row.unit_cents[site], row.have[site]) for site in sites):
        taken = min(units, have)
        cents += taken * unit_cents
        units -= taken
    return cents
