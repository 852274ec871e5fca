"""Definitions in the language of Avro, and what fits them."""

import io
import json
from typing import Any

import fastavro
from fastavro.validation import validate

from emulators.google.pubsub.definitions import BadDefinition, Misfit


class AvroDefinition:
    """One Avro schema.

    Raises:
        BadDefinition: the text is not one.
    """

    def __init__(self, text: str) -> None:
        try:
            self._schema = fastavro.parse_schema(json.loads(text))
            # In Avro's JSON every field is present; defaults are for readers of another schema.
            self._strict = fastavro.parse_schema(json.loads(text, object_hook=_without_default))
        except Exception as error:  # noqa: BLE001  the parser falls over what it does not know
            raise BadDefinition(_said(error)) from None

    def refuse_json(self, data: bytes) -> None:
        try:
            line = json.dumps(json.loads(data))
            (value,) = fastavro.json_reader(io.StringIO(line), self._strict)
            validate(value, self._schema, strict=True)
        except Exception as error:  # noqa: BLE001  the reader falls over what it does not expect
            raise Misfit(_said(error)) from None

    def refuse_binary(self, data: bytes) -> None:
        try:
            fastavro.schemaless_reader(io.BytesIO(data), self._schema, None)
        except Exception as error:  # noqa: BLE001  the reader falls over what it does not expect
            raise Misfit(_said(error)) from None


def _without_default(part: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in part.items() if key != "default"}


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
