"""Style and script, under names that say what is in them: a browser may keep them for ever."""

import hashlib
from functools import cache
from pathlib import Path

from flask import Response

FOLDER = Path(__file__).parent / "static"
PREFIX = "/assets/"  # /static/ is what Flask itself answers
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


def named(name: str) -> str:
    """The path of a file below the console: `/assets/console.5f2c….css`."""
    return PREFIX + _names()[name]


def served(path: str) -> Response | None:
    """The file of a path that `named` gave; None: there is none."""
    for name, given in _names().items():
        if path == PREFIX + given:
            kind = _TYPES[Path(name).suffix]
            response = Response(_content(name), content_type=f"{kind}; charset=utf-8")
            response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
            return response
    return None


@cache
def _names() -> dict[str, str]:
    found = {}
    for path in sorted(FOLDER.iterdir()):
        digest = hashlib.sha256(_content(path.name)).hexdigest()[:12]
        found[path.name] = f"{path.stem}.{digest}{path.suffix}"
    return found


@cache
def _content(name: str) -> bytes:
    return (FOLDER / name).read_bytes()
