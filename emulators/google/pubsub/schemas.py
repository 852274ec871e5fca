"""The schemas that exist: each a row of revisions, and what topics ask of them."""

import asyncio
import copy
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import grpc
from google.pubsub_v1 import types

from emulators.google.pubsub import names
from emulators.google.pubsub.definitions import BadDefinition, Definition, Misfit
from emulators.google.pubsub.journal import Journal
from emulators.google.pubsub.protobuf import ProtobufDefinition
from emulators.google.pubsub.shelf import Shelf, not_found
from emulators.google.rpc import Refused, invalid, unimplemented

MAX_DEFINITION_BYTES = 300_000
MAX_REVISIONS = 20
DELETED = "_deleted-schema_"
DELETED_REVISION = "_deleted-schema-revision_"


@dataclass(slots=True)
class Revision:
    """`resource` is the protobuf Schema as clients see it, without the revision in its name."""

    resource: Any
    understood: Definition | None = None

    @property
    def revision_id(self) -> str:
        return str(self.resource.revision_id)

    async def definition(self) -> Definition:
        """Its definition; after a restart it is understood when it is first needed."""
        if self.understood is None:
            self.understood = await read(self.resource)
        return self.understood


class Schemas:
    """Raises Refused with Google's status when a name is taken or unknown."""

    def __init__(self, journal: Journal, now: Callable[[], datetime]) -> None:
        self._journal = journal
        self._now = now
        self._shelf: Shelf[list[Revision]] = Shelf()

    def restore(self, kept: Iterable[Any]) -> None:
        """Put back what `_keep` noted."""
        for resource in sorted(kept, key=lambda each: each.revision_create_time.ToNanoseconds()):
            resource.name = resource.name.partition("@")[0]
            if resource.name not in self._shelf:
                self._shelf.add(resource.name, [])
            self._shelf.get(resource.name).append(Revision(resource))

    def all(self) -> list[Any]:
        """The newest revision of every schema."""
        return [revisions[-1].resource for revisions in self._shelf.all()]

    def revisions(self, name: str) -> Sequence[Revision]:
        """All revisions, the oldest first."""
        names.check(name, "schemas")
        return self._shelf.get(name)

    def find(self, name: str) -> Revision:
        """The revision that stands behind an @ in `name`, or else the newest."""
        schema, at, revision_id = name.partition("@")
        revisions = self.revisions(schema)
        return _named(revisions, revision_id) if at else revisions[-1]

    async def create(self, resource: Any) -> Any:
        names.check(resource.name, "schemas")
        fresh = self._stamped(Revision(resource, await read(resource)))
        self._shelf.add(resource.name, [fresh])
        self._keep(fresh)
        return fresh.resource

    async def commit(self, resource: Any) -> Any:
        """Add a revision of the schema that `resource` names.

        Raises:
            Refused: INVALID_ARGUMENT, it changes what a revision may not; RESOURCE_EXHAUSTED,
                there are as many as there may be.
        """
        newest = self.revisions(resource.name)[-1]
        if resource.type_ != newest.resource.type_:
            raise invalid("The type of a schema cannot be changed.")
        before, after = await newest.definition(), await read(resource)
        if (
            isinstance(before, ProtobufDefinition)
            and isinstance(after, ProtobufDefinition)
            and (edits := after.edits_of(before))
        ):
            raise invalid(f"The revision is incompatible. {' '.join(edits)}")
        return self._add(Revision(resource, after))

    def rollback(self, name: str, revision_id: str) -> Any:
        """Make a copy of a revision the newest."""
        revisions = self.revisions(name)
        if not revision_id:
            raise invalid("The revision to go back to is missing.")
        return self._add(_named(revisions, revision_id))

    def delete_revision(self, name: str) -> Any:
        """Take away the revision that stands behind the @ in `name`; returns it."""
        schema, _, revision_id = name.partition("@")
        revisions = self._shelf.get(schema)
        found = _named(self.revisions(schema), revision_id)
        if len(revisions) == 1:
            raise invalid("The last revision of a schema cannot be deleted; delete the schema.")
        revisions.remove(found)
        self._journal.forget(_kept_name(found))
        return found.resource

    def delete(self, name: str) -> None:
        names.check(name, "schemas")
        for revision in self._shelf.remove(name):
            self._journal.forget(_kept_name(revision))

    def refuse_settings(self, settings: Any) -> None:
        """Refuse a topic's SchemaSettings that ask for what is not there.

        Raises:
            Refused: NOT_FOUND, there is no such schema or revision; INVALID_ARGUMENT, the schema
                or the encoding is missing, or the first revision is younger than the last.
        """
        if not settings.schema:
            raise invalid("The schema settings name no schema.")
        revisions = self._shelf.get(settings.schema)
        if not settings.encoding:
            raise invalid("The schema settings name no encoding.")
        bounds = [
            revisions.index(_named(revisions, revision_id))
            for revision_id in (settings.first_revision_id, settings.last_revision_id)
            if revision_id
        ]
        if bounds != sorted(bounds):
            raise invalid("The first revision was created after the last one.")

    async def stamp(self, settings: Any, messages: Iterable[Any]) -> None:
        """Write into the attributes of each message which revision it fits: the newest allowed.

        Raises:
            Refused: INVALID_ARGUMENT, one of them fits none; NOT_FOUND, the schema is deleted.
        """
        if settings.schema == DELETED:
            raise Refused(grpc.StatusCode.NOT_FOUND, "The topic's schema was deleted.")
        allowed = _allowed(self._shelf.get(settings.schema), settings)
        for message in messages:
            revision = await _fitting(allowed, message.data, settings.encoding)
            message.attributes["googclient_schemaencoding"] = types.Encoding(settings.encoding).name
            message.attributes["googclient_schemaname"] = settings.schema
            message.attributes["googclient_schemarevisionid"] = revision.revision_id

    def _add(self, revision: Revision) -> Any:
        revisions = self._shelf.get(revision.resource.name)
        if len(revisions) >= MAX_REVISIONS:
            raise Refused(
                grpc.StatusCode.RESOURCE_EXHAUSTED,
                f"A schema has at most {MAX_REVISIONS} revisions.",
            )
        fresh = self._stamped(revision)
        revisions.append(fresh)
        self._keep(fresh)
        return fresh.resource

    def _stamped(self, revision: Revision) -> Revision:
        """The same as a revision of its own, made now."""
        resource = copy.deepcopy(revision.resource)
        resource.revision_id = secrets.token_hex(4)
        resource.revision_create_time.FromDatetime(self._now())
        return replace(revision, resource=resource)

    def _keep(self, revision: Revision) -> None:
        kept = copy.deepcopy(revision.resource)
        kept.name = _kept_name(revision)
        self._journal.keep(kept)


async def read(resource: Any) -> Definition:
    """The definition of a protobuf Schema, understood.

    Raises:
        Refused: INVALID_ARGUMENT, it has none or it is wrong.
    """
    if resource.HasField("compiled_proto_schema"):
        raise unimplemented("schemas that are compiled already")
    if not resource.type_:
        raise invalid("The type of the schema is missing.")
    if len(resource.definition.encode()) > MAX_DEFINITION_BYTES:
        raise invalid(f"The definition of a schema has at most {MAX_DEFINITION_BYTES} bytes.")
    try:
        return await asyncio.to_thread(_understood, resource.type_, resource.definition)
    except BadDefinition as bad:
        raise invalid(f"Invalid schema definition: {bad}.") from None


async def refuse_misfit(revision: Revision, data: bytes, encoding: int) -> None:
    """Refuse data that do not fit.

    Raises:
        Refused: INVALID_ARGUMENT.
    """
    if not encoding:
        raise invalid("The encoding of the message is missing.")
    await _fitting([revision], data, encoding)


def _understood(kind: int, text: str) -> Definition:
    if kind == types.Schema.Type.PROTOCOL_BUFFER:
        return ProtobufDefinition(text)
    from emulators.google.pubsub.avro import AvroDefinition  # noqa: PLC0415  up to half a second

    return AvroDefinition(text)


async def _fitting(revisions: Iterable[Revision], data: bytes, encoding: int) -> Revision:
    """The first of the revisions that the data fit."""
    reasons = []
    for revision in revisions:
        definition = await revision.definition()
        is_json = encoding == types.Encoding.JSON
        try:
            (definition.refuse_json if is_json else definition.refuse_binary)(data)
        except Misfit as misfit:
            reasons.append(f"{revision.revision_id}: {misfit}")
        else:
            return revision
    raise invalid(f"The message does not fit the schema. {'; '.join(reasons)}")


def _allowed(revisions: Sequence[Revision], settings: Any) -> list[Revision]:
    """The revisions between the two that the settings name, the newest first.

    A bound that is missing, or was deleted, is none.
    """
    ids = [revision.revision_id for revision in revisions]
    first, last = settings.first_revision_id, settings.last_revision_id
    start = ids.index(first) if first in ids else 0
    end = ids.index(last) + 1 if last in ids else len(ids)
    return list(reversed(revisions[start:end]))


def _named(revisions: Iterable[Revision], revision_id: str) -> Revision:
    for revision in revisions:
        if revision.revision_id == revision_id:
            return revision
    raise not_found(revision_id)


def _kept_name(revision: Revision) -> str:
    return f"{revision.resource.name}@{revision.revision_id}"
