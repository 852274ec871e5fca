"""Makes the decisions of the last hours again with the code of this image, and judges them.

Or audits the books instead: a restored database, before anybody is sent to it.
"""

from datetime import timedelta
from functools import partial

from infra.release.judge import Judgement, Limits, judge_decisions
from shared.contracts.base import Cause
from shared.flows.replay_decisions import replay_decisions
from shared.kit.ids import new_id
from shared.ops.auditor import audit
from shared.platform.db import Database


def replay(database: Database, hours: int, limits: Limits) -> Judgement:
    """Judge how many decisions of the last `hours` come out otherwise."""
    until = database.now()
    run = partial(database.run, cause=_cause())
    found = replay_decisions(run, until - timedelta(hours=hours), until)
    orders = {difference.order_id for difference in found.differences}
    return judge_decisions(found.decisions, len(orders), limits)


def broken(database: Database) -> list[str]:
    """What is in the books that must never be."""
    found = database.run(audit, _cause())
    return [f"{one.rule}: {one.subject}: {one.found}, not {one.expected}" for one in found]


def _cause() -> Cause:
    event_id = new_id("release")
    return Cause(event_id, event_id)
