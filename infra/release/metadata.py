"""Tokens of the account that this process runs as, from Google's metadata server."""

import json
import urllib.parse
import urllib.request

TIMEOUT_S = 10
_ACCOUNT = "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default"


def identity_token(audience: str) -> str:
    """Who it is, for this audience."""
    return _asked(f"identity?{urllib.parse.urlencode({'audience': audience})}")


def access_token() -> str:
    """What it may do with Google's own interfaces."""
    token: str = json.loads(_asked("token"))["access_token"]
    return token


def _asked(path: str) -> str:
    request = urllib.request.Request(f"{_ACCOUNT}/{path}", headers={"Metadata-Flavor": "Google"})
    with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
        said: bytes = answer.read()
    return said.decode()
