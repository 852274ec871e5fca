"""The bench on which vendors are tried: an adapter before its simulator."""

from dataclasses import dataclass, field

from shared.carriers.types import Carrier
from tests.carriers.lab.cases.case import Case
from tests.support.sellers import Simulator


class Pad:
    """Notes in this process: the port `Notes`."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    def find(self, subject: str) -> str | None:
        """See the port."""
        return self.kept.get(subject)

    def keep(self, subject: str, note: str) -> None:
        """See the port."""
        self.kept[subject] = note


@dataclass(frozen=True, slots=True)
class Bench:
    """One vendor, with nothing noted of what the tests before it did."""

    name: str
    case: Case
    simulator: Simulator
    notes: Pad = field(default_factory=Pad)

    def carrier(self, *, api_key: str = "test_key", timeout_s: int = 5) -> Carrier:
        """The adapter as another process would have it: what it has noted is all it knows."""
        return self.case.connect(
            api_key=api_key,
            api_base=self.simulator.api_base,
            notes=self.notes,
            timeout_s=timeout_s,
        )

    def bought(self) -> int:
        """How many labels the vendor has sold so far."""
        return self.simulator.stats()["labels_bought"]

    def voided(self) -> int:
        """How many labels the vendor has taken back so far."""
        return self.simulator.stats()["labels_voided"]

    def closed(self) -> int:
        """How many days the vendor has closed so far."""
        return self.simulator.stats()[self.case.manifests]

    def fault(self, kind: str, on: str, **more: object) -> None:
        """Let the next call of this name go wrong."""
        self.simulator.control("faults", kind=kind, on=on, **more)
