"""Shippo: asked by what was noted before, and only where something was."""

from shared.carriers.shippo import Shippo
from shared.carriers.types import Carrier, Notes
from shared.kit.clock import utc_now
from tests.carriers.lab.cases.case import Case
from tests.support.sellers import SHIPPO


def connect(*, api_key: str, api_base: str, notes: Notes, timeout_s: int) -> Carrier:
    return Shippo(
        api_key=api_key, api_base=api_base, notes=notes, clock=utc_now, timeout_s=timeout_s
    )


CASE = Case(
    kind=SHIPPO,
    connect=connect,
    package="shippo",
    first_calls=("create", "buy"),
    manifest_call="manifest",
    manifests="manifests",
    wrong_postcode=("http_400", "address_to.zip"),
    without_label="no_transaction",
)
