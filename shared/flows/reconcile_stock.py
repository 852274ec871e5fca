"""Balances are compared with all that should explain them, and what has drifted is set right."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from shared.contracts.stock_facts import StockCountWanted
from shared.drifts import store as drifts
from shared.drifts.judgement import judge
from shared.drifts.types import Drift, Outcome, Verdict
from shared.flows.count_stock import settle_counts
from shared.flows.date_back import date_back
from shared.flows.left_behind import give_back_left_behind
from shared.flows.steps import Run
from shared.flows.stocked import told
from shared.flows.waitlist import share_out
from shared.kit.ids import new_id
from shared.ops import dated_ahead, stock_books
from shared.ops.stock_books import Place
from shared.orders import backorder_caps
from shared.platform import log, outbox
from shared.platform.db import Transaction
from shared.stock import store as stock
from shared.stock.types import FEWER_COUNTED, SHUT, Key, Level, Movement, MovementKind

LOOKED_AT_ONCE = 10_000  # balances of one transaction, without a lock
MENDED_AT_ONCE = 500  # balances of one transaction, locked
MOST_STEPS = 2_000  # of one run: a million balances, and some more

_WHY = "the ledger follows what is on hand"


@dataclass(slots=True)
class Report:
    """What one reconciliation did, in rows of balances."""

    run_id: str
    balances: int = 0  # that were looked at
    repaired: int = 0
    fenced: int = 0  # that are fenced off now, also since earlier
    lifted: int = 0  # that were fenced off, and are right again
    recounted: int = 0  # caps that did not know how many units wait


@dataclass(frozen=True, slots=True)
class _Row:
    """A row that is not right, under the lock, and what is to be done about it."""

    level: Level
    verdict: Verdict

    @property
    def after(self) -> Level:
        verdict = self.verdict
        mended = self.level._replace(reserved=verdict.reserved, held=verdict.held)
        if self.level.fenced_for == FEWER_COUNTED:
            return mended  # the figures may well agree: the shelf does not
        return (
            mended.unfenced if verdict.fence is None else mended._replace(fenced_for=verdict.fence)
        )

    @property
    def is_known(self) -> bool:
        """Whether it was fenced off for the same before: then nothing is news."""
        fence = self.verdict.fence
        return fence is not None and self.level.fenced_for in {fence, FEWER_COUNTED}


@dataclass(frozen=True, slots=True)
class _Step:
    looked_at: int
    rows: list[_Row] = field(default_factory=list)
    dated: Sequence[Drift] = ()  # balances whose books spoke of a moment to come
    settled: int = 0  # rows that a count had fenced off, and that it fits by now
    after: Place | None = None  # where the next step goes on


def reconcile_stock(run: Run, actor: str) -> Report:
    """Find every drift, repair it with entries of its own, or fence the row off; keep the findings.

    Promises follow parcels and holds, the ledger follows on-hand, and who waits gets first what
    becomes free. A row that cannot be right promises nothing from here on, whatever others do, and
    somebody is paged; it is fenced until its figures are possible again. Where only the shelf can
    tell, a count is asked for. What is dated ahead of now is dated back, and what is kept for an
    order that needs it no more is given back. A count that found fewer than was promised is applied
    where no more is promised by now. Caps know again how many units wait.
    """
    report, after = Report(new_id("rec")), ("", "")
    for _ in range(MOST_STEPS):
        step = run(partial(_look, after=after, run_id=report.run_id, actor=actor))
        _add(report, step)
        if step.after is None:
            break
        after = step.after
    report.repaired += run(give_back_left_behind)
    for sku, (found, waiting) in run(backorder_caps.recount).items():
        report.recounted += 1
        log.line("backorder_cap.drift", "WARNING", sku=sku, found=found, explained=waiting)
    return report


def reconcile_places(tx: Transaction, places: Sequence[Place], actor: str) -> Report:
    """The same for a few balances, in this transaction."""
    report = Report(new_id("rec"))
    _add(report, _mend(tx, sorted(places), report.run_id, actor))
    return report


def _look(tx: Transaction, after: Place, run_id: str, actor: str) -> _Step:
    """Look at the next balances without a lock, and mend those that do not look right under one."""
    places = stock_books.places(tx, after, LOOKED_AT_ONCE)
    if not places:
        return _Step(0)
    not_right = {(row.sku, row.warehouse) for row in stock_books.not_right(tx, places, SHUT)}
    not_right |= {(one.sku, one.warehouse) for one in dated_ahead.places(tx, places)}
    wrong = [place for place in places if place in not_right]  # in the database's order
    mended = wrong[:MENDED_AT_ONCE]
    made = _mend(tx, mended, run_id, actor) if mended else _Step(0)
    if len(mended) < len(wrong):
        return replace(made, looked_at=places.index(mended[-1]) + 1, after=mended[-1])
    more = len(places) == LOOKED_AT_ONCE
    return replace(made, looked_at=len(places), after=places[-1] if more else None)


def _mend(tx: Transaction, places: Sequence[Place], run_id: str, actor: str) -> _Step:
    """Mend what is not right of these balances."""
    locked, settled = stock.lock(tx, places), 0
    dated = date_back(tx, places, run_id, actor)
    if settle_counts(tx, places) or dated:
        before, locked = locked, stock.lock(tx, places)
        settled = sum(
            level.is_broken and not locked.at(key).is_broken for key, level in before.levels.items()
        )
    # Read again now that nobody changes it: what was only on its way before is right now.
    rows = [
        _Row(locked.at(Key(books.sku, books.warehouse, books.partition)), judge(books))
        for books in stock_books.not_right(tx, places, SHUT)
    ]
    changed = [row.after for row in rows if row.after != row.level]
    news = [row for row in rows if not row.is_known]
    if not changed and not news:
        return _Step(len(places), rows, dated, settled)
    after = locked.replaced(changed)
    repairs = [
        Movement(row.level.key, MovementKind.REPAIR, row.verdict.ledger, run_id, tx.now, _WHY)
        for row in news
        if row.verdict.ledger
    ]
    findings = [drift for row in news for drift in _drifts(row)]
    tx.write(
        *([stock.put(changed)] if changed else []),
        *([stock.record(tx, repairs, actor)] if repairs else []),
        *([drifts.record(tx, findings, run_id, actor)] if findings else []),
        told(tx, [row.level.key for row in rows]),
    )
    wanted = list(_counts_wanted(news))
    if wanted:
        tx.write(outbox.put(tx, *wanted))
    share_out(tx, locked, after)
    return _Step(len(places), rows, dated, settled)


def _drifts(row: _Row) -> list[Drift]:
    return [Drift(*row.level.key, finding, row.verdict.outcome) for finding in row.verdict.findings]


def _counts_wanted(rows: Iterable[_Row]) -> list[StockCountWanted]:
    wanted: dict[str, dict[str, bool]] = defaultdict(dict)
    for row in rows:
        if row.verdict.wants_count:
            sku, warehouse, _ = row.level.key
            fenced = row.verdict.fence is not None or wanted[warehouse].get(sku, False)
            wanted[warehouse][sku] = fenced
    return [
        StockCountWanted(
            warehouse=warehouse,
            skus=tuple(sorted(skus)),
            fenced=tuple(sorted(sku for sku, fenced in skus.items() if fenced)),
        )
        for warehouse, skus in sorted(wanted.items())
    ]


def _add(report: Report, step: _Step) -> None:
    """Count what a step did, and page somebody where nothing could be done."""
    report.balances += step.looked_at
    report.lifted += step.settled
    report.repaired += len(step.dated)
    for drift in step.dated:
        log.line(
            "stock.dated_ahead",
            "WARNING",
            sku=drift.sku,
            warehouse=drift.warehouse,
            run_id=report.run_id,
            ahead_s=drift.finding.found,
        )
    for row in step.rows:
        sku, warehouse, partition = row.level.key
        where: dict[str, log.Fact] = {
            "sku": sku,
            "warehouse": warehouse,
            "partition": partition,
            "run_id": report.run_id,
        }
        report.repaired += bool(row.verdict.findings) and row.verdict.outcome is Outcome.REPAIRED
        if row.after.is_broken:
            report.fenced += 1
            log.line("stock.fenced_off", "CRITICAL", **where, why=row.after.fenced_for)
        elif row.level.is_broken:
            report.lifted += 1
            log.line("stock.fence_lifted", "INFO", **where)
        for finding in row.verdict.findings:
            log.line(
                "stock.drift",
                "WARNING",
                **where,
                figure=finding.figure,
                found=finding.found,
                explained=finding.explained,
                outcome=row.verdict.outcome,
            )
