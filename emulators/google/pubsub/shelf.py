"""Resources by name, with Google's words for a name that is taken or unknown."""

from typing import Generic, TypeVar

import grpc

from emulators.google.pubsub import names
from emulators.google.rpc import Refused

Held = TypeVar("Held")


class Shelf(Generic[Held]):
    """What exists of one kind."""

    def __init__(self) -> None:
        self._by_name: dict[str, Held] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def all(self) -> list[Held]:
        return list(self._by_name.values())

    def get(self, name: str) -> Held:
        """The resource.

        Raises:
            Refused: NOT_FOUND.
        """
        if name not in self._by_name:
            raise not_found(name)
        return self._by_name[name]

    def add(self, name: str, held: Held) -> None:
        """Put a resource there.

        Raises:
            Refused: ALREADY_EXISTS.
        """
        if name in self._by_name:
            raise Refused(
                grpc.StatusCode.ALREADY_EXISTS,
                f"Resource already exists in the project (resource={names.short(name)}).",
            )
        self._by_name[name] = held

    def remove(self, name: str) -> Held:
        """Take a resource away.

        Raises:
            Refused: NOT_FOUND.
        """
        found = self.get(name)
        del self._by_name[name]
        return found


def not_found(name: str) -> Refused:
    return Refused(grpc.StatusCode.NOT_FOUND, f"Resource not found (resource={names.short(name)}).")
