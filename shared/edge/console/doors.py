"""In and out: signing in by password and code, or by the proxy's word, and signing out."""

import re
from urllib.parse import quote

from flask import Request, Response

from shared.contracts.base import Cause
from shared.edge.console import answers, guard, rendering
from shared.edge.console.desk import Desk
from shared.edge.console.forms import Failed
from shared.edge.console.guard import ForeignForm
from shared.flows import sign_in as flow
from shared.flows.manage_users import sign_out_everywhere
from shared.flows.sign_in import Opened, SignIn
from shared.kit.errors import Rejected
from shared.people import proofs, sessions
from shared.people.sessions import Session
from shared.people.types import ActorKind, Person, SignInRefused, TooManyAttempts
from shared.platform import log
from shared.platform.auth import Unauthenticated
from shared.platform.db import Transaction
from shared.platform.iap import HEADER as IAP_HEADER

SIGN_IN = "/sign-in"
CODE = "/sign-in/code"
SIGN_OUT = "/sign-out"
PATHS = frozenset({SIGN_IN, CODE, SIGN_OUT})
# Where the proxy forgets whoever it has let through. Source: its documentation on sessions.
LEAVE_PROXY = "/?gcp-iap-mode=CLEAR_LOGIN_COOKIE"
_LOCAL_PATH = re.compile(r"/(?![/\\])[\w./?=&%:~+-]*")
_MOST_TYPED = 2_000  # characters of a field


def operation(request: Request, desk: Desk) -> str | None:
    """What is done at the door; None: a form is shown, which is the same for everybody."""
    if request.method != "POST" and desk.iap is None:
        return None
    return {SIGN_IN: "signIn", CODE: "confirmCode", SIGN_OUT: "signOut"}.get(request.path)


def serve(request: Request, desk: Desk, cause: Cause) -> Response:
    """Answer one request at a door."""
    is_write = request.method == "POST"
    if request.path == SIGN_OUT and is_write:
        return _sign_out(request, desk, cause)
    if request.path == SIGN_IN:
        if desk.iap is not None:
            return _vouched(request, desk, cause)
        return _sign_in(request, desk, cause) if is_write else _ask_password(request, desk)
    if request.path == CODE and desk.iap is None:
        return _confirm(request, desk, cause) if is_write else _ask_code(request, desk)
    return answers.refused(request, Rejected("this is a form"), 405)


def sign_in_first(request: Request, desk: Desk) -> Response:
    """Somebody who is not signed in wants to see a page."""
    wanted = request.full_path.rstrip("?")
    path = SIGN_IN if wanted == "/" else f"{SIGN_IN}?next={_quoted(wanted)}"
    answer = answers.see(request, path)
    guard.drop_session(answer, desk)
    return answer


def _quoted(path: str) -> str:
    return quote(path, safe="/?=:~")


def _ask_password(
    request: Request, desk: Desk, failed: Failed | None = None, status: int = 200
) -> Response:
    return _door(request, desk, "sign_in.html", failed, status)


def _ask_code(
    request: Request, desk: Desk, failed: Failed | None = None, status: int = 200
) -> Response:
    return _door(request, desk, "code.html", failed, status)


def _door(
    request: Request, desk: Desk, template: str, failed: Failed | None, status: int
) -> Response:
    token = guard.door_token(request, desk) or proofs.new_token()
    answer = answers.html(
        rendering.page(
            template,
            root=request.script_root,
            form_token=proofs.form_token(token),
            next=_next(request),
            failed=failed,
        ),
        status,
    )
    guard.put_door(answer, desk, token)
    return answer


def _sign_in(request: Request, desk: Desk, cause: Cause) -> Response:
    asked = SignIn(
        request.form.get("email", "")[:_MOST_TYPED],
        request.form.get("password", "")[:_MOST_TYPED],
        guard.address(request, desk),
    )
    try:
        _check_door(request, desk)
        opened = flow.sign_in(desk.services.runner(cause), asked)
    except Rejected as error:
        return _ask_password(request, desk, *_refused(request, "sign_in", error))
    return _opened(request, desk, opened)


def _confirm(request: Request, desk: Desk, cause: Cause) -> Response:
    run = desk.services.runner(cause)
    token = guard.session_token(request, desk) or ""
    half: Session | None = run(lambda tx: guard.half_session(tx, token))
    if half is None:
        return answers.see(request, SIGN_IN)
    code = request.form.get("code", "")[:_MOST_TYPED]
    try:
        _check_door(request, desk)
        opened = flow.confirm_code(run, token, half, code, guard.address(request, desk))
    except Rejected as error:
        return _ask_code(request, desk, *_refused(request, "code", error))
    return _opened(request, desk, opened)


def _vouched(request: Request, desk: Desk, cause: Cause) -> Response:
    assert desk.iap is not None
    try:
        email = desk.iap.email(request.headers.get(IAP_HEADER))
        opened = desk.services.run(lambda tx: flow.vouched(tx, email), cause)
    except (Unauthenticated, SignInRefused) as error:
        return answers.refused(request, error, 401)
    return _opened(request, desk, opened)


def _opened(request: Request, desk: Desk, opened: Opened) -> Response:
    following = _next(request)
    if not opened.is_complete:
        following = f"{CODE}?next={_quoted(following)}" if following != "/" else CODE
    answer = answers.see(request, following)
    guard.put_session(answer, desk, opened.token)
    log.line("session.opened", is_complete=opened.is_complete)
    return answer


def _sign_out(request: Request, desk: Desk, cause: Cause) -> Response:
    token = guard.session_token(request, desk)
    leave = SIGN_IN if desk.iap is None else LEAVE_PROXY
    if token is not None:
        try:
            guard.check_form(request, token)
        except ForeignForm as error:
            return answers.refused(request, error, 403)
        everywhere = request.form.get("everywhere") == "yes"
        desk.services.runner(cause)(lambda tx: _end(tx, token, everywhere=everywhere))
    answer = answers.see(request, leave)
    guard.drop_session(answer, desk)
    return answer


def _end(tx: Transaction, token: str, *, everywhere: bool) -> None:
    session = sessions.find(tx, token)
    if session is not None and everywhere:
        person = Person(session.who.name, "signed out everywhere", ActorKind.USER)
        sign_out_everywhere(tx, person, session.who.name)
    else:
        tx.write(sessions.end(token))


def _refused(request: Request, form: str, error: Rejected) -> tuple[Failed, int]:
    log.line("session.refused", "WARNING", code=error.code)
    status = 429 if isinstance(error, TooManyAttempts) else 422
    if isinstance(error, ForeignForm):
        status = 403
    values = {name: request.form.getlist(name) for name in ("email",)}
    return Failed(form, values, str(error)), status


def _check_door(request: Request, desk: Desk) -> None:
    token = guard.door_token(request, desk)
    if token is None:
        raise ForeignForm("this form is too old; try again")
    guard.check_form(request, token)


def _next(request: Request) -> str:
    """Where they wanted to go, if that is a place of ours."""
    wanted = request.form.get("next") or request.args.get("next", "")
    return wanted if _LOCAL_PATH.fullmatch(wanted) else "/"
