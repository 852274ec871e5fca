"""Which documents are published, where they lie, and what stands in them now."""

import json
from pathlib import Path
from typing import Any

from emulators.laptop.atlas import contracts
from emulators.published import asyncapi, openapi
from emulators.published.additive import breaks

FOLDER = Path("shared/contracts")
SCHEMAS = FOLDER / "schemas"
INBOUND = ("channel.", "warehouse.")  # types that others send and we only read


def fresh(root: Path) -> dict[Path, str]:
    """Every published document as the source has it, by its path below `root`."""
    found: dict[Path, Any] = {
        FOLDER / "openapi.json": openapi.document(),
        FOLDER / "asyncapi.json": asyncapi.document(root),
    }
    for contract in contracts(root).values():
        found[SCHEMAS / f"{contract.type}.json"] = contract.model_json_schema()
    return {
        path: json.dumps(document, indent=2, ensure_ascii=False) + "\n"
        for path, document in found.items()
    }


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
    return sentences
