"""Documents to be printed: found in a transaction, fetched after it."""

from collections.abc import Callable, Mapping

from flask import Response

from shared.edge.console.desk import Desk
from shared.edge.console.routes import Kept, Paper, Visit
from shared.flows.steps import Run
from shared.kit.errors import Rejected
from shared.people.permissions import Who
from shared.platform import log
from shared.platform.db import Transaction


class DocumentGone(Rejected):
    """What was kept is not there any more."""

    code = "document_gone"


def answer(
    run: Run,
    desk: Desk,
    who: Callable[[Transaction], Who],
    parts: Mapping[str, str],
    paper: Paper,
) -> Response:
    """The document, to be looked at in a browser and printed from there.

    Raises:
        NotAllowed, and the refusals of the paper.
        DocumentGone: it was kept, and is not there any more.
        DocumentsUnavailable: ask again later.
    """

    def step(tx: Transaction) -> Kept:
        asking = who(tx)
        asking.require(paper.action)
        return paper.find(Visit(tx, asking, parts))

    assert desk.documents is not None, "only the console prints"
    kept = run(step)
    stored = desk.documents().get(kept.key)
    if stored is None:
        raise DocumentGone("its document is not kept any more; have it fetched anew")
    log.line("paper.given", paper=paper.name, key=kept.key)
    ending = kept.key.rpartition(".")[2]
    answered = Response(stored.content, content_type=stored.media_type)
    answered.headers["Content-Disposition"] = f'inline; filename="{kept.called}.{ending}"'
    return answered
