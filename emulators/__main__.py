"""`python3 -m emulators VERB`: the whole of Dispatch on this machine.

Nothing beyond the standard library may be imported here, and the syntax must be understood by any
Python 3, because this file is what tells the user of an old one.
"""

import os
import sys

if sys.version_info < (3, 11):  # noqa: UP036 - an old Python gets here
    VERSION = ".".join(str(part) for part in sys.version_info[:2])
    sys.exit("Dispatch needs Python 3.11 or newer, and this is Python " + VERSION + ".")
if sys.platform == "win32":
    sys.exit("Dispatch runs on Linux and macOS; on Windows use the Linux subsystem (WSL).")

from pathlib import Path

from emulators import bootstrap
from emulators.laptop import cli

# gRPC would tell on stderr of every connection that ends, as if something were wrong.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

if __name__ == "__main__":
    ROOT = Path(__file__).resolve().parent.parent
    if not cli.is_help(sys.argv[1:]):
        try:
            bootstrap.enter_environment(ROOT)
        except bootstrap.Unusable as problem:
            sys.exit(str(problem))
        except KeyboardInterrupt:
            sys.exit("Stopped; the next start continues.")
    try:
        sys.exit(cli.main(sys.argv[1:]))
    except ModuleNotFoundError as missing:
        bootstrap.repair(ROOT, missing)
