"""Run in a fresh process: load one function as production does, and let a stranger call it.

`python -m tests.functions.probe NAME PATH` prints, as its last line, how long loading took, what
was imported, which dataclasses of ours were made, and what was answered without a token and with
one that is none.
"""

import dataclasses
import json
import sys
import time
from collections.abc import Callable
from typing import Any


def main(name: str, path: str) -> None:
    """Load the function `name`, and post to its `path`."""
    began_s = time.perf_counter()
    from functions_framework import create_app  # noqa: PLC0415  its cost is measured

    framework_s = time.perf_counter()
    make: Callable[..., Any] = create_app  # the framework has no types of its own
    app = make(target=name, source=f"functions/{name}/main.py")
    loaded_s = time.perf_counter()
    imported = sorted(sys.modules)
    made = dataclasses_of_ours()
    client = app.test_client()
    strangers = (client.post(path, data=b"{}", headers=headers) for headers in HEADERS)
    answers = [
        {"status": answer.status_code, "type": answer.content_type, "body": answer.get_data(True)}
        for answer in strangers
    ]
    found = {
        "framework_ms": round((framework_s - began_s) * 1e3),
        "function_ms": round((loaded_s - framework_s) * 1e3),
        "imported": imported,
        "dataclasses": made,
        "answers": answers,
    }
    sys.stdout.write("\n" + json.dumps(found) + "\n")


def dataclasses_of_ours() -> list[str]:
    """The dataclasses in what is imported of shared/, by their full names."""
    modules = [module for name, module in sys.modules.items() if name.startswith("shared.")]
    return sorted(
        f"{module.__name__}.{name}"
        for module in modules
        for name, thing in vars(module).items()
        if isinstance(thing, type)
        and thing.__module__ == module.__name__
        and dataclasses.is_dataclass(thing)
    )


HEADERS: tuple[dict[str, str], ...] = (
    {},
    {"Authorization": "Bearer nonsense", "X-Hmac-Signature": "hmac-sha256-hex=00"},
)

if __name__ == "__main__":
    main(*sys.argv[1:])
