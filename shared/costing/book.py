"""All rate card versions that matter, kept in memory for a while.

A version is published ahead of its validity (`MIN_NOTICE`), and a book is younger than that, so
every process knows every version that is valid: what is quoted by a kept book and what is charged
later from the table agree.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from shared.costing.types import NoRateCard, RateCard

KEPT_FOR = timedelta(seconds=30)
MIN_NOTICE = timedelta(seconds=60)


Service = tuple[str, str]  # carrier, and the name of what it sells


class RateBook:
    """Rate card versions by carrier and service."""

    def __init__(self, cards: Iterable[RateCard]) -> None:
        self._versions: dict[Service, list[RateCard]] = defaultdict(list)
        for card in sorted(cards, key=lambda card: card.valid_from):
            self._versions[card.carrier, card.service].append(card)

    def __bool__(self) -> bool:
        return bool(self._versions)

    def only(self, wanted: Callable[[str], bool]) -> "RateBook":
        """The book of those carriers alone that are wanted."""
        return RateBook(
            card for (name, _), cards in self._versions.items() if wanted(name) for card in cards
        )

    def valid_at(self, moment: datetime) -> tuple[RateCard, ...]:
        """The valid version of each service that has one, by carrier and service."""
        found = (self._at(service, moment) for service in sorted(self._versions))
        return tuple(card for card in found if card is not None)

    def card(self, carrier: str, service: str, moment: datetime) -> RateCard:
        """The version of a carrier's service that was valid at `moment`.

        Raises:
            NoRateCard: there was none.
        """
        card = self._at((carrier, service), moment)
        if card is None:
            raise NoRateCard(
                "no rate card was valid", carrier=carrier, service=service, at=moment.isoformat()
            )
        return card

    def named(self, rate_card_id: str) -> RateCard:
        """The version of that id.

        Raises:
            NoRateCard: there is none.
        """
        for versions in self._versions.values():
            for card in versions:
                if card.rate_card_id == rate_card_id:
                    return card
        raise NoRateCard("there is no such rate card", rate_card_id=rate_card_id)

    def versions(self, carrier: str, service: str) -> tuple[RateCard, ...]:
        """Every version of a carrier's service, in the order in which they begin."""
        return tuple(self._versions.get((carrier, service), ()))

    def latest(self, carrier: str, service: str) -> RateCard | None:
        """The version that was published last, whether it holds already or not."""
        return max(self.versions(carrier, service), key=lambda card: card.version, default=None)

    def _at(self, service: Service, moment: datetime) -> RateCard | None:
        versions = self._versions.get(service, [])
        position = bisect_right(versions, moment, key=lambda card: card.valid_from)
        return versions[position - 1] if position else None


class Bookshelf:
    """The rate book of one process, read anew when it is older than `KEPT_FOR`."""

    def __init__(self) -> None:
        self._book = RateBook(())
        self._read_at: datetime | None = None

    def book(self, now: datetime, read: Callable[[], RateBook]) -> RateBook:
        """The kept book, or a fresh one from `read`. An empty book is never kept."""
        if not self._book or self._read_at is None or now - self._read_at >= KEPT_FOR:
            self._book, self._read_at = read(), now
        return self._book
