"""What a row whose books contradict each other is to be. Pure."""

from shared.drifts.types import Books, Figure, Finding, Verdict

FEWER_THAN_NONE = "on hand is below zero"
FEWER_THAN_PROMISED = "fewer are on hand than are promised"


def judge(books: Books) -> Verdict:
    """Find what is not explained, and say how it is repaired, or that it cannot be.

    Promises are what parcels and holds say. Of on-hand the balance is believed, since that is what
    everything was decided by, and the ledger follows it. Where both cannot be true, nothing is
    changed but that the row promises nothing more.
    """
    findings = _findings(books)
    fence = None
    if books.on_hand < 0:
        fence = FEWER_THAN_NONE
    elif books.on_hand < books.in_parcels + books.in_holds:
        fence = FEWER_THAN_PROMISED
    if fence is not None:
        return Verdict(findings, books.reserved, books.held, 0, fence)
    ledger = books.on_hand - books.moved
    return Verdict(findings, books.in_parcels, books.in_holds, ledger, None)


def _findings(books: Books) -> tuple[Finding, ...]:
    promised = books.in_parcels + books.in_holds
    found = []
    if books.on_hand < 0:
        found.append(Finding(Figure.ON_HAND, books.on_hand, 0, "no shelf holds fewer than none"))
    elif books.on_hand != books.moved:
        found.append(
            Finding(Figure.ON_HAND, books.on_hand, books.moved, "the movements in the ledger")
        )
    if books.reserved != books.in_parcels:
        found.append(
            Finding(Figure.RESERVED, books.reserved, books.in_parcels, "parcels that have not left")
        )
    if books.held != books.in_holds:
        found.append(Finding(Figure.HELD, books.held, books.in_holds, "open holds"))
    if promised > max(books.on_hand, 0):
        found.append(Finding(Figure.PROMISED, promised, max(books.on_hand, 0), "units on hand"))
    return tuple(found)
