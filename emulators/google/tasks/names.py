"""Names that stay taken for a while after what bore them has gone."""

import time
from collections import OrderedDict

from emulators.google.tasks.shelf import Shelf


class Tombstones:
    """One kind of names; each stays taken for `window_s`, or not at all when that is 0."""

    def __init__(self, shelf: Shelf, kind: str, window_s: float) -> None:
        self._shelf = shelf
        self._kind = kind
        self._window_s = window_s
        self._until_s = OrderedDict(shelf.blocked(kind))

    def __contains__(self, name: str) -> bool:
        self._forget()
        return name in self._until_s

    def add(self, name: str) -> None:
        if self._window_s == 0:
            return
        until_s = time.time() + self._window_s
        self._until_s[name] = until_s
        self._until_s.move_to_end(name)
        self._shelf.block(self._kind, name, until_s)

    def _forget(self) -> None:
        now_s = time.time()
        while self._until_s and next(iter(self._until_s.values())) <= now_s:
            name, _ = self._until_s.popitem(last=False)
            self._shelf.free(self._kind, name)
