"""What proves who somebody is: passwords, tokens, codes. The one importer of argon2 and pyotp."""

import hashlib
import hmac
import secrets
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argon2 import PasswordHasher

# OWASP's second recommendation: 19 MiB, so that a small instance can verify several at once.
MEMORY_KIB = 19_456
PASSES = 2
LEAST_PASSWORD = 12  # characters
MOST_PASSWORD = 1_000  # hashing more would be work for whoever sends it
KEY_PREFIX = "dispatch"
STEP_S = 30  # how long a code is good
STEPS_ASIDE = 1  # clocks may differ by as many steps


@cache
def _hasher() -> "PasswordHasher":
    from argon2 import PasswordHasher  # noqa: PLC0415  only sign-in needs it

    return PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=1)


@cache
def _nobody() -> str:
    """A hash that no password fits: whoever is unknown costs the time of somebody known."""
    return _hasher().hash(secrets.token_urlsafe(32))


def hashed_password(password: str) -> str:
    """What is kept of a password."""
    return _hasher().hash(password)


def fits(password: str, password_hash: str | None) -> bool:
    """Whether it is the password; in the same time where there is nobody to have one."""
    from argon2.exceptions import Argon2Error, InvalidHashError  # noqa: PLC0415

    try:
        is_right = _hasher().verify(password_hash or _nobody(), password[:MOST_PASSWORD])
    except (Argon2Error, InvalidHashError):
        return False
    return bool(is_right and password_hash)


def new_password() -> str:
    """One that is handed over once, and changed by whoever gets it: 96 random bits."""
    return secrets.token_urlsafe(12)


def new_token() -> str:
    """256 random bits, for an address or a cookie."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> bytes:
    """What is kept of a token. It is as random as a key, so a fast hash is enough."""
    return hashlib.sha256(token.encode()).digest()


def form_token(session_token: str) -> str:
    """What the forms of a session carry: only who has the session's token can know it."""
    return hmac.new(session_token.encode(), b"form", hashlib.sha256).hexdigest()


def is_form_token(given: str, session_token: str) -> bool:
    """Whether a form came from a page of this session."""
    return hmac.compare_digest(given.encode(), form_token(session_token).encode())


def key_text(key_id: str, secret: str) -> str:
    """A machine's key as it is handed out, once."""
    return f"{KEY_PREFIX}.{key_id}.{secret}"


def read_key(text: str) -> tuple[str, str] | None:
    """The id and the secret of a key; None where it has not the form of one."""
    match text.split("."):
        case [prefix, key_id, secret] if prefix == KEY_PREFIX and key_id and secret:
            return key_id, secret
        case _:
            return None


def new_totp_secret() -> str:
    """A secret for an authenticator, base 32."""
    import pyotp  # noqa: PLC0415  only who has a second factor needs it

    return pyotp.random_base32()


def totp_uri(secret: str, email: str) -> str:
    """What an authenticator reads as a QR code."""
    import pyotp  # noqa: PLC0415

    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name="Dispatch")


def totp_step(secret: str, code: str, now_s: int, after_step: int) -> int | None:
    """The step of time that a code is of; None where it is wrong, or that step was used before.

    Source: RFC 6238, whose section 5.2 wants a code to be taken once.
    """
    import pyotp  # noqa: PLC0415

    totp = pyotp.TOTP(secret, interval=STEP_S)
    current = now_s // STEP_S
    for step in range(current - STEPS_ASIDE, current + STEPS_ASIDE + 1):
        if hmac.compare_digest(totp.at(step * STEP_S).encode(), code.encode()):
            return step if step > after_step else None
    return None
