"""Schemas: what exists, their revisions, what is refused, and what fits."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from google.api_core import exceptions
from google.pubsub_v1 import Encoding, Schema, SchemaView

from tests.conformance.cloud import PROJECT, Cloud, unique
from tests.conformance.schemas import ABSENT, AVRO, ORDER, PROTOBUF, Schemas, record


@pytest.fixture(name="schemas")
def schemas_of_the_cloud(cloud: Cloud) -> Schemas:
    return Schemas(cloud)


# What exists


def test_a_schema_can_be_created_once_and_read(schemas: Schemas) -> None:
    made = schemas.create(record(id="string"))

    assert schemas.client.get_schema(name=made.name) == made
    assert (made.type_, made.definition) == (AVRO, record(id="string"))
    assert len(made.revision_id) == 8
    assert made.revision_create_time is not None
    with pytest.raises(exceptions.AlreadyExists):
        schemas.create(record(), schema_id=made.name.rpartition("/")[2])


@pytest.mark.parametrize("schema_id", ["x", "goog-x", "1abc", "abc@12345678", "a" * 256])
def test_a_malformed_schema_name_is_refused(schemas: Schemas, schema_id: str) -> None:
    with pytest.raises(exceptions.InvalidArgument):
        schemas.create(record(), schema_id=schema_id)


def test_an_absent_schema_is_not_found(schemas: Schemas) -> None:
    for call in (
        lambda: schemas.client.get_schema(name=ABSENT),
        lambda: schemas.commit(ABSENT, record()),
        lambda: schemas.client.rollback_schema(name=ABSENT, revision_id="12345678"),
        lambda: list(schemas.client.list_schema_revisions(name=ABSENT)),
        lambda: schemas.client.delete_schema_revision(name=f"{ABSENT}@12345678"),
        lambda: schemas.client.delete_schema(name=ABSENT),
        lambda: schemas.check(b"{}", name=ABSENT),
    ):
        with pytest.raises(exceptions.NotFound):
            call()


def test_the_basic_view_leaves_the_definition_out(schemas: Schemas) -> None:
    made = schemas.create(record(id="string"))

    request = {"name": made.name, "view": SchemaView.BASIC}
    basic = schemas.client.get_schema(request=request)

    assert (basic.name, basic.type_, basic.definition) == (made.name, AVRO, "")


def test_schemas_are_listed_by_project_in_pages(schemas: Schemas) -> None:
    project = f"projects/{unique('paged')}"
    schema = {"type_": AVRO, "definition": record()}
    for number in range(3):
        new = {"parent": project, "schema": schema, "schema_id": f"schema-{number}"}
        schemas.client.create_schema(request=new)

    asked = {"parent": project, "page_size": 2, "view": SchemaView.FULL}
    pages = [list(page.schemas) for page in schemas.client.list_schemas(request=asked).pages]

    assert [[each.name[-1] for each in page] for page in pages] == [["0", "1"], ["2"]]
    assert pages[0][0].definition == record()


def test_a_list_has_no_definitions_unless_it_is_asked_for_them(schemas: Schemas) -> None:
    made = schemas.create(record(id="string"))

    listed = list(schemas.client.list_schema_revisions(name=made.name))
    request = {"name": made.name, "view": SchemaView.FULL}
    in_full = list(schemas.client.list_schema_revisions(request=request))

    assert [each.definition for each in listed] == [""]
    assert in_full == [made]


def test_a_deleted_schema_is_gone_with_its_revisions_and_its_name_is_free(schemas: Schemas) -> None:
    made = schemas.create(record())
    schemas.commit(made.name, record(id="string"))

    schemas.client.delete_schema(name=made.name)

    for name in (made.name, f"{made.name}@{made.revision_id}"):
        with pytest.raises(exceptions.NotFound):
            schemas.client.get_schema(name=name)
    again = schemas.create(record(), schema_id=made.name.rpartition("/")[2])
    assert schemas.ids(made.name) == [again.revision_id]


# Definitions


@pytest.mark.parametrize(
    ("kind", "definition"),
    [
        (AVRO, ""),
        (AVRO, "{"),
        (AVRO, record(id="text")),
        (AVRO, record(id="int").replace('"int"}', '"int", "default": "x"}')),
        (Schema.Type.TYPE_UNSPECIFIED, record()),
    ],
    ids=["empty", "not json", "unknown type", "bad default", "no type"],
)
def test_a_wrong_definition_is_refused(schemas: Schemas, kind: int, definition: str) -> None:
    made = schemas.create(record())

    for call in (
        lambda: schemas.create(definition, kind),
        lambda: schemas.commit(made.name, definition, kind),
        lambda: schemas.client.validate_schema(
            parent=PROJECT, schema={"type_": kind, "definition": definition}
        ),
        lambda: schemas.check(b"{}", schema={"type_": kind, "definition": definition}),
    ):
        with pytest.raises(exceptions.InvalidArgument):
            call()
    assert schemas.ids(made.name) == [made.revision_id]


def test_a_definition_can_be_validated_before_it_is_used(schemas: Schemas) -> None:
    schema = {"type_": AVRO, "definition": record(id="string")}

    schemas.client.validate_schema(parent=PROJECT, schema=schema)


def test_a_definition_has_at_most_300_kb(schemas: Schemas) -> None:
    large = json.dumps({"type": "record", "name": "Order", "doc": "x" * 310_000, "fields": []})

    with pytest.raises(exceptions.InvalidArgument):
        schemas.create(large)


def test_a_wrong_protocol_buffer_definition_is_refused(schemas: Schemas) -> None:
    for definition in (
        "message Order { string id = 1 }",
        "message Order { Unknown it = 1; }",
        "message Order {} message Other {}",
        "message Order {} enum Colour { RED = 0; }",
        "",
        'import "google/protobuf/empty.proto"; message Order { google.protobuf.Empty it = 1; }',
    ):
        with pytest.raises(exceptions.InvalidArgument):
            schemas.create(f'syntax = "proto3"; {definition}', PROTOBUF)


# Revisions


def test_the_newest_revision_is_the_schema_and_older_ones_have_a_name(schemas: Schemas) -> None:
    first = schemas.create(record())

    second = schemas.commit(first.name, record(id="string"))

    assert schemas.client.get_schema(name=first.name) == second
    assert schemas.client.get_schema(name=f"{first.name}@{first.revision_id}") == first
    assert schemas.ids(first.name) == [first.revision_id, second.revision_id]
    with pytest.raises(exceptions.NotFound):
        schemas.client.get_schema(name=f"{first.name}@00000000")


def test_a_rollback_is_a_new_revision_that_copies_an_old_one(schemas: Schemas) -> None:
    first = schemas.create(record())
    second = schemas.commit(first.name, record(id="string"))

    back = schemas.client.rollback_schema(name=first.name, revision_id=first.revision_id)

    assert back.definition == first.definition
    assert schemas.client.get_schema(name=first.name) == back
    assert schemas.ids(first.name) == [
        first.revision_id,
        second.revision_id,
        back.revision_id,
    ]


def test_a_rollback_needs_a_revision_of_the_schema(schemas: Schemas) -> None:
    name = schemas.create(record()).name

    with pytest.raises(exceptions.NotFound):
        schemas.client.rollback_schema(name=name, revision_id="00000000")
    with pytest.raises(exceptions.InvalidArgument):
        schemas.client.rollback_schema(name=name, revision_id="")


def test_a_revision_can_be_deleted_unless_it_is_the_only_one(schemas: Schemas) -> None:
    made = [schemas.create(record())]
    made += [schemas.commit(made[0].name, record(id="string")) for _ in range(2)]
    first, second, third = (f"{made[0].name}@{each.revision_id}" for each in made)

    assert schemas.client.delete_schema_revision(name=first) == made[0]

    with pytest.raises(exceptions.NotFound):
        schemas.client.delete_schema_revision(name=first)
    schemas.client.delete_schema_revision(name=second)
    with pytest.raises(exceptions.InvalidArgument):
        schemas.client.delete_schema_revision(name=third)
    assert schemas.ids(made[0].name) == [made[2].revision_id]


def test_a_revision_to_be_deleted_is_named(schemas: Schemas) -> None:
    first = schemas.create(record())
    schemas.commit(first.name, record(id="string"))

    with pytest.raises(exceptions.NotFound):
        schemas.client.delete_schema_revision(name=first.name)


@pytest.mark.parametrize("verb", ["commit", "rollback", "list"])
def test_what_concerns_a_whole_schema_names_no_revision(schemas: Schemas, verb: str) -> None:
    made = schemas.create(record())
    name = f"{made.name}@{made.revision_id}"
    calls: dict[str, Callable[[], object]] = {
        "commit": lambda: schemas.commit(name, record()),
        "rollback": lambda: schemas.client.rollback_schema(name=name, revision_id=made.revision_id),
        "list": lambda: schemas.ids(name),
    }

    with pytest.raises(exceptions.InvalidArgument):
        calls[verb]()


def test_a_schema_has_at_most_twenty_revisions(schemas: Schemas) -> None:
    made = schemas.create(record())
    for _ in range(19):
        schemas.commit(made.name, record())

    with pytest.raises(exceptions.ResourceExhausted):
        schemas.commit(made.name, record())
    schemas.client.delete_schema_revision(name=f"{made.name}@{made.revision_id}")
    schemas.commit(made.name, record())


def test_a_rollback_needs_room_for_one_more_revision(schemas: Schemas) -> None:
    made = schemas.create(record())
    for _ in range(19):
        schemas.client.rollback_schema(name=made.name, revision_id=made.revision_id)

    with pytest.raises(exceptions.ResourceExhausted):
        schemas.client.rollback_schema(name=made.name, revision_id=made.revision_id)


def test_an_optional_field_may_come_and_go(schemas: Schemas) -> None:
    made = schemas.create(ORDER, PROTOBUF)
    units, sku = "optional int64 units = 2;", "optional string sku = 1;"

    for definition in (
        ORDER.replace(units, f"{units} optional string note = 4;"),
        ORDER.replace(units, ""),
        ORDER.replace(sku, f"{sku} optional string size = 2;"),
    ):
        schemas.commit(made.name, definition, PROTOBUF)

    assert len(schemas.ids(made.name)) == 4


def test_a_field_that_is_there_may_not_be_edited(schemas: Schemas) -> None:
    made = schemas.create(ORDER, PROTOBUF)

    for old, new in (
        ("int64 units", "string units"),
        ("int64 units", "int64 amount"),
        ("optional int64 units", "repeated int64 units"),
        ("string sku", "int64 sku"),
    ):
        with pytest.raises(exceptions.InvalidArgument, match=r"\.(units|sku) = "):
            schemas.commit(made.name, ORDER.replace(old, new), PROTOBUF)

    assert schemas.ids(made.name) == [made.revision_id]


def test_a_required_field_may_neither_come_nor_go(schemas: Schemas) -> None:
    without = 'syntax = "proto2"; message Order { optional string id = 1; }'
    with_one = without.replace("}", "required string note = 2; }")

    for before, after in ((without, with_one), (with_one, without)):
        made = schemas.create(before, PROTOBUF)
        with pytest.raises(exceptions.InvalidArgument, match="note is required"):
            schemas.commit(made.name, after, PROTOBUF)


def test_the_type_of_a_schema_stays(schemas: Schemas) -> None:
    made = schemas.create(ORDER, PROTOBUF)

    with pytest.raises(exceptions.InvalidArgument):
        schemas.commit(made.name, record())


# What fits


@pytest.mark.parametrize(
    ("data", "fits"),
    [
        ({"id": "o-1", "units": 2, "note": {"string": "x"}}, True),
        ({"id": "o-1", "units": 2, "note": None}, True),
        ({"note": None, "units": 2, "id": "o-1"}, True),
        ({"id": 1, "units": 2, "note": None}, False),
        ({"id": "o-1", "units": "2", "note": None}, False),
        ({"id": "o-1", "units": 3_000_000_000, "note": None}, False),
        ({"id": "o-1", "units": 2, "note": "x"}, False),
        ({"id": "o-1", "units": 2}, False),
        ([], False),
        (5, False),
    ],
    ids=str,
)
def test_json_fits_an_avro_schema_or_is_refused(schemas: Schemas, data: Any, fits: bool) -> None:
    name = schemas.create(record(id="string", units="int", note=["null", "string"])).name

    if fits:
        schemas.check(json.dumps(data).encode(), name=name)
    else:
        with pytest.raises(exceptions.InvalidArgument):
            schemas.check(json.dumps(data).encode(), name=name)


def test_the_default_of_an_avro_field_does_not_stand_in_for_it(schemas: Schemas) -> None:
    definition = record(id="string").replace('"string"}', '"string", "default": "x"}')

    with pytest.raises(exceptions.InvalidArgument):
        schemas.check(b"{}", schema={"type_": AVRO, "definition": definition})


def test_binary_fits_an_avro_schema_or_is_refused(schemas: Schemas) -> None:
    name = schemas.create(record(id="string", units="int")).name

    schemas.check(b"\x06o-1\x04", Encoding.BINARY, name=name)

    for data in (b"\x06o-1", b""):
        with pytest.raises(exceptions.InvalidArgument):
            schemas.check(data, Encoding.BINARY, name=name)


@pytest.mark.parametrize("data", [b"", b"{", b'{"id": "\xff"}'], ids=["empty", "cut", "not utf-8"])
def test_what_is_not_json_is_refused(schemas: Schemas, data: bytes) -> None:
    with pytest.raises(exceptions.InvalidArgument):
        schemas.check(data, schema={"type_": AVRO, "definition": record(id="string")})


def test_the_encoding_and_the_schema_have_to_be_said(schemas: Schemas) -> None:
    name = schemas.create(record()).name

    with pytest.raises(exceptions.InvalidArgument):
        schemas.check(b"{}", Encoding.ENCODING_UNSPECIFIED, name=name)
    with pytest.raises(exceptions.InvalidArgument):
        schemas.check(b"{}")


def test_a_message_is_checked_against_the_revision_that_is_named(schemas: Schemas) -> None:
    first = schemas.create(record(id="string"))
    schemas.commit(first.name, record(id="int"))

    schemas.check(b'{"id": 1}', name=first.name)
    schemas.check(b'{"id": "o-1"}', name=f"{first.name}@{first.revision_id}")

    with pytest.raises(exceptions.InvalidArgument):
        schemas.check(b'{"id": "o-1"}', name=first.name)


def test_json_fits_a_protocol_buffer_schema_or_is_refused(schemas: Schemas) -> None:
    name = schemas.create(ORDER, PROTOBUF).name

    for data in (b'{"id": "o-1", "units": 2, "lines": [{"sku": "MUG"}]}', b'{"units": "2"}', b"{}"):
        schemas.check(data, name=name)

    for data in (
        b'{"id": 1}',
        b'{"units": 1.5}',
        b'{"lines": {"sku": "MUG"}}',
        b'{"lines": [{"sku": 5}]}',
        b'{"unknown": 1}',
        b"[]",
        b"null",
        b"{",
        b"",
        b"\xff",
        b'{"lines": ' * 100_000,
    ):
        with pytest.raises(exceptions.InvalidArgument):
            schemas.check(data, name=name)


def test_binary_fits_a_protocol_buffer_schema_or_is_refused(schemas: Schemas) -> None:
    schema = {"type_": PROTOBUF, "definition": ORDER}

    schemas.check(b"\x0a\x03o-1\x10\x02", Encoding.BINARY, schema=schema)

    with pytest.raises(exceptions.InvalidArgument):
        schemas.check(b"\x0a\x09o-1", Encoding.BINARY, schema=schema)


def test_what_is_required_in_a_protocol_buffer_schema_has_to_be_there(schemas: Schemas) -> None:
    definition = 'syntax = "proto2"; message Order { required string id = 1; }'
    schema = {"type_": PROTOBUF, "definition": definition}

    schemas.check(b'{"id": "o-1"}', schema=schema)

    for data, encoding in ((b"{}", Encoding.JSON), (b"", Encoding.BINARY)):
        with pytest.raises(exceptions.InvalidArgument):
            schemas.check(data, encoding, schema=schema)
