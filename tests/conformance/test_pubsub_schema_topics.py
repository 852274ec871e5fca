"""Topics that are bound to a schema: what they take, by which revision, and what is left of it."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from google.api_core import exceptions
from google.protobuf.field_mask_pb2 import FieldMask
from google.pubsub_v1 import Encoding

from tests.conformance.cloud import PROJECT, Cloud, unique
from tests.conformance.pubsub_alone import alone
from tests.conformance.schemas import ABSENT, ORDER, PROTOBUF, Schemas, record


@pytest.fixture(name="schemas")
def schemas_of_the_cloud(cloud: Cloud) -> Schemas:
    return Schemas(cloud)


def test_a_topic_takes_what_fits_and_says_by_which_schema(schemas: Schemas, cloud: Cloud) -> None:
    made = schemas.create(record(id="string"))
    topic = schemas.topic(made.name)
    name = cloud.subscribe(topic)

    cloud.publish(topic, {"data": b'{"id": "o-1"}', "attributes": {"a": "1"}})

    (received,) = cloud.pull(name)
    assert received.message.data == b'{"id": "o-1"}'
    assert received.message.attributes == {
        "a": "1",
        "googclient_schemaencoding": "JSON",
        "googclient_schemaname": made.name,
        "googclient_schemarevisionid": made.revision_id,
    }


def test_a_topic_refuses_the_whole_batch_when_one_does_not_fit(
    schemas: Schemas, cloud: Cloud
) -> None:
    topic = schemas.topic(schemas.create(record(id="string")).name)
    name = cloud.subscribe(topic)

    with pytest.raises(exceptions.InvalidArgument):
        cloud.publish(topic, {"data": b'{"id": "o-1"}'}, {"data": b'{"id": 1}'})
    cloud.publish(topic, {"data": b'{"id": "o-2"}'})

    assert [each.message.data for each in cloud.pull(name)] == [b'{"id": "o-2"}']


def test_a_topic_takes_the_encoding_that_it_was_given(schemas: Schemas, cloud: Cloud) -> None:
    topic = schemas.topic(schemas.create(record(id="string")).name, Encoding.BINARY)
    name = cloud.subscribe(topic)

    cloud.publish(topic, {"data": b"\x06o-1"})
    with pytest.raises(exceptions.InvalidArgument):
        cloud.publish(topic, {"data": b"{"})

    (received,) = cloud.pull(name)
    assert received.message.attributes["googclient_schemaencoding"] == "BINARY"


def test_a_topic_takes_what_fits_its_protocol_buffer_schema(schemas: Schemas, cloud: Cloud) -> None:
    topic = schemas.topic(schemas.create(ORDER, PROTOBUF).name)

    cloud.publish(topic, {"data": b'{"units": 2}'})

    with pytest.raises(exceptions.InvalidArgument):
        cloud.publish(topic, {"data": b'{"units": []}'})


def test_a_topic_is_created_and_changed_only_with_what_is_there(
    schemas: Schemas, cloud: Cloud
) -> None:
    first = schemas.create(record(id="string"))
    second = schemas.commit(first.name, record(id="int"))
    topic = schemas.topic(first.name)
    wrong: list[tuple[dict[str, Any], type[Exception]]] = [
        ({"schema": ABSENT, "encoding": Encoding.JSON}, exceptions.NotFound),
        ({"encoding": Encoding.JSON}, exceptions.InvalidArgument),
        ({"schema": first.name}, exceptions.InvalidArgument),
        (
            {"schema": first.name, "encoding": Encoding.JSON, "first_revision_id": "00000000"},
            exceptions.NotFound,
        ),
        (
            {
                "schema": first.name,
                "encoding": Encoding.JSON,
                "first_revision_id": second.revision_id,
                "last_revision_id": first.revision_id,
            },
            exceptions.InvalidArgument,
        ),
    ]

    for settings, refusal in wrong:
        new = f"{PROJECT}/topics/{unique('topic')}"
        with pytest.raises(refusal):
            cloud.publisher.create_topic(request={"name": new, "schema_settings": settings})
        with pytest.raises(refusal):
            bind(cloud, topic, **settings)
    found = cloud.publisher.get_topic(request={"topic": topic})
    assert found.schema_settings.schema == first.name


def bind(cloud: Cloud, topic: str, **settings: Any) -> Any:
    """Have a topic's schema settings changed; none takes its schema away."""
    changed = {"name": topic, **({"schema_settings": settings} if settings else {})}
    mask = FieldMask(paths=["schema_settings"])
    return cloud.publisher.update_topic(request={"topic": changed, "update_mask": mask})


def test_a_topic_can_be_bound_and_freed_later(schemas: Schemas, cloud: Cloud) -> None:
    name = schemas.create(record(id="string")).name
    topic = cloud.topic()

    bound = bind(cloud, topic, schema=name, encoding=Encoding.JSON)
    with pytest.raises(exceptions.InvalidArgument):
        cloud.publish(topic, {"data": b"anything"})
    freed = bind(cloud, topic)
    cloud.publish(topic, {"data": b"anything"})

    assert bound.schema_settings.schema == name
    assert "schema_settings" not in freed


def test_of_the_revisions_between_two_the_newest_that_fits_is_named(
    schemas: Schemas, cloud: Cloud
) -> None:
    text = schemas.create(record(id="string"))
    number = schemas.commit(text.name, record(id="int"))
    again = schemas.commit(text.name, record(id="int"))
    schemas.commit(text.name, record(id="boolean"))
    bounds = {"first_revision_id": text.revision_id, "last_revision_id": again.revision_id}
    topic = schemas.topic(text.name, **bounds)
    name = cloud.subscribe(topic)

    cloud.publish(topic, {"data": b'{"id": "o-1"}'}, {"data": b'{"id": 1}'})
    with pytest.raises(exceptions.InvalidArgument):
        cloud.publish(topic, {"data": b'{"id": true}'})

    fitted = [each.message.attributes["googclient_schemarevisionid"] for each in cloud.pull(name)]
    assert fitted == [text.revision_id, again.revision_id]
    assert number.revision_id != again.revision_id


def test_a_topic_without_bounds_takes_new_revisions_at_once(schemas: Schemas, cloud: Cloud) -> None:
    made = schemas.create(record(id="string"))
    topic = schemas.topic(made.name)

    schemas.commit(made.name, record(id="int"))

    cloud.publish(topic, {"data": b'{"id": 1}'}, {"data": b'{"id": "o-1"}'})


def test_a_bound_that_was_deleted_shows_it_and_bounds_nothing(
    schemas: Schemas, cloud: Cloud
) -> None:
    first = schemas.create(record(id="string"))
    second = schemas.commit(first.name, record(id="int"))
    topic = schemas.topic(
        first.name, first_revision_id=first.revision_id, last_revision_id=second.revision_id
    )

    schemas.client.delete_schema_revision(name=f"{first.name}@{first.revision_id}")

    settings = cloud.publisher.get_topic(request={"topic": topic}).schema_settings
    assert settings.first_revision_id == "_deleted-schema-revision_"
    assert settings.last_revision_id == second.revision_id
    cloud.publish(topic, {"data": b'{"id": 1}'})
    with pytest.raises(exceptions.InvalidArgument):
        cloud.publish(topic, {"data": b'{"id": "o-1"}'})


def test_a_topic_whose_schema_was_deleted_takes_nothing_until_it_is_freed(
    schemas: Schemas, cloud: Cloud
) -> None:
    made = schemas.create(record(id="string"))
    topic = schemas.topic(made.name)

    schemas.client.delete_schema(name=made.name)

    shown = cloud.publisher.get_topic(request={"topic": topic})
    assert shown.schema_settings.schema == "_deleted-schema_"
    with pytest.raises(exceptions.NotFound):
        cloud.publish(topic, {"data": b'{"id": "o-1"}'})
    bind(cloud, topic)
    cloud.publish(topic, {"data": b'{"id": "o-1"}'})


def test_the_rest_of_a_topic_may_change_after_its_schema_was_deleted(
    schemas: Schemas, cloud: Cloud
) -> None:
    made = schemas.create(record(id="string"))
    topic = schemas.topic(made.name)
    schemas.client.delete_schema(name=made.name)

    longer = {"name": topic, "message_retention_duration": timedelta(hours=1)}
    mask = FieldMask(paths=["message_retention_duration"])
    shown = cloud.publisher.update_topic(request={"topic": longer, "update_mask": mask})

    assert shown.message_retention_duration == timedelta(hours=1)
    assert shown.schema_settings.schema == "_deleted-schema_"


def test_schemas_and_their_topics_come_back_after_a_restart(tmp_path: Path) -> None:
    with alone(tmp_path) as cloud:
        schemas = Schemas(cloud)
        first = schemas.create(ORDER, PROTOBUF)
        second = schemas.commit(
            first.name, ORDER.replace("optional int64 units = 2;", ""), PROTOBUF
        )
        topic = schemas.topic(first.name)
        deleted = schemas.create(record()).name
        schemas.client.delete_schema(name=deleted)

    with alone(tmp_path) as cloud:
        schemas = Schemas(cloud)
        assert schemas.client.get_schema(name=first.name) == second
        assert schemas.ids(first.name) == [first.revision_id, second.revision_id]
        cloud.publish(topic, {"data": b'{"units": 2}'})
        for data in (b'{"units": []}', b""):
            with pytest.raises(exceptions.InvalidArgument):
                cloud.publish(topic, {"data": data, "attributes": {"a": "1"}})
        with pytest.raises(exceptions.NotFound):
            schemas.client.get_schema(name=deleted)
