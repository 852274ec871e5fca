"""What every edge needs of its process."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from shared.contracts.base import Cause
from shared.flows.steps import Run
from shared.platform.auth import Verifier
from shared.platform.db import Database, Transaction
from shared.platform.dead_letters import DeadLetter, park
from shared.platform.relay import Relay
from shared.platform.software_costs import SoftwareCosts

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of one process, built once."""

    database: Database
    relay: Relay
    verifier: Verifier
    software_costs: SoftwareCosts = field(default_factory=SoftwareCosts)

    def run(self, step: Callable[[Transaction], Result], cause: Cause) -> Result:
        """Run one step in a transaction, commit, and send what it announced."""
        return self.relay.run(step, cause)

    def runner(self, cause: Cause) -> Run:
        """For a flow of several steps: runs each in a transaction of its own."""
        return lambda step: self.run(step, cause)

    def park(self, letter: DeadLetter, cause: Cause) -> None:
        """Keep what was refused for good."""
        self.database.run(lambda tx: park(tx, letter), cause)
