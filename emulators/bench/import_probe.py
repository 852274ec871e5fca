"""Load one function as production does, or the bare framework, and say what that took.

`python -m emulators.bench.import_probe [NAME]` prints the processor time in ms: `framework` until
functions-framework is there, `function` from there until the function is.
"""

import json
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any


def main(words: Sequence[str]) -> None:
    """Measure once, and print it."""
    began_s = time.process_time()
    from functions_framework import create_app  # noqa: PLC0415  its cost is measured

    framework_s = time.process_time()
    if words:
        make: Callable[..., Any] = create_app  # the framework has no types of its own
        make(target=words[0], source=f"functions/{words[0]}/main.py")
    found = {
        "framework": round((framework_s - began_s) * 1e3, 1),
        "function": round((time.process_time() - framework_s) * 1e3, 1),
    }
    sys.stdout.write("\n" + json.dumps(found) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
