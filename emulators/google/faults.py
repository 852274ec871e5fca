"""Faults on order: what goes wrong with the deliveries that leave this process.

| kind | what becomes of a delivery |
|---|---|
| fail | nothing is delivered; the sender sees `status` |
| delay | it leaves `delay_s` later |
| twice | two copies leave at once; the first copy's answer counts |
| reorder | it waits until a later one to the same target was answered, `delay_s` at most |
| lose_answer | it is delivered, and the sender sees a broken connection |

A delivery has several names: its service, its subscription, queue or job, and the function that it
goes to. A fault is for one name, and whatever bears it may be hit.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from urllib.parse import urlsplit

from emulators.google.outbound import NO_ANSWER, Answer

KINDS = ("fail", "delay", "twice", "reorder", "lose_answer")

Deliver = Callable[[], Awaitable[Answer]]


@dataclass(slots=True, eq=False)
class Fault:
    """`left` deliveries to `target` will still be hit."""

    kind: str
    target: str
    left: int
    status: int
    delay_s: float

    def shown(self) -> dict[str, object]:
        return asdict(self)


class Faults:
    """What is still to go wrong, in the order in which it was asked for."""

    def __init__(self) -> None:
        self.happened: Counter[str] = Counter()
        self._waiting: list[Fault] = []
        self._open: dict[str, asyncio.Event] = {}  # by paused name: set once it goes on
        self._held: dict[str, list[asyncio.Event]] = {}  # by name: deliveries to be overtaken

    def waiting(self) -> Sequence[Fault]:
        return tuple(self._waiting)

    def paused(self) -> Sequence[str]:
        return sorted(self._open)

    def is_idle(self) -> bool:
        """Whether every delivery goes its usual way."""
        return not (self._waiting or self._open or self._held)

    def order(self, fault: Fault) -> None:
        self._waiting.append(fault)

    def pause(self, name: str) -> None:
        """Hold back every delivery of that name; those under way go on."""
        self._open.setdefault(name, asyncio.Event())

    def resume(self, name: str) -> None:
        gate = self._open.pop(name, None)
        if gate is not None:
            gate.set()

    def clear(self) -> None:
        """Take everything back; what was held goes on its way."""
        self._waiting.clear()
        for name in self.paused():
            self.resume(name)
        for name in list(self._held):
            self._let_go([name])

    async def apply(self, names: Sequence[str], deliver: Deliver) -> Answer:
        """Deliver, or do what the next fault for one of `names` makes of it."""
        while gates := [self._open[name] for name in names if name in self._open]:
            await gates[0].wait()
        fault = self._take(names)
        if fault is None:
            answer = await deliver()
            self._let_go(names)
            return answer
        self.happened[fault.kind] += 1
        return await self._spoil(fault, deliver)

    async def _spoil(self, fault: Fault, deliver: Deliver) -> Answer:
        match fault.kind:
            case "fail":
                return Answer(fault.status)
            case "delay":
                await asyncio.sleep(fault.delay_s)
            case "twice":
                first, _ = await asyncio.gather(deliver(), deliver())
                return first
            case "reorder":
                await self._be_overtaken(fault)
            case _:
                await deliver()
                return Answer(NO_ANSWER)
        return await deliver()

    async def _be_overtaken(self, fault: Fault) -> None:
        passed = asyncio.Event()
        self._held.setdefault(fault.target, []).append(passed)
        try:
            async with asyncio.timeout(fault.delay_s):
                await passed.wait()
        except TimeoutError:
            return  # nothing came that could overtake it

    def _take(self, names: Sequence[str]) -> Fault | None:
        fault = next((each for each in self._waiting if each.target in names), None)
        if fault is not None:
            fault.left -= 1
            if fault.left == 0:
                self._waiting.remove(fault)
        return fault

    def _let_go(self, names: Sequence[str]) -> None:
        for name in names:
            for passed in self._held.get(name, ()):
                passed.set()
            self._held.pop(name, None)


def function_at(url: str) -> str:
    """The function behind an address: the first step of its path, empty when there is none."""
    return urlsplit(url).path.strip("/").partition("/")[0]
