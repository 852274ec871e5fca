"""What the simulator remembers over a restart: shipments, parcels under way, letters unsent."""

import json
from collections.abc import Iterator
from typing import Any

from emulators.disk import Disk
from emulators.rows import Rows

SHIPMENT = "shipment"
JOURNEY = "journey"
LETTER = "letter"

Document = dict[str, Any]


class Ledger:
    """Writes through to `disk`. A shipment's document holds its tracker."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._rows = Rows(disk)

    async def saved(self) -> None:
        await self._disk.saved()

    def keep_shipment(self, shipment: Document) -> None:
        self._rows.put(SHIPMENT, shipment["id"], _bytes(shipment))

    def shipments(self) -> Iterator[Document]:
        """In the order in which they were made."""
        for _, stored in self._rows.all(SHIPMENT):
            yield json.loads(stored)

    def keep_journey(self, shipment: Document, next_step: int, kept_back: list[Document]) -> None:
        """Note how far a parcel is, with its shipment as it is now."""
        self.keep_shipment(shipment)
        journey = {"next_step": next_step, "kept_back": kept_back}
        self._rows.put(JOURNEY, shipment["id"], _bytes(journey))

    def journeys(self) -> Iterator[tuple[str, int, list[Document]]]:
        """(shipment id, next step, events kept back) of every parcel that was ever sent."""
        for shipment_id, stored in self._rows.all(JOURNEY):
            journey = json.loads(stored)
            yield shipment_id, journey["next_step"], journey["kept_back"]

    def keep_letter(self, letter_id: str, body: bytes) -> None:
        self._rows.put(LETTER, letter_id, body)

    def drop_letter(self, letter_id: str) -> None:
        self._rows.drop(LETTER, letter_id)

    def letters(self) -> Iterator[tuple[str, bytes]]:
        """(id, body) of every event that was neither taken nor given up."""
        yield from self._rows.all(LETTER)


def _bytes(document: Document) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()
