"""google.pubsub.v1.SchemaService: schemas, their revisions, and what fits them."""

import copy
from typing import Any

from google.protobuf.empty_pb2 import Empty
from google.pubsub_v1 import types

from emulators.google.pubsub import schemas
from emulators.google.pubsub.methods import kept, listed, method, of_project
from emulators.google.pubsub.topics import Topics
from emulators.google.rpc import Method, invalid


class SchemaService:
    """The methods over the schemas of `topics`."""

    def __init__(self, topics: Topics) -> None:
        self._topics = topics
        self._schemas = topics.schemas

    def methods(self) -> dict[str, Method]:
        schema = types.Schema.pb()
        reading = {
            "GetSchema": Method(types.GetSchemaRequest.pb(), schema, self._get),
            "ListSchemas": method("ListSchemas", self._list),
            "ListSchemaRevisions": method("ListSchemaRevisions", self._list_revisions),
            "ValidateSchema": method("ValidateSchema", self._validate),
            "ValidateMessage": method("ValidateMessage", self._validate_message),
        }
        delete_revision = types.DeleteSchemaRevisionRequest.pb()
        writing = {
            "CreateSchema": Method(types.CreateSchemaRequest.pb(), schema, self._create),
            "CommitSchema": Method(types.CommitSchemaRequest.pb(), schema, self._commit),
            "RollbackSchema": Method(types.RollbackSchemaRequest.pb(), schema, self._rollback),
            "DeleteSchemaRevision": Method(delete_revision, schema, self._delete_revision),
            "DeleteSchema": Method(types.DeleteSchemaRequest.pb(), Empty, self._delete),
        }
        journal = self._topics.journal
        return reading | {verb: kept(journal, each) for verb, each in writing.items()}

    async def _create(self, request: Any) -> Any:
        request.schema.name = f"{request.parent}/schemas/{request.schema_id}"
        return await self._schemas.create(request.schema)

    async def _get(self, request: Any) -> Any:
        found = self._schemas.find(request.name).resource
        return _shown(found, request.view or types.SchemaView.FULL)

    async def _list(self, request: Any) -> Any:
        found = of_project(self._schemas.all(), request.parent)
        return listed("ListSchemas", "schemas", _all_shown(found, request.view), request)

    async def _list_revisions(self, request: Any) -> Any:
        found = [revision.resource for revision in self._schemas.revisions(request.name)]
        return listed("ListSchemaRevisions", "schemas", _all_shown(found, request.view), request)

    async def _commit(self, request: Any) -> Any:
        request.schema.name = request.name
        return await self._schemas.commit(request.schema)

    async def _rollback(self, request: Any) -> Any:
        return self._schemas.rollback(request.name, request.revision_id)

    async def _delete_revision(self, request: Any) -> Any:
        return self._topics.delete_schema_revision(request.name)

    async def _delete(self, request: Any) -> Any:
        self._topics.delete_schema(request.name)
        return Empty()

    async def _validate(self, request: Any) -> Any:
        await schemas.read(request.schema)
        return types.ValidateSchemaResponse.pb()()

    async def _validate_message(self, request: Any) -> Any:
        match request.WhichOneof("schema_spec"):
            case "name":
                revision = self._schemas.find(request.name)
            case "schema":
                revision = schemas.Revision(request.schema)
            case _:
                raise invalid("A message is checked against a schema or the name of one.")
        await schemas.refuse_misfit(revision, request.message, request.encoding)
        return types.ValidateMessageResponse.pb()()


def _all_shown(found: list[Any], view: int) -> list[Any]:
    return [_shown(resource, view or types.SchemaView.BASIC) for resource in found]


def _shown(resource: Any, view: int) -> Any:
    shown = copy.deepcopy(resource)
    if view == types.SchemaView.BASIC:
        shown.ClearField("definition")
    return shown
