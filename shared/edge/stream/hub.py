"""One reader of a process for all who look on there; what it hears is handed on in memory.

A second thread looks whose sessions go on, so that nobody waits for that to be told something.
While nobody looks on, nothing is read. However slow a viewer is, what waits for them is no more
than the names of their own rooms.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from shared.edge import http
from shared.kit.errors import NotYet
from shared.ops.live_rooms import Heard
from shared.people.permissions import Who
from shared.platform import log
from shared.platform.live_changes import Position

READ_EVERY_S = 0.03
RESTS = 4  # times as long as a read took: reading takes a fifth of a connection at most
CHECK_EVERY_S = 1.0  # whether those who look on still may
TELL_EVERY_S = 60.0  # how long somebody has looked on, so that it is counted though it goes on
DEAF_AFTER_S = 3.0  # a process that hears nothing for so long lets its viewers try another

Read = Callable[[Position | None], Heard]
Alive = Callable[[Collection[str]], Mapping[str, Who]]
Busy = Callable[[float], None]


class Told(NamedTuple):
    """What a viewer is told at once: which rooms changed, up to a position.

    Attributes:
        must_look: at everything, because what they missed is not known any more.
        over: why they are told no more; None: they are.
    """

    position: Position
    rooms: frozenset[str]
    must_look: bool
    over: str | None


@dataclass(eq=False, slots=True)
class Viewer:
    """Somebody who looks on at some rooms, by virtue of a session."""

    rooms: frozenset[str]
    token: str
    who: Who
    turn: threading.Condition = field(default_factory=threading.Condition)
    waiting: set[str] = field(default_factory=set)  # rooms that they are still to be told of
    must_look: bool = False
    over: str | None = None

    def wait(self, timeout_s: float) -> None:
        """Until there is something to tell, or it takes too long."""
        with self.turn:
            self.turn.wait_for(lambda: self.waiting or self.must_look or self.over, timeout_s)

    def rest(self, time_s: float) -> None:
        """Wait for so long, whatever there is to tell, unless that is the end."""
        with self.turn:
            self.turn.wait_for(lambda: self.over, time_s)

    def hear(self, rooms: Collection[str], *, must_look: bool = False) -> None:
        """Something changed in these of their rooms."""
        with self.turn:
            self.waiting.update(rooms)
            self.must_look |= must_look
            self.turn.notify()

    def end(self, why: str) -> None:
        """They are told no more."""
        with self.turn:
            self.over = self.over or why
            self.turn.notify()


class Hub:
    """Everybody who looks on in this process."""

    def __init__(self, read: Read, alive: Alive, busy: Busy) -> None:
        """`read` gives what was committed since a position, `alive` whose sessions go on.

        `busy` is told for how many seconds more somebody has looked on, whoever and how many.
        """
        self._read = read
        self._alive = alive
        self._busy = busy
        self._lock = threading.Lock()
        self._by_room: dict[str, set[Viewer]] = defaultdict(set)
        self._viewers: set[Viewer] = set()
        self._rest = threading.Event()  # which never comes
        self._position: Position | None = None  # None: nobody looks on, and nothing is read

    def join(self, viewer: Viewer) -> None:
        """From now on the viewer is told; what they missed before is theirs to find out after.

        Raises:
            DatabaseUnavailable: nobody could be told anything.
        """
        with self._lock:
            if self._position is None:
                position = self._read(None).position
                # Both wait for the lock, and so for their first viewer.
                over = threading.Event()
                for name, act in (("hub", self._listen), ("doorkeeper", self._keep_watch)):
                    threading.Thread(target=act, args=(over,), name=name, daemon=True).start()
                self._position = position
            self._viewers.add(viewer)
            for room in viewer.rooms:
                self._by_room[room].add(viewer)

    def leave(self, viewer: Viewer) -> None:
        """The viewer has gone."""
        with self._lock:
            self._viewers.discard(viewer)
            for room in viewer.rooms:
                self._by_room[room].discard(viewer)
                if not self._by_room[room]:
                    del self._by_room[room]

    def take(self, viewer: Viewer) -> Told:
        """All that there is to tell the viewer."""
        # The position first: whatever came up to it is waiting already.
        position = self._position
        assert position is not None, "the viewer looks on"
        with viewer.turn:
            told = Told(position, frozenset(viewer.waiting), viewer.must_look, viewer.over)
            viewer.waiting.clear()
            viewer.must_look = False
        return told

    def send_away(self, why: str) -> None:
        """Everybody who looks on here is told no more."""
        with self._lock:
            viewers = tuple(self._viewers)
        for viewer in viewers:
            viewer.end(why)

    def _listen(self, over: threading.Event) -> None:
        heard_at = told_at = time.monotonic()
        is_sure = True  # that nothing can have been lost with a connection
        while self._goes_on():
            began = time.monotonic()
            is_sure = self._tried(partial(self._hear, is_sure=is_sure), heard_at)
            if is_sure:
                heard_at = began
            if began - told_at >= TELL_EVERY_S:
                self._busy(began - told_at)
                told_at = began
            took_s = time.monotonic() - began
            self._rest.wait(max(READ_EVERY_S, took_s * RESTS))
        over.set()
        self._busy(time.monotonic() - told_at)

    def _keep_watch(self, over: threading.Event) -> None:
        """Beside the reader: to look after everybody's session takes longer than to read."""
        checked_at = time.monotonic()
        while not over.wait(CHECK_EVERY_S):
            began = time.monotonic()
            if self._tried(self._check, checked_at):
                checked_at = began

    def _tried(self, act: Callable[[], None], done_at: float) -> bool:
        """Whether it could be done; everybody is sent away where it could not for too long."""
        try:
            act()
        except Exception as error:  # whatever it is: without a reader nobody would be told
            if isinstance(error, NotYet):
                log.line("stream.deaf", "WARNING", code=error.code)
            else:
                log.failure("stream.broken", error, code=http.code_of(error))
            if time.monotonic() - done_at > DEAF_AFTER_S:
                self.send_away("deaf")
            return False
        return True

    def _goes_on(self) -> bool:
        with self._lock:
            if not self._viewers:
                self._position = None
            return bool(self._viewers)

    def _hear(self, *, is_sure: bool) -> None:
        heard = self._read(self._position)
        is_all = is_sure and heard.is_all
        found: dict[Viewer, set[str]] = defaultdict(set)
        with self._lock:
            for room in heard.rooms & self._by_room.keys():
                for viewer in self._by_room[room]:
                    found[viewer].add(room)
            if not is_all:
                found |= {viewer: set() for viewer in self._viewers if viewer not in found}
        for viewer, rooms in found.items():
            viewer.hear(rooms, must_look=not is_all)
        self._position = heard.position

    def _check(self) -> None:
        with self._lock:
            viewers = tuple(self._viewers)
        alive = self._alive({viewer.token for viewer in viewers})
        for viewer in viewers:
            # What they may do, or where, is another matter now: they begin anew, if they can.
            if alive.get(viewer.token) != viewer.who:
                viewer.end("session")
