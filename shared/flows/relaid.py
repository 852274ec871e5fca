"""What becomes of an order's units and parcels when its lines are replaced. Pure."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

from shared.flows.left_out import taken_out
from shared.kit.errors import WrongField
from shared.orders.types import Line, TooLateToChange
from shared.shipments.types import Content, Parcel, ParcelState

Contents = Mapping[str, Sequence[Content]]  # parcel id -> what is in it


class Relaid(NamedTuple):
    """An order's new lines, with where their units stand, and the parcels that are taken back."""

    lines: tuple[Line, ...]
    taken_back: frozenset[str]

    @property
    def keeps(self) -> Counter[str]:
        """SKU -> units without a parcel that the order had, or was promised, and still wants."""
        return _units(self.lines, lambda line: line.secured - line.allocated)

    @property
    def wants(self) -> Counter[str]:
        """SKU -> units without a parcel that the order wants."""
        return _units(self.lines, lambda line: line.open)

    @property
    def is_sent(self) -> bool:
        """Whether anything of it stays in a parcel."""
        return any(line.allocated for line in self.lines)

    @property
    def is_open(self) -> bool:
        """Whether anything of it has no parcel yet."""
        return any(line.open for line in self.lines)

    @property
    def waits(self) -> bool:
        """Whether anything of it waits for stock already."""
        return any(line.backordered for line in self.lines)


def relaid(
    old: Sequence[Line], new: Sequence[Line], parcels: Sequence[Parcel], contents: Contents
) -> Relaid:
    """Replace the lines of an order, of which as much as possible stays as it is.

    What is picked goes its way. Where more is wanted than before, all other parcels are taken back,
    so that it can be sent together with them; where not, those are that lose something. A line that
    keeps its number and its SKU is the same line, and a kit stays what it was. What was promised of
    a SKU stays promised, and so does its place among those who wait, as far as it is wanted still.

    Args:
        old: the lines as they are.
        new: what is to be, in the order in which it was said.
        parcels: all of the order.
        contents: what is in those that are not cancelled.

    Raises:
        TooLateToChange: names each line that would lose what is picked, or says that all is.
    """
    live = {p.parcel_id for p in parcels if p.state is not ParcelState.CANCELLED}
    sent = _with_torn(old, contents, {p.parcel_id for p in parcels if p.is_picked}, live)
    loose = live - sent
    known = {line.line_no: line for line in old}
    lines = [_same(line, known.get(line.line_no)) for line in new]
    picked = _units_in(old, contents, sent)
    _check_picked(old, lines, picked, sent)
    wanted, before = (_units(of, lambda n: n.quantity - n.cancelled) for of in (lines, old))
    wants_more = bool(wanted - before)
    if wants_more and not loose and not any(line.open for line in old):
        raise TooLateToChange(
            "lines: all of the order is picked already, so nothing can be added to it; submit"
            " another one",
            field="lines",
            parcel_id=min(sent, default=None),
        )
    stays = {n.line_no for n in lines if n.quantity >= _allocated(known.get(n.line_no), n)}
    lose = {line.line_no for line in old} - stays
    taken = {
        parcel_id
        for parcel_id in loose
        if wants_more or any(item.line_no in lose for item in contents[parcel_id])
    }
    taken = _with_torn(old, contents, taken, loose)
    left = _units_in(old, contents, live - taken)
    return Relaid(_standing(old, lines, left), frozenset(taken))


def _same(line: Line, before: Line | None) -> Line:
    """The line, as the kit that it was when it was ordered."""
    if before is None or before.sku != line.sku:
        return line
    return line._replace(kit=before.kit)


def _allocated(before: Line | None, line: Line) -> int:
    """Units of the line that have parcels, where it is the same line."""
    if before is None:
        return 0
    return before.allocated if before.sku == line.sku else line.quantity + 1


def _units(lines: Sequence[Line], units: Callable[[Line], int]) -> Counter[str]:
    """SKU -> so many units of each line, those of kits as their components."""
    found = Counter[str]()
    for line in lines:
        for sku, each in line.each.items():
            found[sku] += each * units(line)
    return found


def _units_in(lines: Sequence[Line], contents: Contents, among: Collection[str]) -> Counter[int]:
    """Line number -> units of it in these parcels; of a kit, those of which all is there."""
    taken, _ = taken_out(lines, chain.from_iterable(contents[name] for name in among))
    return Counter({line.line_no: units for line, units in taken})


def _with_torn(
    lines: Sequence[Line], contents: Contents, among: Collection[str], of: Collection[str]
) -> set[str]:
    """These parcels, and those of `of` without which kits that lie in them in part are torn."""
    found = set(among)
    while True:
        _, torn = taken_out(lines, chain.from_iterable(contents[name] for name in found))
        apart = {line.line_no for line in torn}
        more = {
            name
            for name in of
            if name not in found and any(item.line_no in apart for item in contents[name])
        }
        if not more:
            return found
        found |= more


def _check_picked(
    old: Sequence[Line], lines: Sequence[Line], picked: Counter[int], sent: Collection[str]
) -> None:
    at = {line.line_no: (position, line) for position, line in enumerate(lines)}
    wrong = []
    for line in old:
        units = picked[line.line_no]
        position, new = at.get(line.line_no, (None, None))
        if not units or (new is not None and new.sku == line.sku and new.quantity >= units):
            continue
        where = "lines" if position is None else f"lines.{position}"
        reason = (
            f"{units} of {line.sku} (line {line.line_no}) are picked already; leave them in it, or"
            " cancel the order to have it sent back"
        )
        wrong.append(WrongField(where, reason))
    if wrong:
        raise TooLateToChange.naming(wrong, parcel_id=min(sent))


def _standing(old: Sequence[Line], lines: Sequence[Line], left: Counter[int]) -> tuple[Line, ...]:
    """The new lines with what stays of them in parcels, and of what was promised before."""
    had, waited, secured = Counter[str](), Counter[str](), Counter[str]()
    for line in old:
        had[line.sku] += line.allocated
        waited[line.sku] += line.backordered
        secured[line.sku] += line.secured
    for line in lines:  # what it has it may have first; what it waited for is what is beyond that
        had[line.sku] -= line.quantity
        secured[line.sku] -= left[line.line_no]
    for sku, beyond in had.items():
        waited[sku] = max(0, min(waited[sku], -beyond))
    made = []
    for line in lines:
        allocated = left[line.line_no]
        more = min(line.quantity - allocated, secured[line.sku])
        secured[line.sku] -= more
        backordered = min(more, waited[line.sku])
        waited[line.sku] -= backordered
        made.append(
            line._replace(
                allocated=allocated, backordered=backordered, was_secured=allocated + more
            )
        )
    return _with_parts(old, made)


def _with_parts(old: Sequence[Line], lines: Sequence[Line]) -> tuple[Line, ...]:
    """What the order had as another SKU is secured too: of a kit, what is in it."""
    there = _units(old, lambda line: line.secured - line.backordered)
    there -= _units(lines, lambda line: line.secured)
    made = []
    for line in lines:
        most = min(there[sku] // each for sku, each in line.each.items())
        more = min(line.quantity - line.secured, most)
        for sku, each in line.each.items():
            there[sku] -= each * more
        made.append(line._replace(was_secured=line.secured + more))
    return tuple(made)
