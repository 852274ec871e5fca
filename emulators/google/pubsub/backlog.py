"""The messages that one subscription still owes, and which of them may go out now."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from emulators.google.pubsub.messages import Message


@dataclass(slots=True, eq=False)
class Entry:
    """A message of a backlog. `attempts` counts the deliveries begun.

    `owed` ends when the message is settled, or when a seek takes it away.
    """

    message: Message
    attempts: int = 0
    owed: bool = True
    out: bool = False


class Backlog:
    """First in, first out; in an ordered subscription one message of a key is out at a time.

    An entry is ready, out, resting until its back-off ends, or queued behind its ordering key.
    `settle` or `give_back` ends each `take`. Messages are added in the order of their numbers.
    """

    def __init__(self, *, ordered: bool) -> None:
        self._ordered = ordered
        self._ready: deque[Entry] = deque()
        self._behind: dict[str, deque[Entry]] = {}
        self._owed: dict[int, Entry] = {}
        self.out = 0

    def __len__(self) -> int:
        return len(self._owed)

    def __iter__(self) -> Iterator[Entry]:
        return iter(list(self._owed.values()))

    def first(self) -> Entry | None:
        """The entry published first of those still owed."""
        return next(iter(self._owed.values()), None)

    def add(self, message: Message, attempts: int = 0) -> None:
        entry = Entry(message, attempts)
        self._owed[message.number] = entry
        if not self._keyed(entry):
            self._ready.append(entry)
        elif message.ordering_key in self._behind:
            self._behind[message.ordering_key].append(entry)
        else:
            self._behind[message.ordering_key] = deque()
            self._ready.append(entry)

    def take(self) -> Entry | None:
        """The next entry to deliver, or None when nothing is ready."""
        while self._ready:
            entry = self._ready.popleft()
            if entry.owed:
                entry.attempts += 1
                entry.out = True
                self.out += 1
                return entry
        return None

    def settle(self, entry: Entry) -> None:
        """The entry is done with, whatever its fate: its key may go on.

        Of a key, only the entry that holds it may be settled; that is its oldest one.
        """
        if not entry.owed:
            return
        entry.owed = False
        del self._owed[entry.message.number]
        self._come_in(entry)
        if not self._keyed(entry):
            return
        key = entry.message.ordering_key
        if self._behind[key]:
            self._ready.append(self._behind[key].popleft())
        else:
            del self._behind[key]

    def give_back(self, entry: Entry) -> None:
        """An entry was not acknowledged. It rests, and holds its key, until `retry`."""
        self._come_in(entry)

    def retry(self, entry: Entry) -> None:
        if entry.owed:
            self._ready.append(entry)

    def replace(self, messages: Iterable[Message]) -> None:
        """Owe these messages, as if never delivered, and nothing else."""
        for entry in self._owed.values():
            entry.owed = False
            entry.out = False
        self._ready.clear()
        self._behind.clear()
        self._owed.clear()
        self.out = 0
        for message in messages:
            self.add(message)

    def _come_in(self, entry: Entry) -> None:
        if entry.out:
            entry.out = False
            self.out -= 1

    def _keyed(self, entry: Entry) -> bool:
        return self._ordered and entry.message.ordering_key != ""
