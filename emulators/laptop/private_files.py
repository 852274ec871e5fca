"""Files that are nobody else's to read: the keys of a stack, and what it says of itself."""

import json
import secrets
from pathlib import Path


def kept_secrets(path: Path) -> dict[str, str]:
    """The keys of the functions and the label vendors, each made once for each directory."""
    made = {
        "DISPATCH_EASYPOST_API_KEY": f"EZTK{secrets.token_hex(16)}",
        "DISPATCH_EASYPOST_WEBHOOK_SECRET": secrets.token_hex(24),
        "DISPATCH_SHIPPO_API_KEY": f"shippo_test_{secrets.token_hex(20)}",
        "DISPATCH_SHIPPO_WEBHOOK_SECRET": secrets.token_hex(24),
        "DISPATCH_WEBHOOK_SIGNING_KEY": secrets.token_hex(32),
    }
    kept: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    if made.keys() - kept.keys():  # an older version may have made fewer
        write_private(path, json.dumps(made | kept))
    return made | kept


def write_private(path: Path, text: str) -> None:
    """Write a file that nobody else may read."""
    fresh = path.with_suffix(".fresh")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)
    fresh.write_text(text)
    fresh.replace(path)  # readers see the old one or the new one, never half of it
