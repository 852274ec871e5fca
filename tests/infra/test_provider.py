"""The offline provider: what it refuses, and what it leaves for after the change."""

import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.infra.offline.extract import extract
from tests.infra.offline.provider import SCHEMA, UNKNOWN, complaints, field, filled, parse

QUEUE = SCHEMA["resource_schemas"]["google_cloud_tasks_queue"]


def test_a_value_that_the_schema_does_not_list_is_refused() -> None:
    wrong = {"desired_state": "STOPPED", "http_target": [{"http_method": "POTS"}]}

    found = sorted(complaints(wrong, QUEUE))

    assert [line.partition(":")[0] for line in found] == [
        "desired_state = 'STOPPED'",
        "http_target.http_method = 'POTS'",
    ]


def test_what_the_provider_decides_cannot_be_set() -> None:
    service = SCHEMA["resource_schemas"]["google_cloud_run_v2_service"]

    assert list(complaints({"uri": "https://x"}, service)) == [
        "uri is decided by the provider and cannot be set"
    ]


def test_what_nobody_set_is_known_after_the_change_only() -> None:
    planned = filled({"name": "q", "location": "r", "rate_limits": [{}]}, QUEUE, lambda _: UNKNOWN)

    assert planned["name"] == "q"
    assert planned["id"] == UNKNOWN
    assert planned["rate_limits"][0]["max_dispatches_per_second"] == UNKNOWN


@pytest.mark.parametrize("text", ["", "x", "é" * 100, "x" * 70_000])
def test_a_field_survives_the_wire(text: str) -> None:
    # Fields that are no bytes are passed over.
    message = field(1, True) + field(5, text) + field(300, 7)

    assert parse(message) == {5: text.encode()}


def test_the_schema_is_of_the_version_that_is_asked_for() -> None:
    assert SCHEMA["provider_version"].startswith("8.")


JAVASCRIPT = """
class ShelfLevel extends cdktn.ComplexObject {
    // height_mm - computed: false, optional: false, required: true
    get heightMm() {
        return this.getNumberAttribute('height_mm');
    }
}
class GoogleShelf extends cdktn.TerraformResource {
    // colour - computed: false, optional: true, required: false
    get colour() {
        return this.getStringAttribute('colour');
    }
    // id - computed: true, optional: false, required: false
    get id() {
        return this.getStringAttribute('id');
    }
    // level - computed: false, optional: false, required: true
    _level = new ShelfLevel(this, "level");
}
"""
DECLARATIONS = """
    /**
    * Its colour. Possible values: ["RED", "BLUE"]
    *
    * {@link https://x/docs/resources/shelf#colour GoogleShelf#colour}
    */
"""
PROVIDER = """
    synthesizeHclAttributes() {
        const attrs = {
            project: {
                value: this._project,
                isBlock: false,
                type: "simple",
                storageClassType: "string",
            },
        };
"""


def test_the_schema_is_read_from_the_package_that_is_generated_from_it(tmp_path: Path) -> None:
    files = {
        "shelf/index.js": JAVASCRIPT,
        "shelf/index.d.ts": DECLARATIONS,
        "provider/index.js": PROVIDER,
    }
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as inner:
        for name, text in files.items():
            entry = tarfile.TarInfo(f"package/lib/{name}")
            entry.size = len(text)
            inner.addfile(entry, io.BytesIO(text.encode()))
    with zipfile.ZipFile(tmp_path / "made.whl", "w") as wheel:
        wheel.writestr("x/METADATA", "for hashicorp/google provider version 8.1.2.")
        wheel.writestr("x/_jsii/x.jsii.tgz", packed.getvalue())

    found = extract(tmp_path / "made.whl", ["google_shelf"])

    level = {"height_mm": {"type": "number", "required": True}}
    assert found == {
        "provider_version": "8.1.2",
        "provider": {
            "attributes": {"project": {"type": "string", "optional": True}},
            "block_types": {},
        },
        "data_source_schemas": {},
        "resource_schemas": {
            "google_shelf": {
                "attributes": {
                    "colour": {"type": "string", "optional": True, "values": ["RED", "BLUE"]},
                    "id": {"type": "string", "computed": True},
                },
                "block_types": {
                    "level": {
                        "nesting_mode": "list",
                        "block": {"attributes": level, "block_types": {}},
                        "min_items": 1,
                        "max_items": 1,
                    }
                },
            }
        },
    }
