"""State machines as tables."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Generic, NamedTuple, TypeVar

from shared.kit.errors import Rejected

State = TypeVar("State", bound=StrEnum)
Step = TypeVar("Step", bound=StrEnum)


class IllegalTransition(Rejected):
    """The step is not open to something in this state."""

    code = "illegal_transition"


class Lifecycle(NamedTuple, Generic[State, Step]):
    """The states of `noun` and the steps between them; everything not listed is refused."""

    noun: str
    transitions: Mapping[tuple[State, Step], State]

    def advance(self, state: State, step: Step) -> State:
        """The state after `step`.

        Raises:
            IllegalTransition: the table has no such step from `state`.
        """
        try:
            return self.transitions[state, step]
        except KeyError:
            raise IllegalTransition(
                f"cannot {step} the {self.noun}: it is {state}", state=state, step=step
            ) from None

    def mermaid(self) -> str:
        """The table as a Mermaid state diagram, for the generated documentation."""
        rows = (f"    {old} --> {new}: {step}" for (old, step), new in self.transitions.items())
        return "\n".join(["stateDiagram-v2", *rows])
