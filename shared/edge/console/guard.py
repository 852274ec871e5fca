"""Who asks, and whether it was really they who sent this."""

import re
from dataclasses import dataclass, field

from flask import Request, Response

from shared.edge.console.desk import Desk
from shared.kit.errors import Rejected
from shared.people import api_keys, proofs, sessions
from shared.people.permissions import Who
from shared.people.sessions import LONGEST, Session
from shared.platform.auth import Unauthenticated
from shared.platform.db import Transaction
from shared.platform.iap import HEADER as IAP_HEADER

FORM_FIELD = "token"
FORM_HEADER = "X-CSRF-Token"
LIVE_HEADER = "X-Live"  # the page asks by itself; nobody has used their session
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")  # what is not of this form costs no look-up
_SAFE = frozenset({"GET", "HEAD"})


class ForeignForm(Rejected):
    """A write that no page of this session can have sent."""

    code = "foreign_form"


@dataclass(slots=True)
class Guest:
    """Whoever has shown something that may prove who they are; only the database can tell."""

    token: str | None
    key: tuple[str, str] | None
    email: str | None  # whom the proxy vouches for
    is_busy: bool = True  # False: a page that looks on asks by itself
    _known: tuple[Transaction, Who] | None = field(default=None)

    def who(self, tx: Transaction) -> Who:
        """Who it is at this moment, looked up once in each transaction.

        Raises:
            Unauthenticated: nobody who may come in, or no longer.
        """
        if self._known is not None and self._known[0] is tx:
            return self._known[1]
        found = self._by_key(tx) if self.key is not None else self._by_session(tx)
        if found is None:
            raise Unauthenticated("sign in, or show a key that is valid")
        self._known = (tx, found)
        return found

    def _by_key(self, tx: Transaction) -> Who | None:
        assert self.key is not None
        return api_keys.who(tx, *self.key)

    def _by_session(self, tx: Transaction) -> Who | None:
        session = sessions.find(tx, self.token or "", is_busy=self.is_busy)
        if session is None or not session.is_complete:
            return None
        is_vouched = self.email is None or self.email == session.who.name
        return session.who if is_vouched else None


def guest(request: Request, desk: Desk) -> Guest:
    """What the request shows of its sender; a stranger has cost no connection.

    Raises:
        Unauthenticated: nothing that could open anything.
        ForeignForm: it would change something, and no page of the session sent it.
    """
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    key = proofs.read_key(text) if scheme.lower() == "bearer" else None
    email = desk.iap.email(request.headers.get(IAP_HEADER)) if desk.iap is not None else None
    if key is not None:
        return Guest(None, key, email)
    token = session_token(request, desk)
    if token is None:
        raise Unauthenticated("sign in, or show a key that is valid")
    if request.method not in _SAFE:
        check_form(request, token)
    return Guest(token, None, email, is_busy=LIVE_HEADER not in request.headers)


def check_form(request: Request, token: str) -> None:
    """Go on if the request was sent by a page that only who has the token can have got.

    Raises:
        ForeignForm: it was not.
    """
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    origin = request.headers.get("Origin")
    is_ours = site in {"same-origin", "none"} and (
        origin is None or origin.partition("://")[2] == request.host
    )
    given = request.headers.get(FORM_HEADER) or request.form.get(FORM_FIELD, "")
    if not is_ours or not proofs.is_form_token(given, token):
        raise ForeignForm("this form is not from a page of yours, or is older than your sign-in")


def half_session(tx: Transaction, token: str) -> Session | None:
    """The session that waits for a code."""
    session = sessions.find(tx, token)
    return session if session is not None and not session.is_complete else None


def session_token(request: Request, desk: Desk) -> str | None:
    """The token of the session's cookie, where there is one of the right form."""
    return _cookie(request, _name(desk, "session"))


def door_token(request: Request, desk: Desk) -> str | None:
    """The token that ties the sign-in form to the browser that asked for it."""
    return _cookie(request, _name(desk, "door"))


def put_session(response: Response, desk: Desk, token: str) -> None:
    """The browser keeps the token; scripts never see it, and other sites cannot send it."""
    _put(response, desk, "session", token)


def put_door(response: Response, desk: Desk, token: str) -> None:
    """The browser keeps the token of the sign-in form."""
    _put(response, desk, "door", token)


def drop_session(response: Response, desk: Desk) -> None:
    """The browser forgets the token."""
    response.delete_cookie(
        _name(desk, "session"), path="/", secure=not desk.is_local, httponly=True
    )


def address(request: Request, desk: Desk) -> str:
    """From where the request comes, as the proxies in front of us saw it."""
    hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",")]
    hops = [hop for hop in hops if hop]
    if desk.trusted_proxies and len(hops) >= desk.trusted_proxies:
        return hops[-desk.trusted_proxies]
    return request.remote_addr or ""


def _put(response: Response, desk: Desk, name: str, token: str) -> None:
    response.set_cookie(
        _name(desk, name),
        token,
        max_age=LONGEST,
        path="/",
        secure=not desk.is_local,
        httponly=True,
        samesite="Lax" if name == "session" else "Strict",
    )


def _cookie(request: Request, name: str) -> str | None:
    token = request.cookies.get(name, "")
    return token if _TOKEN.fullmatch(token) else None


def _name(desk: Desk, name: str) -> str:
    """The prefix makes browsers refuse the cookie from a subdomain, or without TLS."""
    return f"dispatch_{name}" if desk.is_local else f"__Host-{name}"
