"""Acts that are more than one transaction, or tell a secret: once for each key, for pages and API.

An answer is kept under its key so that it can be given again; a secret is not kept with it.
"""

import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple, TypeVar

from shared.contracts.base import Document
from shared.contracts.http_ops_acts import BulkResults, RowResult, Told
from shared.edge import http
from shared.edge.console.desk import Webhooks
from shared.edge.console.routes import MOST_AT_ONCE, REFUSALS, Act, Bulk, Route, Visit
from shared.flows.steps import Run
from shared.kit.errors import DispatchError, Rejected
from shared.people.permissions import Who
from shared.platform import idempotency, live_changes, log
from shared.platform.db import Transaction
from shared.platform.idempotency import Answer, Key, StillRunning

PATIENCE_S = 5.0  # a form that is sent twice waits so long for what becomes of the first
PAUSE_S = 0.1
_NEVER = threading.Event()
Done = tuple[Answer, bool]  # the answer, and whether it was given before
Result = TypeVar("Result")


class Wish(NamedTuple):
    """Somebody wants something done, under a key that is nobody's yet.

    Attributes:
        run: runs a step in a transaction of its own.
        who: whoever wants it, in a transaction.
        parts: the parts of the path, by name.
        seen: the version that they had before them; None: they did not say.
        said: what they said.
        key: what they call their wish.
        outgoing: how webhooks leave, for when it is asked for.
    """

    run: Run
    who: Callable[[Transaction], Who]
    parts: Mapping[str, str]
    seen: str | None
    said: Document
    key: Key
    outgoing: Callable[[], Webhooks] | None = None

    def visit(self, tx: Transaction, route: Route) -> Visit:
        """They come, and may do this."""
        who = self.who(tx)
        who.require(route.action)
        return Visit(tx, who, self.parts, self.seen, self.outgoing)


def fingerprint(route: Route, parts: Mapping[str, str], said: Document) -> str:
    """Of what is wanted. What the contract keeps secret is no part of it, for it is stored."""
    what = json.dumps([route.name, sorted(parts.items()), said.model_dump_json()])
    return hashlib.sha256(what.encode()).hexdigest()[:32]


def refusal(route: Route, error: DispatchError) -> Answer:
    """The problem document of a refusal, to be kept."""
    problem = http.problem(error, status={**REFUSALS, **route.refusals}.get(type(error)))
    headers = {"Content-Type": problem.content_type or ""}
    return Answer(problem.status_code, headers, problem.get_data(as_text=True))


def patient(run: Run) -> Run:
    """Runs a step anew for as long as the first with its key is under way, and not for ever."""

    def patiently(step: Callable[[Transaction], Result]) -> Result:
        end = time.monotonic() + PATIENCE_S
        while True:
            try:
                return run(step)
            except StillRunning:
                if time.monotonic() > end:
                    raise
            pause()

    return patiently


def pause() -> None:
    """Let the first go on, with no connection that others could need."""
    _NEVER.wait(PAUSE_S)


def once(act: Act, wish: Wish, shown: Callable[[Visit], Answer]) -> Done:
    """Do it once. The answer is what the act tells, else what is `shown` afterwards.

    Asked again, it is the same without the secret.

    Raises:
        StillRunning, KeyReused: as `idempotency.once`.
        NotAllowed, and what is no refusal of `first` or the act.
    """
    if act.first is not None:
        refused = wish.run(partial(_first, act.first, act, wish))
        if refused is not None:
            raise refused

    def step(tx: Transaction) -> Done:
        visit = wish.visit(tx, act)
        told: list[Told] = []

        def done() -> Answer:
            made = act.act(visit, wish.said)
            _tell(visit, act)
            if made is None:
                return shown(visit)
            told.append(made)
            return answer(made.model_copy(update={"secret": None}))

        given, again = idempotency.once(
            tx, _of(visit, wish), done, lambda error: refusal(act, error)
        )
        return (answer(told[0]) if told else given), again

    return wish.run(step)


def each(bulk: Bulk, wish: Wish) -> Done:
    """Do it to one after the other; one that is refused does not keep the others from being done.

    Whoever repeats the wish gets the same results: which ones are meant is chosen once, and each of
    them is done once.

    Raises:
        as `once`; what was done until then stays done, and the wish can be repeated.
    """
    chosen, again = wish.run(lambda tx: _chosen(tx, bulk, wish))
    if chosen.status != 200:
        return chosen, again
    ids = json.loads(chosen.body)
    results = tuple(_results(bulk, wish, ids[:MOST_AT_ONCE]))
    done = sum(result.done for result in results)
    found = BulkResults(
        done=done,
        refused=len(results) - done,
        are_more=len(ids) > MOST_AT_ONCE,
        results=results,
    )
    return answer(found), again


def answer(document: Document) -> Answer:
    """A document; with its version, where it has one, as the ETag."""
    headers = {"Content-Type": "application/json"}
    version = getattr(document, "version", None)
    if version is not None:
        headers["ETag"] = f'"{version}"'
    return Answer(200, headers, document.model_dump_json())


def _first(
    first: Callable[[Visit], DispatchError | None], act: Act, wish: Wish, tx: Transaction
) -> DispatchError | None:
    return first(wish.visit(tx, act))


def _chosen(tx: Transaction, bulk: Bulk, wish: Wish) -> Done:
    visit = wish.visit(tx, bulk)

    def choose() -> Answer:
        ids = bulk.choose(visit, wish.said)[: MOST_AT_ONCE + 1]
        return Answer(200, {}, json.dumps(list(ids)))

    return idempotency.once(tx, _of(visit, wish), choose, lambda error: refusal(bulk, error))


def _results(bulk: Bulk, wish: Wish, ids: Sequence[str]) -> Iterator[RowResult]:
    run = patient(wish.run)
    for row in ids:
        try:
            given = run(partial(_one, bulk, wish, row))
        except Rejected:
            raise
        except DispatchError as error:
            log.line("console.row_failed", "WARNING", code=error.code)
            yield RowResult(id=row, done=False, code=error.code, reason=str(error))
        else:
            yield RowResult.decode(given.body.encode())


def _one(bulk: Bulk, wish: Wish, row: str, tx: Transaction) -> Answer:
    visit = wish.visit(tx, bulk)

    def done() -> Answer:
        bulk.act(visit, row, wish.said)
        _tell(visit, bulk)
        return answer(RowResult(id=row, done=True))

    def refused(error: Rejected) -> Answer:
        return answer(RowResult(id=row, done=False, code=error.code, reason=str(error)))

    whole = _of(visit, wish)
    given, _ = idempotency.once(tx, whole._replace(key=f"{whole.key}/{row}"), done, refused)
    return given


def _tell(visit: Visit, done: Act | Bulk) -> None:
    """Who has that page before them, or the audit trail, hears of it."""
    rooms = {"audit", *done.view.rooms(visit, None)}
    visit.tx.write(live_changes.note(visit.tx, *sorted(rooms)))


def _of(visit: Visit, wish: Wish) -> Key:
    return wish.key._replace(caller=visit.who.caller)
