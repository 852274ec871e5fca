"""Topics and queues as an AsyncAPI 3.0 document, from the contracts and every function.yaml."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic.json_schema import models_json_schema

from emulators.laptop.atlas import Contract, Reach, contracts, queues_of, reaches
from emulators.laptop.manifest import (
    DEAD_LETTER_TOPIC,
    Manifest,
    QueueLimits,
    TasksTrigger,
    load_all,
)
from shared.contracts.base import Event
from shared.contracts.queue_limits import LIMITS, MAX_CONCURRENT, MAX_PER_SECOND

REFERENCE = "#/components/schemas/{model}"
DESCRIPTION = """\
Events travel over Pub/Sub as CloudEvents in binary mode: the body is the payload, and everything
about it stands in attributes. Pieces of work travel as Cloud Tasks. An event may come more than
once, under the same `ce-id`; events with the same ordering key come in order. Unknown fields are to
be ignored, because a version of a contract is additive only. The place in a trace (W3C Trace
Context) travels as `ce-traceparent` with an event, and as `traceparent` with a piece of work."""

_WORK_HEADERS = ("ce-type", "ce-time", "ce-correlationid", "traceparent")


def document(root: Path) -> dict[str, Any]:
    """The whole document, for the house below `root`."""
    known = contracts(root)
    manifests = load_all(root / "functions")
    carried = _carried(known, manifests)
    limits = {
        name: of
        for manifest in manifests.values()
        if isinstance(manifest.trigger, TasksTrigger)
        for name, of in manifest.trigger.queues.items()
    }
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Dispatch: events and work", "version": "1", "description": DESCRIPTION},
        "defaultContentType": "application/json",
        "channels": {name: _channel(name, by, limits) for name, by in sorted(carried.items())},
        "operations": _operations(carried, reaches(root)),
        "components": {
            "messages": {c.type: _message(root, c) for c in _by_type(known.values())},
            "schemas": _schemas(known),
        },
    }


def _carried(
    known: Mapping[str, Contract], manifests: Mapping[str, Manifest]
) -> dict[str, dict[str, Contract]]:
    """Topic or queue -> what travels on it, by class name."""
    carried: dict[str, dict[str, Contract]] = {}
    for name, contract in known.items():
        places = [contract.topic] if issubclass(contract, Event) else queues_of(contract, manifests)
        for place in places:
            carried.setdefault(place, {})[name] = contract
    return carried


def _channel(
    name: str, carried: Mapping[str, Contract], limits: Mapping[str, QueueLimits]
) -> dict[str, Any]:
    is_topic = any(issubclass(contract, Event) for contract in carried.values())
    return {
        "address": name,
        "description": "A Pub/Sub topic." if is_topic else "A Cloud Tasks queue.",
        "messages": {
            contract.type: {"$ref": f"#/components/messages/{contract.type}"}
            for contract in _by_type(carried.values())
        },
        **({LIMITS: _limits(limits[name])} if name in limits else {}),
    }


def _limits(limits: QueueLimits) -> dict[str, Any]:
    return {MAX_PER_SECOND: limits.max_per_second, MAX_CONCURRENT: limits.max_concurrent}


def _operations(
    carried: Mapping[str, Mapping[str, Contract]], known: Mapping[str, Reach]
) -> dict[str, Any]:
    """What each function sends and receives; dead letters may be anything and are left out."""
    found: dict[str, Any] = {}
    for function, reach in known.items():
        for action, names in (("receive", reach.hears), ("send", reach.tells)):
            for place, by_name in sorted(carried.items()):
                here = [contract for name, contract in by_name.items() if name in names]
                if here and place != DEAD_LETTER_TOPIC:
                    found[f"{function}.{action}.{place}"] = {
                        "action": action,
                        "channel": {"$ref": f"#/channels/{place}"},
                        "messages": [
                            {"$ref": f"#/channels/{place}/messages/{contract.type}"}
                            for contract in _by_type(here)
                        ],
                    }
    return found


def _message(root: Path, contract: Contract) -> dict[str, Any]:
    golden = root / "shared/contracts/golden" / f"{contract.type}.json"
    example = json.loads(golden.read_text())
    headers = list(example["attributes"]) if issubclass(contract, Event) else list(_WORK_HEADERS)
    return {
        "name": contract.type,
        "summary": (contract.__doc__ or "").split("\n")[0],
        "headers": {
            "type": "object",
            "properties": {
                header: {"const": contract.type} if header == "ce-type" else {"type": "string"}
                for header in headers
            },
            "required": [header for header in headers if header in {"ce-id", "ce-type"}],
        },
        "payload": {"$ref": REFERENCE.format(model=contract.__name__)},
        "examples": [{"payload": example["data"]}],
    }


def _schemas(known: Mapping[str, Contract]) -> dict[str, Any]:
    _, made = models_json_schema(
        [(contract, "validation") for contract in _by_type(known.values())], ref_template=REFERENCE
    )
    schemas: dict[str, Any] = made["$defs"]
    return schemas


def _by_type(found: Any) -> list[Contract]:
    return sorted(found, key=lambda contract: str(contract.type))
