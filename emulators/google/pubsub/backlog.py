"""The messages that one subscription still owes, and which of them may go out now."""

from collections import deque
from dataclasses import dataclass

from emulators.google.pubsub.messages import Message


@dataclass(slots=True, eq=False)
class Entry:
    """A message of a backlog. `attempts` counts the deliveries begun."""

    message: Message
    number: int
    attempts: int = 0


class Backlog:
    """First in, first out; in an ordered subscription one message of a key is out at a time.

    An entry is ready, out, resting until its back-off ends, or queued behind its ordering key.
    `settle` or `give_back` ends each `take`.
    """

    def __init__(self, *, ordered: bool) -> None:
        self._ordered = ordered
        self._ready: deque[Entry] = deque()
        self._behind: dict[str, deque[Entry]] = {}
        self._owed: dict[int, Entry] = {}
        self._numbers = 0
        self.out = 0

    def __len__(self) -> int:
        return len(self._owed)

    def oldest(self) -> Message | None:
        """The message published first of those still owed."""
        return next((entry.message for entry in self._owed.values()), None)

    def add(self, message: Message) -> None:
        self._numbers += 1
        entry = Entry(message, self._numbers)
        self._owed[entry.number] = entry
        if not self._keyed(entry):
            self._ready.append(entry)
        elif message.ordering_key in self._behind:
            self._behind[message.ordering_key].append(entry)
        else:
            self._behind[message.ordering_key] = deque()
            self._ready.append(entry)

    def take(self) -> Entry | None:
        """The next entry to deliver, or None when nothing is ready."""
        if not self._ready:
            return None
        entry = self._ready.popleft()
        entry.attempts += 1
        self.out += 1
        return entry

    def settle(self, entry: Entry) -> None:
        """The entry is done with, whatever its fate: its key may go on."""
        self.out -= 1
        del self._owed[entry.number]
        if not self._keyed(entry):
            return
        key = entry.message.ordering_key
        if self._behind[key]:
            self._ready.append(self._behind[key].popleft())
        else:
            del self._behind[key]

    def give_back(self) -> None:
        """An entry was not acknowledged. It rests, and holds its key, until `retry`."""
        self.out -= 1

    def retry(self, entry: Entry) -> None:
        self._ready.append(entry)

    def _keyed(self, entry: Entry) -> bool:
        return self._ordered and entry.message.ordering_key != ""
