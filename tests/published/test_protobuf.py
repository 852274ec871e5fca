"""Pub/Sub's schemas of the inbound topics: additive, numbered for ever, and fit for goldens."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import grpc
import pytest
from google.api_core.exceptions import InvalidArgument
from google.pubsub_v1 import Encoding, SchemaServiceClient
from google.pubsub_v1.services.schema_service.transports import SchemaServiceGrpcTransport

from emulators.laptop import provision
from emulators.laptop.atlas import contracts
from emulators.laptop.stack import ROOT
from emulators.published import files, protobuf
from shared.contracts.base import Document, Event
from shared.contracts.orders import OrderCancelled
from tests.conformance.cloud import PROJECT, Cloud
from tests.conformance.pubsub_alone import alone

GOLDEN = {
    contract.type: (contract.topic, json.loads(path.read_text())["data"])
    for contract in contracts(ROOT).values()
    if issubclass(contract, Event) and contract.type.startswith(files.INBOUND)
    for path in [ROOT / f"shared/contracts/golden/{contract.type}.json"]
}


class Inner(Document):
    units: int


class _Told(Event):
    topic: ClassVar[str] = "mugs-sold"

    @property
    def ordering_key(self) -> str:
        return ""


class Sold(_Told):
    type: ClassVar[str] = "mug.sold.v1"

    name: str
    price: float | None = None
    parts: tuple[Inner, ...] = ()


class Broken(_Told):
    type: ClassVar[str] = "mug.broken.v1"

    angry: bool
    name: str


class Mistyped(_Told):
    type: ClassVar[str] = "mug.mistyped.v1"

    name: int


class Mapped(_Told):
    type: ClassVar[str] = "mug.mapped.v1"

    shelves: dict[str, int]


class Widened(Sold):
    type: ClassVar[str] = "mug.sold.v1"

    colour: str = ""
    name: str


SOLD = """\
syntax = "proto3";

message MugsSold {
  optional string name = 1;
  optional double price = 2;
  repeated Parts parts = 3;

  message Parts {
    optional int64 units = 1;
  }
}
"""


def body(document: str) -> str:
    return document[document.index("syntax") :]


# The document


def test_a_message_has_the_fields_of_the_event_and_of_what_is_inside() -> None:
    assert body(protobuf.document("mugs-sold", [Sold], "")) == SOLD


def test_the_events_of_a_topic_share_one_message() -> None:
    both = protobuf.document("mugs-sold", [Sold, Broken], "")

    assert "// mug.sold.v1\n// mug.broken.v1\n" in both
    assert "repeated Parts parts = 3;\n  optional bool angry = 4;\n" in both


def test_a_field_keeps_its_number_and_a_new_one_comes_after_all() -> None:
    # Goal: what is stored decides, not the order in which the source names fields and events.
    stored = SOLD.replace("name = 1", "name = 7")

    fresh = protobuf.document("mugs-sold", [Broken, Widened], stored)

    assert [line.strip() for line in fresh.splitlines() if "optional" in line] == [
        "optional double price = 2;",
        "optional string name = 7;",
        "optional bool angry = 8;",
        "optional string colour = 9;",
        "optional int64 units = 1;",
    ]
    assert protobuf.breaks(stored, fresh) == []


def test_one_name_means_one_kind_in_all_events_of_a_topic() -> None:
    with pytest.raises(ValueError, match=r"MugsSold\.name: is optional string"):
        protobuf.document("mugs-sold", [Sold, Mistyped], "")


def test_what_cannot_be_said_is_not_left_out() -> None:
    with pytest.raises(ValueError, match=r"MugsSold\.shelves"):
        protobuf.document("mugs-sold", [Mapped], "")


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("  optional double price = 2;\n", "", "MugsSold.price: was removed or renamed."),
        ("units", "amount", "MugsSold.Parts.units: was removed or renamed."),
        (
            "optional double",
            "optional string",
            "MugsSold.price: is optional string = 2 now and was optional double = 2.",
        ),
        (
            "name = 1",
            "name = 4",
            "MugsSold.name: is optional string = 4 now and was optional string = 1.",
        ),
    ],
)
def test_what_takes_something_back_is_found(old: str, new: str, sentence: str) -> None:
    assert protobuf.breaks(SOLD, SOLD.replace(old, new)) == [sentence]


def test_a_stored_schema_whose_promise_is_not_kept_is_found(tmp_path: Path) -> None:
    shutil.copytree(ROOT / files.FOLDER, tmp_path / files.FOLDER)
    stored = tmp_path / files.PUBSUB / "orders.proto"
    head, field, rest = stored.read_text().partition("  optional int64 revision")
    stored.write_text(f"{head}  optional bool gift = 99;\n{field}{rest}")

    assert files.broken(tmp_path) == ["orders: Orders.gift: was removed or renamed."]


def test_every_inbound_topic_has_its_schema_and_no_other() -> None:
    stored = {path.stem for path in (ROOT / files.PUBSUB).glob("*")}

    assert stored == {topic for topic, _ in GOLDEN.values()} == {"orders", "stock-updates"}


# What Pub/Sub says about it


class Publisher:
    """Somebody who asks before they send."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        channel = grpc.insecure_channel(cloud.addresses["pubsub"])
        self.schemas: Any = SchemaServiceClient(
            transport=SchemaServiceGrpcTransport(channel=channel)
        )

    def check(self, topic: str, data: object) -> None:
        self.schemas.validate_message(
            request={
                "parent": PROJECT,
                "name": f"{PROJECT}/schemas/{topic}",
                "message": json.dumps(data).encode(),
                "encoding": Encoding.JSON,
            }
        )

    def provision(self) -> None:
        address = self.cloud.addresses["pubsub"]
        place = provision.Place(
            project=PROJECT.rpartition("/")[2],
            location="here",
            pubsub=address,
            tasks=address,
            scheduler=address,
            oidc_audience="audience",
            oidc_caller="caller",
        )
        provision.provision(place, {}, {})

    def revisions(self, topic: str) -> list[str]:
        name = f"{PROJECT}/schemas/{topic}"
        return [each.revision_id for each in self.schemas.list_schema_revisions(name=name)]


@pytest.fixture(scope="module")
def publisher() -> Iterator[Publisher]:
    with alone() as cloud:
        publisher = Publisher(cloud)
        publisher.provision()
        yield publisher


@pytest.mark.parametrize("name", GOLDEN)
def test_the_golden_example_fits(publisher: Publisher, name: str) -> None:
    publisher.check(*GOLDEN[name])


def mistaken(value: Any) -> Iterator[Any]:
    """`value` with one field of another kind, for each of its fields and those inside."""
    for key, part in value.items():
        yield {**value, key: 5 if isinstance(part, str) else "mistaken"}
        inner = part[0] if isinstance(part, list) else part
        if isinstance(inner, dict):
            for wrong in mistaken(inner):
                yield {**value, key: [wrong] if isinstance(part, list) else wrong}


@pytest.mark.parametrize("name", GOLDEN)
def test_a_field_of_another_kind_is_refused_wherever_it_stands(
    publisher: Publisher, name: str
) -> None:
    topic, data = GOLDEN[name]
    mistakes = list(mistaken(data))

    for wrong in mistakes:
        with pytest.raises(InvalidArgument):
            publisher.check(topic, wrong)
    assert len(mistakes) >= len(data)


def test_an_unknown_field_is_refused_which_our_contracts_take(publisher: Publisher) -> None:
    # Why no topic is bound to its schema.
    topic, data = GOLDEN["channel.order.cancelled.v1"]
    more = {**data, "gift": True}

    with pytest.raises(InvalidArgument):
        publisher.check(topic, more)
    OrderCancelled.model_validate(more)


# On the laptop


def test_a_second_time_changes_nothing(publisher: Publisher) -> None:
    before = publisher.revisions("orders")

    publisher.provision()

    assert publisher.revisions("orders") == before
    assert len(before) == 1


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the schemas to be made lie: one, of the topic `mugs`."""
    monkeypatch.setattr(provision, "SCHEMAS", tmp_path)
    (tmp_path / "mugs.proto").write_text(SOLD)
    return tmp_path


def test_a_changed_schema_gets_a_revision(publisher: Publisher, folder: Path) -> None:
    publisher.provision()
    first = publisher.revisions("mugs")

    wider = SOLD.replace("price = 2;", "price = 2; optional string colour = 4;")
    (folder / "mugs.proto").write_text(wider)
    publisher.provision()

    assert publisher.revisions("mugs")[:-1] == first
    publisher.check("mugs", {"colour": "blue"})


def test_a_schema_that_cannot_become_what_is_wanted_is_made_anew(
    publisher: Publisher, folder: Path
) -> None:
    publisher.provision()
    first = publisher.revisions("mugs")

    (folder / "mugs.proto").write_text(SOLD.replace("string name", "int64 name"))
    publisher.provision()

    assert len(publisher.revisions("mugs")) == 1
    assert publisher.revisions("mugs")[0] not in first
    publisher.check("mugs", {"name": 5})
