"""Identifiers: a prefix that says what it names, then a random or a derived part."""

from hashlib import sha256
from uuid import uuid4


def new_id(prefix: str) -> str:
    """A fresh identifier such as `par_5f2c…`: 128 random bits, hexadecimal."""
    return f"{prefix}_{uuid4().hex}"


def derived_id(prefix: str, *parts: str) -> str:
    """The same identifier for the same parts, for work that must not be done twice.

    SHA-256 cut to 128 bits; the parts are length-prefixed, so that ("ab", "c") differs from
    ("a", "bc").
    """
    digest = sha256("".join(f"{len(part)}:{part}" for part in parts).encode())
    return f"{prefix}_{digest.hexdigest()[:32]}"
