"""What goes wrong, where and how often; everything from the seed.

A fault is chosen before a function begins, and strikes at a moment of its work: before a
statement, around a commit, around a message that is sent or a label that is bought. A function
that ends before its moment was lucky, and nothing is counted.
"""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from emulators.simulation.chance import Chance, VirtualClock
from shared.carriers.types import CarrierUnavailable
from shared.platform.outbox import NotSent


class DestinationDown(NotSent):
    """A topic or a queue that will be away for a while."""


class Fault(StrEnum):
    """What can go wrong."""

    DUPLICATE = "duplicate"
    REORDER = "reorder"
    DELAY = "delay"
    LOST_ACKNOWLEDGEMENT = "lost acknowledgement"
    CRASH_BEFORE_COMMIT = "crash before commit"
    CRASH_AFTER_COMMIT = "crash after commit"
    CRASH_WHILE_SENDING = "crash while sending"
    CRASH_WHILE_BUYING = "crash while buying"
    CONNECTION_CUT = "connection cut"
    COMMIT_ANSWER_LOST = "commit answer lost"
    LOCK_TIMEOUT = "lock time-out"
    DESTINATION_DOWN = "destination down"
    SEND_ANSWER_LOST = "send answer lost"
    CARRIER_DOWN = "carrier down"
    CARRIER_ANSWER_LOST = "carrier answer lost"
    CARRIER_OUT = "carrier out"  # for a while, and whether it does anything nobody knows


class Moment(StrEnum):
    """When something may go wrong inside a function."""

    STATEMENT = "statement"
    COMMIT = "commit"
    COMMITTED = "committed"
    SEND = "send"
    SENT = "sent"
    BUY = "buy"
    BOUGHT = "bought"
    RETRY = "retry"


F, M = Fault, Moment

# Of all messages that are taken in, and of all deliveries.
SHARES = {F.DUPLICATE: 0.03, F.REORDER: 0.05, F.DELAY: 0.03, F.LOST_ACKNOWLEDGEMENT: 0.02}
INSIDE_SHARE = 0.2  # of all calls of a function one of these is chosen, not all of them strike
INSIDE = {
    F.CRASH_BEFORE_COMMIT: 5.0,
    F.CRASH_AFTER_COMMIT: 3.0,
    F.CRASH_WHILE_SENDING: 2.0,
    F.CONNECTION_CUT: 0.7,
    F.COMMIT_ANSWER_LOST: 1.4,  # as rare as it is, each of a few thousand steps has its chance
    F.LOCK_TIMEOUT: 3.0,
    F.DESTINATION_DOWN: 2.0,
    F.SEND_ANSWER_LOST: 2.0,
}
INSIDE_A_PURCHASE = {
    **INSIDE,
    F.CRASH_WHILE_BUYING: 10.0,
    F.CARRIER_DOWN: 10.0,
    F.CARRIER_ANSWER_LOST: 10.0,
    F.CARRIER_OUT: 10.0,
}
# Where each strikes, and how many such moments it may let pass first.
STRIKES: dict[Fault, tuple[frozenset[Moment], int]] = {
    F.CRASH_BEFORE_COMMIT: (frozenset({M.STATEMENT, M.COMMIT}), 8),
    F.CRASH_AFTER_COMMIT: (frozenset({M.COMMITTED}), 2),
    F.CRASH_WHILE_SENDING: (frozenset({M.SEND, M.SENT}), 4),
    F.CRASH_WHILE_BUYING: (frozenset({M.BUY, M.BOUGHT}), 2),
    F.CONNECTION_CUT: (frozenset({M.STATEMENT, M.COMMIT}), 9),
    F.COMMIT_ANSWER_LOST: (frozenset({M.COMMITTED}), 2),
    F.LOCK_TIMEOUT: (frozenset({M.RETRY}), 1),
    F.DESTINATION_DOWN: (frozenset({M.SEND}), 2),
    F.SEND_ANSWER_LOST: (frozenset({M.SENT}), 2),
    F.CARRIER_DOWN: (frozenset({M.BUY}), 1),
    F.CARRIER_ANSWER_LOST: (frozenset({M.BOUGHT}), 1),
    F.CARRIER_OUT: (frozenset({M.BUY}), 1),
}
DOWN_S = (1.0, 120.0)  # how long a topic or queue is down
OUT_S = (60.0, 1_800.0)  # how long a carrier gives no answer


class Crashed(BaseException):
    """The process is no more. Not an Exception, so that nobody who answers for errors answers."""


class CarrierOut(Exception):
    """A carrier's outage begins."""


class Faults:
    """Chooses faults and counts those that struck."""

    def __init__(self, chance: Chance, clock: VirtualClock) -> None:
        self.struck = Counter[Fault]()
        self.active = True
        self.cut: Callable[[Any], None] = lambda _connection: None  # set by who has the database
        self._chance = chance
        self._clock = clock
        self._chosen: Fault | None = None
        self._left = 0
        self._down_until: dict[str, datetime] = {}
        self._out_until: dict[str, datetime] = {}

    def happens(self, fault: Fault) -> bool:
        """Whether a fault outside of a function is to happen now; counted if so."""
        if self.active and self._chance.happens(SHARES[fault]):
            self.struck[fault] += 1
            return True
        return False

    def choose(self, *, buys: bool = False) -> Fault | None:
        """Choose what is to go wrong in the function that is called next, if anything."""
        self._chosen = None
        if self.active and self._chance.happens(INSIDE_SHARE):
            self._chosen = self._chance.weighted(INSIDE_A_PURCHASE if buys else INSIDE)
            self._left = self._chance.below(STRIKES[self._chosen][1])
        return self._chosen

    def forget(self) -> None:
        """The function has ended; what did not strike does not."""
        self._chosen = None

    def reach(self, moment: Moment, connection: Any = None) -> None:
        """A moment has come.

        Args:
            moment: which one.
            connection: pg8000's, where the moment is one of the database.

        Raises:
            Crashed, NotSent, CarrierUnavailable, ConnectionError: what goes wrong here.
        """
        fault = self._chosen
        if fault is None:
            return
        moments, _ = STRIKES[fault]
        if moment not in moments:
            return
        self._left -= 1
        if self._left >= 0:
            return
        self._chosen = None
        self.struck[fault] += 1
        self._strike(fault, connection)

    def reach_destination(self, name: str) -> None:
        """A message is about to be sent to this topic or queue."""
        until = self._down_until.get(name)
        if until is not None:
            if self.active and self._clock.now < until:
                raise DestinationDown(name)
            del self._down_until[name]
        try:
            self.reach(Moment.SEND)
        except DestinationDown:
            down_s = self._chance.between(*DOWN_S)
            self._down_until[name] = self._clock.now + timedelta(seconds=down_s)
            raise

    def is_out(self, carrier: str) -> bool:
        """Whether the carrier gives no answer at this moment; perhaps it begins with this call."""
        until = self._out_until.get(carrier)
        if until is not None:
            if self.active and self._clock.now < until:
                return True
            del self._out_until[carrier]
        try:
            self.reach(Moment.BUY)
        except CarrierOut:
            out_s = self._chance.between(*OUT_S)
            self._out_until[carrier] = self._clock.now + timedelta(seconds=out_s)
            return True
        return False

    def _strike(self, fault: Fault, connection: Any) -> None:
        match fault:
            case Fault.DESTINATION_DOWN:
                raise DestinationDown("down")
            case Fault.SEND_ANSWER_LOST:
                raise NotSent("no answer")
            case Fault.CARRIER_DOWN | Fault.CARRIER_ANSWER_LOST:
                raise CarrierUnavailable("no answer")
            case Fault.CARRIER_OUT:
                raise CarrierOut
            case Fault.CONNECTION_CUT:
                self.cut(connection)
            case Fault.COMMIT_ANSWER_LOST:
                self.cut(connection)
                raise ConnectionError
            case Fault.LOCK_TIMEOUT:
                return
            case _:
                raise Crashed(fault)
