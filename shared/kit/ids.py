"""Identifiers: a prefix that says what it names, then a random or a derived part."""

from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from hashlib import sha256
from os import urandom

Source = Callable[[], bytes]  # gives 128 bits that it never gave before


def _random() -> bytes:
    return urandom(16)


_source: ContextVar[Source] = ContextVar("id_source", default=_random)


def new_id(prefix: str) -> str:
    """A fresh identifier such as `par_5f2c…`: 128 random bits, hexadecimal."""
    return f"{prefix}_{_source.get()().hex()}"


def new_token() -> str:
    """What nobody can guess, fit for an address: 128 random bits, 22 characters of base64url.

    From the same source as identifiers, and so of the system's own randomness outside of a run that
    repeats.
    """
    return urlsafe_b64encode(_source.get()()).decode().rstrip("=")


@contextmanager
def ids_from(source: Source) -> Iterator[None]:
    """Inside, fresh identifiers are made of the bits of `source`, so that a run repeats."""
    token = _source.set(source)
    try:
        yield
    finally:
        _source.reset(token)


def derived_id(prefix: str, *parts: str) -> str:
    """The same identifier for the same parts, for work that must not be done twice.

    SHA-256 cut to 128 bits; the parts are length-prefixed, so that ("ab", "c") differs from
    ("a", "bc").
    """
    digest = sha256("".join(f"{len(part)}:{part}" for part in parts).encode())
    return f"{prefix}_{digest.hexdigest()[:32]}"
