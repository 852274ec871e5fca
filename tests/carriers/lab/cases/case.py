"""What the lab has to know of a vendor; all that it demands is the same for everybody."""

from dataclasses import dataclass
from typing import Protocol

from shared.carriers.types import Carrier, Notes
from tests.support.sellers import Kind


class Connect(Protocol):
    """Makes the vendor's adapter."""

    def __call__(self, *, api_key: str, api_base: str, notes: Notes, timeout_s: int) -> Carrier: ...


@dataclass(frozen=True, slots=True)
class Case:
    """A vendor.

    Attributes:
        kind: its simulator.
        connect: its adapter.
        package: of its official client.
        first_calls: what a purchase that was never tried calls, in order, as faults name them.
        manifest_call: what closes a day, as faults name it.
        manifests: what the simulator calls closed days when it counts them.
        wrong_postcode: the code and the field with which it refuses an address without one.
        without_label: the code with which it says that it has sold no such label.
    """

    kind: Kind
    connect: Connect
    package: str
    first_calls: tuple[str, ...]
    manifest_call: str
    manifests: str
    wrong_postcode: tuple[str, str]
    without_label: str
