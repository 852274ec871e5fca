"""Definitions in the language of Protocol Buffers: compiled, compared, and what fits them.

Source: https://cloud.google.com/pubsub/docs/schemas
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from google.protobuf import json_format
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
)
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass

from emulators.google.pubsub.definitions import BadDefinition, Misfit

_FILE = "schema.proto"


class ProtobufDefinition:
    """The one top-level message of a .proto file.

    Raises:
        BadDefinition: protoc refuses the text, or it imports something, or has another number of
            top-level types than one.
    """

    def __init__(self, text: str) -> None:
        file = _compiled(text)
        if file.dependency:
            raise BadDefinition("imports are not supported")
        types = len(file.message_type) + len(file.enum_type)
        if types != 1 or not file.message_type:
            raise BadDefinition(f"one top-level message is needed and nothing else, not {types}")
        self.declared = file.message_type[0]
        pool: Any = DescriptorPool()
        top = pool.AddSerializedFile(file.SerializeToString())
        self._message: Any = GetMessageClass(top.message_types_by_name[self.declared.name])

    def refuse_json(self, data: bytes) -> None:
        # The parser takes an empty list for an empty message.
        if not data.lstrip().startswith(b"{"):
            raise Misfit("it is not a JSON object")
        try:
            _refuse_incomplete(json_format.Parse(data, self._message()))
        except (json_format.ParseError, ValueError, RecursionError) as error:
            raise Misfit(str(error)) from None

    def refuse_binary(self, data: bytes) -> None:
        try:
            _refuse_incomplete(self._message.FromString(data))
        except DecodeError as error:
            raise Misfit(str(error)) from None

    def edits_of(self, earlier: "ProtobufDefinition") -> list[str]:
        """Sentences about all that a revision of `earlier` may not change.

        Optional fields may come and go. All else stays as it is.
        """
        return list(_edits(earlier.declared, self.declared))


def _compiled(text: str) -> FileDescriptorProto:
    """The descriptor of `text`, by protoc in a process of its own.

    Within ours the compiler would write to our stderr, and could not be stopped.
    """
    with TemporaryDirectory() as folder:
        source, compiled = Path(folder, _FILE), Path(folder, "compiled")
        source.write_text(text)
        ended = subprocess.run(
            [
                sys.executable, "-m", "grpc_tools.protoc", f"--proto_path={folder}",
                f"--descriptor_set_out={compiled}", _FILE,
            ],
            capture_output=True,
            text=True,
            check=False,
        )  # fmt: skip
        if ended.returncode != 0:
            raise BadDefinition(ended.stderr.strip())
        (file,) = FileDescriptorSet.FromString(compiled.read_bytes()).file
    return file


def _refuse_incomplete(message: Any) -> None:
    if missing := message.FindInitializationErrors():
        raise Misfit(f"{', '.join(missing)} is missing")


def _edits(old: DescriptorProto, new: DescriptorProto) -> Iterator[str]:
    before = {field.number: field for field in old.field}
    after = {field.number: field for field in new.field}
    for number in sorted(before.keys() ^ after.keys()):
        field = before.get(number) or after[number]
        if field.label == FieldDescriptorProto.LABEL_REQUIRED:
            yield f"{old.name}.{field.name} is required, so it can neither come nor go."
    for number in sorted(before.keys() & after.keys()):
        if _essence(before[number]) != _essence(after[number]):
            yield f"{old.name}.{before[number].name} = {number} is another field than before."
    inner = {nested.name: nested for nested in new.nested_type}
    for nested in old.nested_type:
        if nested.name in inner:
            yield from _edits(nested, inner[nested.name])


def _essence(field: FieldDescriptorProto) -> tuple[object, ...]:
    """A field without its place among the others, which moves when one comes or goes."""
    return field.name, field.label, field.type, field.type_name, field.proto3_optional
