"""Balances are compared with all that should explain them, and what has drifted is set right."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial

from shared.contracts.stock import StockCountWanted
from shared.drifts import store as drifts
from shared.drifts.judgement import judge
from shared.drifts.types import Drift, Outcome, Verdict
from shared.flows.steps import Run
from shared.flows.waitlist import share_out
from shared.kit.ids import new_id
from shared.ops import stock_books
from shared.ops.stock_books import Place
from shared.platform import log, outbox
from shared.platform.db import Transaction
from shared.stock import store as stock
from shared.stock.types import SHUT, Key, Level, Movement, MovementKind

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


@dataclass(frozen=True, slots=True)
class _Row:
    """A row that is not right, under the lock, and what is to be done about it."""

    level: Level
    verdict: Verdict

    @property
    def after(self) -> Level:
        verdict = self.verdict
        mended = self.level._replace(reserved=verdict.reserved, held=verdict.held)
        return (
            mended.unfenced if verdict.fence is None else mended._replace(fenced_for=verdict.fence)
        )

    @property
    def is_known(self) -> bool:
        """Whether it was fenced off for the same before: then nothing is news."""
        return self.verdict.fence is not None and self.level.fenced_for == self.verdict.fence


@dataclass(frozen=True, slots=True)
class _Step:
    looked_at: int
    rows: list[_Row] = field(default_factory=list)
    after: Place | None = None  # where the next step goes on


def reconcile_stock(run: Run, actor: str) -> Report:
    """Find every drift, repair it with entries of its own, or fence the row off; keep the findings.

    Promises follow parcels and holds, the ledger follows on-hand, and who waits gets first what
    becomes free. A row that cannot be right promises nothing from here on, whatever others do, and
    somebody is paged; it is fenced until its figures are possible again. Where only the shelf can
    tell, a count is asked for.
    """
    report, after = Report(new_id("rec")), ("", "")
    for _ in range(MOST_STEPS):
        step = run(partial(_look, after=after, run_id=report.run_id, actor=actor))
        _add(report, step)
        if step.after is None:
            break
        after = step.after
    return report


def _look(tx: Transaction, after: Place, run_id: str, actor: str) -> _Step:
    """Look at the next balances without a lock, and mend those that do not look right under one."""
    places = stock_books.places(tx, after, LOOKED_AT_ONCE)
    if not places:
        return _Step(0)
    not_right = {(row.sku, row.warehouse) for row in stock_books.not_right(tx, places, SHUT)}
    wrong = [place for place in places if place in not_right]  # in the database's order
    mended = wrong[:MENDED_AT_ONCE]
    rows = _mend(tx, mended, run_id, actor) if mended else []
    if len(mended) < len(wrong):
        return _Step(places.index(mended[-1]) + 1, rows, mended[-1])
    return _Step(len(places), rows, places[-1] if len(places) == LOOKED_AT_ONCE else None)


def _mend(tx: Transaction, places: Sequence[Place], run_id: str, actor: str) -> list[_Row]:
    locked = stock.lock(tx, places)
    # Read again now that nobody changes it: what was only on its way before is right now.
    rows = [
        _Row(locked.at(Key(books.sku, books.warehouse, books.partition)), judge(books))
        for books in stock_books.not_right(tx, places, SHUT)
    ]
    changed = [row.after for row in rows if row.after != row.level]
    news = [row for row in rows if not row.is_known]
    if not changed and not news:
        return rows
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
    )
    wanted = list(_counts_wanted(news))
    if wanted:
        tx.write(outbox.put(tx, *wanted))
    share_out(tx, locked, after)
    return rows


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
    """Count what a step did, which is committed, and page somebody where nothing could be done."""
    report.balances += step.looked_at
    for row in step.rows:
        sku, warehouse, partition = row.level.key
        where: dict[str, log.Fact] = {
            "sku": sku,
            "warehouse": warehouse,
            "partition": partition,
            "run_id": report.run_id,
        }
        report.repaired += bool(row.verdict.findings) and row.verdict.outcome is Outcome.REPAIRED
        if row.verdict.fence is not None:
            report.fenced += 1
            log.line("stock.fenced_off", "CRITICAL", **where, why=row.verdict.fence)
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
