"""Schemas as Google's client makes them, and short ways to say what a test needs."""

import json
from typing import Any

import grpc
from google.pubsub_v1 import Encoding, Schema, SchemaServiceClient
from google.pubsub_v1.services.schema_service.transports import SchemaServiceGrpcTransport

from tests.conformance.cloud import PROJECT, Cloud, unique

AVRO, PROTOBUF = Schema.Type.AVRO, Schema.Type.PROTOCOL_BUFFER
ABSENT = f"{PROJECT}/schemas/absent"
ORDER = """
    syntax = "proto3";
    message Order {
      message Line { optional string sku = 1; }
      optional string id = 1;
      optional int64 units = 2;
      repeated Line lines = 3;
    }
"""


def record(**fields: Any) -> str:
    """An Avro record with these fields and their types."""
    listed = [{"name": name, "type": kind} for name, kind in fields.items()]
    return json.dumps({"type": "record", "name": "Order", "fields": listed})


class Schemas:
    """The schemas of one server, and short ways to say what a test needs."""

    def __init__(self, cloud: Cloud) -> None:
        channel = grpc.insecure_channel(cloud.addresses["pubsub"])
        self.client: Any = SchemaServiceClient(
            transport=SchemaServiceGrpcTransport(channel=channel)
        )
        self._cloud = cloud

    def create(self, definition: str, kind: int = AVRO, schema_id: str = "") -> Any:
        schema = {"type_": kind, "definition": definition}
        request = {"parent": PROJECT, "schema": schema, "schema_id": schema_id or unique("schema")}
        return self.client.create_schema(request=request)

    def commit(self, name: str, definition: str, kind: int = AVRO) -> Any:
        schema = {"name": name, "type_": kind, "definition": definition}
        return self.client.commit_schema(request={"name": name, "schema": schema})

    def ids(self, name: str) -> list[str]:
        return [each.revision_id for each in self.client.list_schema_revisions(name=name)]

    def check(self, data: bytes, encoding: int = Encoding.JSON, **against: Any) -> None:
        """Have `data` checked against a schema, by `name` or the `schema` itself."""
        request = {"parent": PROJECT, "message": data, "encoding": encoding, **against}
        self.client.validate_message(request=request)

    def topic(self, schema: str, encoding: int = Encoding.JSON, **more: str) -> str:
        settings = {"schema": schema, "encoding": encoding, **more}
        request = {"name": f"{PROJECT}/topics/{unique('topic')}", "schema_settings": settings}
        return str(self._cloud.publisher.create_topic(request=request).name)
