"""hashicorp/google as far as its schema goes, so that Terraform runs without a network.

Terraform starts this program as it starts the real provider, and talks to it over plugin protocol
5. It serves `schema.json`, plans what the real one would only know after the change as unknown, and
refuses values that the schema rules out. It never calls Google. What it does not know: conflicts
between arguments, ranges and patterns, and the rules of Google's interfaces; the pipeline plans
with the real provider.

It speaks plaintext on loopback. Where Terraform starts it, it needs TF_DISABLE_PLUGIN_TLS=1; by
TF_REATTACH_PROVIDERS it uses one that runs already.
Source: https://github.com/hashicorp/terraform/blob/main/docs/plugin-protocol/tfplugin5.proto
"""

import json
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc
import msgpack

Json = dict[str, Any]
Handler = Callable[[bytes], bytes]

SCHEMA: Json = json.loads(Path(__file__).with_name("schema.json").read_text())
UNKNOWN = msgpack.ExtType(0, b"\0")
NESTING = {"single": 1, "list": 2, "set": 3}
PROJECT_NUMBER = "123456789012"

_stop = threading.Event()
_provider: Json = {}  # how this provider was configured


def field(number: int, value: str | bytes | int | bool | None) -> bytes:
    """One field in protobuf's wire format; nothing where there is no value."""
    if value is None or value is False:
        return b""
    if isinstance(value, int):
        return _varint(number << 3) + _varint(int(value))
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def parse(data: bytes) -> dict[int, bytes]:
    """The last length-delimited value of each field of a protobuf message."""
    found: dict[int, bytes] = {}
    position = 0
    while position < len(data):
        key, position = _read_varint(data, position)
        number, position = _read_varint(data, position)
        if key & 7 == 2:
            found[key >> 3] = data[position : position + number]
            position += number
    return found


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def _read_varint(data: bytes, position: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = data[position]
        number |= (byte & 127) << shift
        shift += 7
        position += 1
        if not byte & 128:
            return number, position


def _block(block: Json) -> bytes:
    out = b""
    for name, attribute in block["attributes"].items():
        out += field(
            2,
            field(1, name)
            + field(2, json.dumps(attribute["type"]))
            + field(4, attribute.get("required"))
            + field(5, attribute.get("optional"))
            + field(6, attribute.get("computed")),
        )
    for name, nested in block["block_types"].items():
        out += field(
            3,
            field(1, name)
            + field(2, _block(nested["block"]))
            + field(3, NESTING[nested["nesting_mode"]])
            + field(4, nested["min_items"])
            + field(5, nested["max_items"]),
        )
    return out


def _schema(block: Json) -> bytes:
    return field(2, _block(block))


def _get_schema(_request: bytes) -> bytes:
    out = field(1, _schema(SCHEMA["provider"]))
    for number, group in ((2, "resource_schemas"), (3, "data_source_schemas")):
        for name, block in SCHEMA[group].items():
            out += field(number, field(1, name) + field(2, _schema(block)))
    return out


def filled(value: Any, block: Json, make: Callable[[str], object]) -> Any:
    """`value` with what the provider decides, and nobody has set, made by `make`."""
    if not isinstance(value, dict):
        return value
    for name, attribute in block["attributes"].items():
        if attribute.get("computed") and value.get(name) is None:
            value[name] = make(name)
    for name, nested in block["block_types"].items():
        inner = value.get(name)
        if isinstance(inner, list):
            value[name] = [filled(one, nested["block"], make) for one in inner]
        elif nested.get("computed") and inner is None:
            value[name] = make(name)
    return value


def complaints(value: Mapping[str, Any], block: Json, path: str = "") -> Iterator[str]:
    """What the schema rules out beyond what Terraform checks by itself."""
    for name, attribute in block["attributes"].items():
        given = value.get(name)
        if given is None or isinstance(given, msgpack.ExtType):
            continue
        if attribute.get("computed") and not attribute.get("optional"):
            yield f"{path}{name} is decided by the provider and cannot be set"
        if "values" in attribute and given not in (*attribute["values"], ""):
            yield f"{path}{name} = {given!r}: expected one of {', '.join(attribute['values'])}"
    for name, nested in block["block_types"].items():
        inner = value.get(name)
        for one in inner if isinstance(inner, list) else []:
            yield from complaints(one, nested["block"], f"{path}{name}.")


def _dynamic(raw: bytes) -> Any:
    return msgpack.unpackb(parse(raw)[1], strict_map_key=False)


def _packed(number: int, value: object) -> bytes:
    return field(number, field(1, msgpack.packb(value)))


def _prepare(request: bytes) -> bytes:
    return field(1, parse(request)[1])


def _configure(request: bytes) -> bytes:
    _provider.update(_dynamic(parse(request)[2]))
    return b""


def _validate(request: bytes) -> bytes:
    message = parse(request)
    block = SCHEMA["resource_schemas"][message[1].decode()]
    return b"".join(
        field(1, field(1, 1) + field(2, "Invalid value") + field(3, complaint))
        for complaint in complaints(_dynamic(message[2]), block)
    )


def _plan(request: bytes) -> bytes:
    message = parse(request)
    kind = message[1].decode()
    proposed = _dynamic(message[3])
    if proposed is not None and _dynamic(message[2]) is None:
        _foresee(kind, proposed)
        proposed = filled(proposed, SCHEMA["resource_schemas"][kind], lambda _name: UNKNOWN)
    return _packed(1, proposed) + field(5, True)


def _foresee(kind: str, proposed: Json) -> None:
    """What the real provider already knows when it plans: how an account will be called."""
    account = proposed.get("account_id")
    if kind == "google_service_account" and isinstance(account, str):
        email = f"{account}@{_provider['project']}.iam.gserviceaccount.com"
        proposed |= {"email": email, "member": f"serviceAccount:{email}"}


def _read(request: bytes) -> bytes:
    message = parse(request)
    block = SCHEMA["data_source_schemas"][message[1].decode()]
    known = {"number": PROJECT_NUMBER}
    return _packed(1, filled(_dynamic(message[2]), block, known.get))


def _shut_down(_request: bytes) -> bytes:
    _stop.set()
    return b""


HANDLERS: dict[str, Handler] = {
    "tfplugin5.Provider/GetSchema": _get_schema,
    "tfplugin5.Provider/PrepareProviderConfig": _prepare,
    "tfplugin5.Provider/ValidateResourceTypeConfig": _validate,
    "tfplugin5.Provider/ValidateDataSourceConfig": lambda _request: b"",
    "tfplugin5.Provider/Configure": _configure,
    "tfplugin5.Provider/PlanResourceChange": _plan,
    "tfplugin5.Provider/ReadDataSource": _read,
    "tfplugin5.Provider/Stop": lambda _request: b"",
    "plugin.GRPCController/Shutdown": _shut_down,
}


class _Router(grpc.GenericRpcHandler):
    def service(
        self, details: grpc.HandlerCallDetails
    ) -> "grpc.RpcMethodHandler[bytes, bytes] | None":
        handler = HANDLERS.get(str(details.method).lstrip("/"))
        if handler is None:
            return None
        return grpc.unary_unary_rpc_method_handler(lambda request, _context: handler(request))


def main() -> None:
    """Serve until Terraform says that it is done."""
    if "TF_PLUGIN_MAGIC_COOKIE" not in os.environ:
        sys.exit("This is a plugin: Terraform starts it.")
    server = grpc.server(
        futures.ThreadPoolExecutor(4),
        handlers=[_Router()],
        options=[("grpc.max_send_message_length", -1)],
    )
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"1|5|tcp|127.0.0.1:{port}|grpc\n")
    sys.stdout.flush()
    _stop.wait()
    server.stop(0)


if __name__ == "__main__":
    main()
