"""What must outlive the process, told as it happens."""

from typing import Any, Protocol

from emulators.google.pubsub.messages import Message


class Journal(Protocol):
    """Notes what exists and who holds which message; `durable` waits until it is on disk.

    A holder is the full name of a subscription (what it owes or retains), of a snapshot (its
    backlog) or of a topic (what it keeps for replays). Everything noted between two turns of
    the event loop is kept together or not at all.
    """

    def keep(self, resource: Any, cut: int = 0) -> None:
        """A protobuf Topic, Subscription or Snapshot exists as it now is.

        `cut` is the number of the last message published before a snapshot was made.
        """

    def forget(self, name: str) -> None:
        """The resource is gone, and holds nothing any more."""

    def publish(self, message: Message) -> None:
        """A message exists as long as somebody holds it."""

    def hold(self, holder: str, number: int, *, acknowledged: bool = False) -> None:
        """The holder holds the message, which it has never tried to deliver."""

    def attempt(self, holder: str, number: int, attempts: int) -> None:
        """The subscription begins to deliver the message, for the time that `attempts` says."""

    def acknowledge(self, holder: str, number: int) -> None:
        """The subscription retains the message, but owes it no longer."""

    def release(self, holder: str, number: int) -> None:
        """The holder no longer holds the message."""

    def release_all(self, holder: str) -> None:
        """The holder holds nothing any more."""

    def collect(self) -> None:
        """Messages that nobody holds may go."""

    async def durable(self) -> None:
        """Return when everything noted so far will survive.

        Raises:
            Refused: UNAVAILABLE, it could not be written; nothing will be any more.
        """

    def close(self) -> None:
        """Write what is still to be written and let go of the disk."""


class NoJournal:
    """Nothing outlives the process."""

    def keep(self, resource: Any, cut: int = 0) -> None:
        pass

    def forget(self, name: str) -> None:
        pass

    def publish(self, message: Message) -> None:
        pass

    def hold(self, holder: str, number: int, *, acknowledged: bool = False) -> None:
        pass

    def attempt(self, holder: str, number: int, attempts: int) -> None:
        pass

    def acknowledge(self, holder: str, number: int) -> None:
        pass

    def release(self, holder: str, number: int) -> None:
        pass

    def release_all(self, holder: str) -> None:
        pass

    def collect(self) -> None:
        pass

    async def durable(self) -> None:
        pass

    def close(self) -> None:
        pass
