"""How the units of a balance lie in its partitions. Pure.

The **pool** are the rows that everybody may be promised from, 0 to N - 1; an **allotment** are
rows of one sale, numbered from 64 on. A row that is no longer of either is **shut**: it keeps what
it has promised until that leaves, and its free units are laid into the pool. All functions take
every row of one (SKU, warehouse), by number, and laying units anew neither makes nor loses any.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import count

from shared.stock.types import SHUT, Change, Key, Level, together

MOST_PARTITIONS = 64  # of the pool, and of an allotment
FIRST_ALLOTTED = MOST_PARTITIONS  # so that the pool can grow whatever is allotted


def poured(heights: Sequence[int], units: int) -> list[int]:
    """What each place gets of `units`, like water: the lowest are filled up to one height.

    Complexity: O(n log n). Of places that are level the first get what cannot be divided.

    >>> poured([0, 5, 1], 5)
    [3, 0, 2]
    """
    lowest = sorted(range(len(heights)), key=lambda place: heights[place])
    given = [0] * len(heights)
    total = units + sum(heights)
    while lowest:
        level, extra = divmod(total, len(lowest))
        if level >= heights[lowest[-1]]:
            break
        total -= heights[lowest.pop()]
    for position, place in enumerate(sorted(lowest)):
        given[place] = level + (position < extra) - heights[place]
    return given


def drained(heights: Sequence[int], units: int) -> list[int]:
    """What is taken from each place: the highest are brought down to one height.

    >>> drained([4, 0, 2], 3)
    [3, 0, 0]
    """
    return poured([-height for height in heights], units)


def added(levels: Sequence[Level], units: int) -> list[tuple[Key, int]]:
    """Where units go that come: to those open rows of the pool that can promise least."""
    places = _receiving(levels)
    given = poured([level.free - level.safety for level in places], units)
    return [(level.key, n) for level, n in zip(places, given, strict=True) if n]


def fullest(levels: Sequence[Level]) -> Key:
    """The row that can promise most, where units are to lie together."""
    return max(_receiving(levels), key=lambda level: (level.available, -level.partition)).key


def difference(levels: Sequence[Level], units: int) -> tuple[Change, ...]:
    """How a balance grows or shrinks by `units` so that every row keeps what it has promised.

    What is missing is taken first where nothing is promised from, then of what can be promised,
    then of the safety, and last of what sales have for themselves.

    Raises:
        ValueError: more is to be taken than is free.
    """
    lacking = {level.key: -level.free for level in levels if level.free < 0}
    left = units - sum(lacking.values())
    more = added(levels, left) if left > 0 else ((key, -n) for key, n in _taken(levels, -left))
    return together(Change(key, on_hand=n) for key, n in (*lacking.items(), *more))


def spread(levels: Sequence[Level], into: int) -> list[Level]:
    """The pool over `into` rows, its free units and its safety dealt evenly."""
    first, known = levels[0], {level.partition: level for level in _pool(levels)}
    rows = {n: known.get(n) or _new(first, n) for n in {*known, *range(into)}}
    free = sum(level.free for level in rows.values())
    safety = sum(level.safety for level in rows.values())
    frees, safeties = poured([0] * into, free), poured([0] * into, safety)
    return [
        row._replace(
            on_hand=row.promised + (frees[number] if number < into else 0),
            safety=safeties[number] if number < into else 0,
            spread_from=0,
            spread=into,
            fenced_for=None if number < into else SHUT,
        )
        for number, row in sorted(rows.items())
    ] + [level for level in levels if level.allotment is not None]


def with_allotment(levels: Sequence[Level], sale: str, units: int, into: int) -> list[Level]:
    """The rows once `units` that can be promised are the sale's alone, over `into` rows.

    Where the sale has units already these are more of them, in the same rows.

    Raises:
        ValueError: fewer can be promised.
    """
    rows = {level.key: level for level in levels}
    given = _open_pool(levels)
    if units > sum(level.available for level in given):
        raise ValueError("more is to be allotted than can be promised")
    for level, n in zip(given, drained([g.available for g in given], units), strict=True):
        rows[level.key] = level._replace(on_hand=level.on_hand - n)
    own = [level for level in levels if level.allotment == sale] or _fresh(levels, sale, into)
    for level, n in zip(own, poured([o.free for o in own], units), strict=True):
        rows[level.key] = level._replace(on_hand=level.on_hand + n)
    return [rows[key] for key in sorted(rows)]


def without_allotment(levels: Sequence[Level], sale: str) -> list[Level]:
    """The rows once the sale has none of its own: what was left is in the pool."""
    first = levels[0]
    ended = [
        level._replace(
            allotment=None,
            safety=0,
            spread_from=first.spread_from,
            spread=first.spread,
            fenced_for=level.fenced_for or SHUT,
        )
        if level.allotment == sale
        else level
        for level in levels
    ]
    return emptied(ended)


def emptied(levels: Sequence[Level]) -> list[Level]:
    """The rows once what is free in those that are shut is in the pool."""
    rows = {level.key: level for level in levels}
    if not _open_pool(levels):
        return list(levels)
    behind = {level.key: level.free for level in levels if _is_left_behind(level)}
    for key, n in behind.items():
        rows[key] = rows[key]._replace(on_hand=rows[key].on_hand - n)
    for key, n in added(levels, sum(behind.values())):
        rows[key] = rows[key]._replace(on_hand=rows[key].on_hand + n)
    return [rows[key] for key in sorted(rows)]


def with_safety(levels: Sequence[Level], units: int) -> list[Level]:
    """The rows with `units` in all that are not to be promised from the pool.

    Every unit above what is free is kept back too, of what will come.
    """
    pool = _open_pool(levels) or _pool(levels)[:1]
    frees = [max(0, level.free) for level in pool]
    from_free = min(units, sum(frees))
    kept = drained(frees, from_free)
    beyond = poured([0] * len(pool), units - from_free)
    safeties = {level.key: a + b for level, a, b in zip(pool, kept, beyond, strict=True)}
    return [
        level._replace(safety=safeties.get(level.key, 0)) if level.allotment is None else level
        for level in levels
    ]


def _pool(levels: Iterable[Level]) -> list[Level]:
    """The rows of the pool, those that are shut too."""
    return [level for level in levels if level.allotment is None]


def _open_pool(levels: Iterable[Level]) -> list[Level]:
    return [level for level in _pool(levels) if level.fenced_for is None]


def _receiving(levels: Sequence[Level]) -> list[Level]:
    """Where units can go: if every row is fenced off, to the first one."""
    return _open_pool(levels) or list(levels[:1])


def _taken(levels: Sequence[Level], units: int) -> Iterator[tuple[Key, int]]:
    pool = _open_pool(levels)
    stages = (
        [(level.key, level.free) for level in levels if level.fenced_for],
        [(level.key, level.available) for level in pool],
        [(level.key, level.free - level.available) for level in pool],
        [(lv.key, lv.free) for lv in levels if lv.allotment is not None and not lv.fenced_for],
    )
    taken: dict[Key, int] = {}
    for stage in stages:
        there = [(key, n) for key, n in stage if n > 0]
        share = min(units, sum(n for _, n in there))
        for (key, _), n in zip(there, drained([n for _, n in there], share), strict=True):
            taken[key] = taken.get(key, 0) + n
        units -= share
    if units:
        raise ValueError(f"{units} more are to be taken than are free")
    yield from ((key, n) for key, n in taken.items() if n)


def _is_left_behind(level: Level) -> bool:
    return level.fenced_for == SHUT and level.free > 0


def _fresh(levels: Sequence[Level], sale: str, into: int) -> list[Level]:
    """Rows for an allotment: the first that are new, or shut and empty, side by side."""
    known = {level.partition: level for level in levels}

    def usable(number: int) -> bool:
        level = known.get(number)
        return level is None or (level.fenced_for == SHUT and not (level.on_hand or level.promised))

    start = next(
        first
        for first in count(FIRST_ALLOTTED)
        if all(usable(number) for number in range(first, first + into))
    )
    return [
        (known.get(number) or _new(levels[0], number))._replace(
            allotment=sale,
            fenced_for=None,
            spread_from=start,
            spread=into,
        )
        for number in range(start, start + into)
    ]


def _new(like: Level, partition: int) -> Level:
    return Level(like.sku, like.warehouse, 0, 0, 0, partition=partition)
