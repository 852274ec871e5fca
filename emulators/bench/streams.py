"""As many instances of the stream as so many viewers have in production, beside the stack's own."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

from emulators.laptop.processes import free_port
from emulators.laptop.stack import READY_TIMEOUT_S, Stack

NAME = "ops_stream"


@dataclass(frozen=True, slots=True)
class Stream:
    """An instance: where it answers, and its process."""

    address: str
    pid: int


@contextmanager
def streams(stack: Stack, viewers: int) -> Iterator[Sequence[Stream]]:
    """Instances with room for so many viewers.

    Raises:
        ProcessFailed: one did not come up.
    """
    first, address = stack.processes[NAME], stack.addresses[NAME]
    port = address.split(":")[2].partition("/")[0]
    found = [Stream(address, first.pid)]
    with ExitStack() as running:
        for number in range(1, -(-viewers // stack.manifests[NAME].limits.concurrency)):
            own = str(free_port())
            process = replace(
                first,
                name=f"{NAME}-{number}",
                command=tuple(own if word == port else word for word in first.command),
                log=first.log.with_name(f"{NAME}-{number}.log"),
            )
            process.start()
            running.callback(process.stop)
            process.ready_line("http", READY_TIMEOUT_S)
            found.append(Stream(address.replace(f":{port}/", f":{own}/"), process.pid))
        yield found
