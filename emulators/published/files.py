"""Which documents are published, where they lie, and what stands in them now."""

import json
from pathlib import Path
from typing import Any

from emulators.laptop.atlas import Contract, contracts
from emulators.published import asyncapi, openapi, protobuf
from emulators.published.additive import breaks
from shared.contracts.base import Event

FOLDER = Path("shared/contracts")
SCHEMAS = FOLDER / "schemas"
PUBSUB = FOLDER / "pubsub"
INBOUND = ("channel.", "warehouse.")  # types that others send and we only read


def fresh(root: Path) -> dict[Path, str]:
    """Every published document as the source has it, by its path below `root`."""
    found: dict[Path, Any] = {
        FOLDER / "openapi.json": openapi.document(),
        FOLDER / "openapi_console.json": openapi.document(openapi.console()),
        FOLDER / "asyncapi.json": asyncapi.document(root),
    }
    for contract in contracts(root).values():
        found[SCHEMAS / f"{contract.type}.json"] = contract.model_json_schema()
    documents = {
        path: json.dumps(document, indent=2, ensure_ascii=False) + "\n"
        for path, document in found.items()
    }
    return documents | _pubsub(root)


def broken(root: Path) -> list[str]:
    """Sentences about every promise of a stored schema that the source no longer keeps."""
    known = {contract.type: contract for contract in contracts(root).values()}
    sentences = []
    for path in sorted((root / SCHEMAS).glob("*.json")):
        if path.stem not in known:
            sentences.append(f"{path.stem}: was removed; a contract stays for ever.")
            continue
        stored = json.loads(path.read_text())
        told = not path.stem.startswith(INBOUND)
        now = known[path.stem].model_json_schema()
        sentences += [f"{path.stem}: {found}" for found in breaks(stored, now, told=told)]
    for path, text in _pubsub(root).items():
        sentences += [
            f"{path.stem}: {found}" for found in protobuf.breaks(_stored(root, path), text)
        ]
    return sentences


def _pubsub(root: Path) -> dict[Path, str]:
    """The Pub/Sub schema of every topic that only others publish to."""
    by_topic: dict[str, list[type[Event]]] = {}
    for contract in sorted(contracts(root).values(), key=_type):
        if issubclass(contract, Event) and contract.type.startswith(INBOUND):
            by_topic.setdefault(contract.topic, []).append(contract)
    paths = {topic: PUBSUB / f"{topic}.proto" for topic in by_topic}
    return {
        paths[topic]: protobuf.document(topic, events, _stored(root, paths[topic]))
        for topic, events in by_topic.items()
    }


def _stored(root: Path, path: Path) -> str:
    return (root / path).read_text() if (root / path).exists() else ""


def _type(contract: Contract) -> str:
    return contract.type
