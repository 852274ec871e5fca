"""What a simulator remembers over a restart: documents, parcels under way, letters unsent."""

import json
from collections.abc import Iterator
from typing import Any

from emulators.disk import Disk
from emulators.rows import Rows

JOURNEY = "journey"
LETTER = "letter"

Document = dict[str, Any]


class Ledger:
    """Writes through to `disk`."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._rows = Rows(disk)

    async def saved(self) -> None:
        await self._disk.saved()

    def keep(self, kind: str, key: str, document: Document) -> None:
        """Note a document of the vendor's as it is now."""
        self._rows.put(kind, key, _bytes(document))

    def all(self, kind: str) -> Iterator[Document]:
        """Every document of a kind, in the order in which they were made."""
        for _, stored in self._rows.all(kind):
            yield json.loads(stored)

    def keep_journey(self, key: str, next_step: int, kept_back: list[Document]) -> None:
        """Note how far a parcel is."""
        journey = {"next_step": next_step, "kept_back": kept_back}
        self._rows.put(JOURNEY, key, _bytes(journey))

    def journeys(self) -> Iterator[tuple[str, int, list[Document]]]:
        """(key, next step, events kept back) of every parcel that was ever sent."""
        for key, stored in self._rows.all(JOURNEY):
            journey = json.loads(stored)
            yield key, journey["next_step"], journey["kept_back"]

    def keep_letter(self, letter_id: str, body: bytes) -> None:
        self._rows.put(LETTER, letter_id, body)

    def drop_letter(self, letter_id: str) -> None:
        self._rows.drop(LETTER, letter_id)

    def letters(self) -> Iterator[tuple[str, bytes]]:
        """(id, body) of every event that was neither taken nor given up."""
        yield from self._rows.all(LETTER)


def _bytes(document: Document) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()
