"""Labels that are bought, to be printed and put on manifests."""

from datetime import date
from typing import Any

from shared.carriers.types import Carrier
from shared.contracts.base import Work
from shared.contracts.work import CloseManifest, KeepLabelDocument
from shared.flows.ask_for_manifests import ask_for_manifest, ask_for_manifests
from shared.flows.close_manifest import close_manifest
from shared.flows.keep_label_document import keep_label_document
from shared.flows.steps import Run
from shared.people.types import Person
from shared.platform.db import Database
from shared.platform.documents import Documents, Stored
from shared.platform.sql import text
from tests.flows.doubles import RecordingCarrier, buy, everywhere, parcels_of
from tests.flows.rerouting import work
from tests.support import given

ADA = Person("ada", "because")


class Cabinet:
    """Keeps documents in memory, as `Documents` promises."""

    def __init__(self) -> None:
        self.kept: dict[str, Stored] = {}

    def put(self, key: str, content: bytes, media_type: str) -> None:
        """Keep or replace."""
        self.kept[key] = Stored(content, media_type)

    def get(self, key: str) -> Stored | None:
        """What is kept."""
        return self.kept.get(key)


def runner(database: Database) -> Run:
    """Runs the steps of one piece of work."""
    cause = given.cause()
    return lambda step: database.run(step, cause)


def bought(database: Database, carrier: RecordingCarrier, *orders: str) -> list[str]:
    """A parcel of each order, planned for today by correios from Berlin, with its label."""
    if not given.rows(database, "SELECT 1 FROM warehouses"):
        given.catalogue(database, {"BER": {"MUG": 50}})
    found = []
    for order_id in orders:
        given.order(database, order_id, {"MUG": 2})
        given.place(database, order_id)
        (parcel_id,) = parcels_of(database, order_id)
        buy(database, parcel_id, carrier)
        found.append(parcel_id)
    return found


def keep(database: Database, carrier: Carrier, documents: Documents) -> None:
    """The label worker keeps the documents that it was told of."""
    for one in _taken(database, KeepLabelDocument):
        keep_label_document(runner(database), one, everywhere(carrier), documents)


def ask(database: Database) -> int:
    """Housekeeping asks for the manifests that are due."""
    return ask_for_manifests(runner(database))


def ask_by_hand(database: Database, day: date | None = None, carrier: str = "correios") -> str:
    """A person asks for one."""
    return database.run(lambda tx: ask_for_manifest(tx, carrier, "BER", day, ADA), given.cause())


def close(database: Database, carrier: Carrier, documents: Documents) -> None:
    """The label worker closes the manifests that it was told of."""
    for one in _taken(database, CloseManifest):
        close_manifest(runner(database), one, everywhere(carrier), documents)


def _taken(database: Database, kind: type[Work]) -> list[Any]:
    found = work(database, kind)
    database.statement(text(f"DELETE FROM outbox WHERE attributes->>'ce-type' = '{kind.type}'"))
    return found
