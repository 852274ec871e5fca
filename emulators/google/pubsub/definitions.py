"""What a schema's definition can tell, whichever language it is written in."""

from typing import Protocol


class BadDefinition(ValueError):
    """The definition is not one, or has what Pub/Sub does not take; the message says what."""


class Misfit(ValueError):
    """The data are not what the definition says; the message says where."""


class Definition(Protocol):
    """A definition that was understood. What it refuses raises Misfit."""

    def refuse_json(self, data: bytes) -> None:
        """Refuse data that are not the language's JSON of one value."""

    def refuse_binary(self, data: bytes) -> None:
        """Refuse data that are not the language's binary form of one value."""
