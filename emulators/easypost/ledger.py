"""What the simulator remembers over a restart. A shipment's document holds its tracker."""

from collections.abc import Iterator

from emulators.sellers.ledger import Document
from emulators.sellers.ledger import Ledger as CommonLedger

SHIPMENT = "shipment"


class Ledger(CommonLedger):
    """Shipments, beside what every vendor has to remember."""

    def keep_shipment(self, shipment: Document) -> None:
        self.keep(SHIPMENT, shipment["id"], shipment)

    def shipments(self) -> Iterator[Document]:
        """In the order in which they were made."""
        return self.all(SHIPMENT)
