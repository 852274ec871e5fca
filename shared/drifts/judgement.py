"""What a row whose books contradict each other is to be. Pure."""

from shared.drifts.types import Books, Figure, Finding, Verdict

FEWER_THAN_NONE = "on hand is below zero"
FEWER_THAN_PROMISED = "fewer are on hand than are promised"


def judge(books: Books) -> Verdict:
    """Find what is not explained, and say how it is repaired, or that it cannot be.

    Promises are what parcels and holds say. Of on-hand the balance is believed, since that is what
    everything was decided by, and the ledger follows it. Where both cannot be true the row promises
    nothing more; as many promises as there are units, parcels first, can still be kept or taken
    back.
    """
    findings = _findings(books)
    if books.on_hand < 0:
        return Verdict(findings, books.reserved, books.held, 0, FEWER_THAN_NONE)
    reserved = min(books.in_parcels, books.on_hand)
    held = min(books.in_holds, books.on_hand - reserved)
    if (reserved, held) != (books.in_parcels, books.in_holds):
        return Verdict(findings, reserved, held, 0, FEWER_THAN_PROMISED)
    return Verdict(findings, reserved, held, books.on_hand - books.moved, None)


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
