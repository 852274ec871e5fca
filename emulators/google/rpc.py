"""gRPC services out of plain methods over the clients' own protobuf classes."""

import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import grpc
import grpc.aio

from emulators.disk import Broken, Disk

MAX_REQUEST_BYTES = 12 * 1024 * 1024  # a full publish (10 MB) and its attributes

# With SO_REUSEPORT two processes would share a port, and each get half of the calls.
SERVER_OPTIONS = (
    ("grpc.so_reuseport", 0),
    ("grpc.max_receive_message_length", MAX_REQUEST_BYTES),
    ("grpc.max_send_message_length", MAX_REQUEST_BYTES),
)

Item = TypeVar("Item")


class Refused(Exception):
    """The caller is told `code` and `message`, as Google would."""

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class PortTaken(Exception):
    """Nothing can listen at the address, most often because something else already does."""


@dataclass(frozen=True, slots=True)
class Method:
    """One remote procedure: the protobuf classes of its request and response, and what it does."""

    request: Any
    response: Any
    run: Callable[[Any], Awaitable[Any]]


def invalid(message: str) -> Refused:
    return Refused(grpc.StatusCode.INVALID_ARGUMENT, message)


def unimplemented(what: str) -> Refused:
    return Refused(grpc.StatusCode.UNIMPLEMENTED, f"This stand-in does not offer {what}.")


async def saved(disk: Disk) -> None:
    """Wait until all that was done so far is on the disk.

    Raises:
        Refused: UNAVAILABLE, the disk is broken.
    """
    try:
        await disk.saved()
    except Broken as broken:
        raise Refused(grpc.StatusCode.UNAVAILABLE, str(broken)) from None


def service(name: str, methods: Mapping[str, Method]) -> grpc.GenericRpcHandler:
    """A handler for the gRPC service `name`, for instance google.pubsub.v1.Publisher."""
    handlers = {
        verb: grpc.unary_unary_rpc_method_handler(
            _answering(method),
            request_deserializer=method.request.FromString,
            response_serializer=method.response.SerializeToString,
        )
        for verb, method in methods.items()
    }
    return grpc.method_handlers_generic_handler(name, handlers)


def _answering(method: Method) -> Callable[[Any, Any], Awaitable[Any]]:
    async def answer(request: Any, context: Any) -> Any:
        try:
            return await method.run(request)
        except Refused as refused:
            await context.abort(refused.code, refused.message)

    return answer


async def serve(
    services: Sequence[grpc.GenericRpcHandler], host: str, port: int
) -> tuple[grpc.aio.Server, int]:
    """Start a server at `host`:`port`, 0 for any free port; returns it with its port.

    Raises:
        PortTaken: the address cannot be listened at.
    """
    _refuse_taken(host, port)
    server = grpc.aio.server(options=SERVER_OPTIONS)
    server.add_generic_rpc_handlers(tuple(services))
    try:
        bound = server.add_insecure_port(f"{host}:{port}")
    except RuntimeError:
        raise PortTaken(f"Cannot listen at {host}:{port}: the port is taken.") from None
    await server.start()
    return server, bound


def _refuse_taken(host: str, port: int) -> None:
    """Ask the system first, because gRPC writes lines of its own when it cannot listen."""
    try:
        socket.create_server((host, port)).close()
    except OSError:
        raise PortTaken(f"Cannot listen at {host}:{port}: the port is taken.") from None


def page(items: Sequence[Item], size: int, token: str, limit: int) -> tuple[Sequence[Item], str]:
    """The page of `items` that `token` names, and the token of the next one, empty at the end.

    Raises:
        Refused: the token is not one of ours, or the size is negative.
    """
    if size < 0 or (token and not token.isdecimal()):
        raise invalid("The page size or the page token is invalid.")
    start = int(token or 0)
    end = start + min(size or limit, limit)
    return items[start:end], str(end) if end < len(items) else ""
