"""Who may sign in, and what they may: an admin's word, kept in the audit trail."""

from collections.abc import Mapping, Sequence
from typing import Any

from shared.flows.audited import USER
from shared.kit.errors import Malformed, Rejected
from shared.kit.ids import new_id
from shared.people import audit_log, proofs, sessions, sign_in_attempts, users
from shared.people.audit_log import Subject
from shared.people.sign_in_attempts import Subjects
from shared.people.types import (
    LONGEST_WORD,
    Person,
    Role,
    SignInRefused,
    TooManyAttempts,
    UnknownUser,
    User,
    UserExists,
    Warehouses,
)
from shared.platform.db import Transaction, Write
from shared.stock import warehouses as places


class LastAdmin(Rejected):
    """Without an admin of all warehouses nobody could let anybody in any more."""

    code = "last_admin"


class CodeRefused(Rejected):
    """The code is not one that an authenticator with this secret shows now."""

    code = "code_refused"


def invite(tx: Transaction, person: Person, user: User) -> str:
    """Let somebody in, and return a password that is good until they choose their own.

    Raises:
        UserExists, Malformed: as `add_user`.
    """
    password = proofs.new_password()
    add_user(tx, person, user, password, is_temporary=True)
    return password


def add_user(
    tx: Transaction,
    person: Person,
    user: User,
    password: str | None,
    *,
    is_temporary: bool = False,
) -> str:
    """Let somebody in, and return their id. Without a password only a proxy's word opens.

    Raises:
        UserExists: somebody has this e-mail already.
        Malformed: the e-mail, the name, a warehouse or the password makes no sense.
    """
    email = user.email.strip().lower()
    name, at, domain = email.partition("@")
    if not (name and at and domain) or " " in email or len(email) > LONGEST_WORD:
        raise Malformed("email: is none", field="email")
    if not 0 < len(user.name.strip()) <= LONGEST_WORD or "\0" in user.name + email:
        raise Malformed(f"name: 1 to {LONGEST_WORD} characters are wanted", field="name")
    check_warehouses(tx, user.warehouses)
    if users.find(tx, email) is not None:
        raise UserExists(f"email: {email} is somebody's already", field="email")
    made = user._replace(user_id=new_id("usr"), email=email)
    hashed = _hashed(password) if password is not None else ""
    tx.write(
        users.add(tx, made, hashed, is_temporary=is_temporary),
        _told(tx, person, "add_user", email, before={}, after=_shown(made)),
    )
    return made.user_id


def set_password(
    tx: Transaction, person: Person, email: str, password: str, *, is_temporary: bool = False
) -> None:
    """Another password; whoever is signed in with the old one is so no more.

    Raises:
        UnknownUser, Malformed.
    """
    user = _locked(tx, email)
    tx.write(
        users.set_password(user, _hashed(password), is_temporary=is_temporary),
        sessions.end_all(user.user_id),
        _told(tx, person, "set_password", user.email, before={}, after={}),
    )


def reset_password(tx: Transaction, person: Person, email: str) -> str:
    """Another password for somebody who has lost theirs, good until they choose their own.

    Raises:
        UnknownUser.
    """
    password = proofs.new_password()
    set_password(tx, person, email, password, is_temporary=True)
    return password


def require_password(tx: Transaction, email: str, password: str) -> None:
    """Go on if that is their password; it takes tens of milliseconds on purpose.

    Raises:
        UnknownUser.
        SignInRefused: it is not.
    """
    _locked(tx, email)  # before the attempts are
    proof = users.proof(tx, email)
    if not proofs.fits(password, proof.password_hash if proof is not None else None):
        raise SignInRefused("current: this is not your password", field="current")
    tx.write(*sign_in_attempts.clear(own_attempts(email)))


def count_attempt(tx: Transaction, email: str) -> TooManyAttempts | None:
    """Count that somebody who is signed in tries a password; too many are refused."""
    wait_s = sign_in_attempts.count(tx, own_attempts(email))
    if not wait_s:
        return None
    return TooManyAttempts(
        f"too many attempts; the next is possible in {-(-wait_s // 60)} minutes",
        retry_after_s=wait_s,
    )


def own_attempts(email: str) -> Subjects:
    """Whose attempts those are; from wherever they come."""
    return Subjects.of(email, f"profile of {email}")


def confirm_second_factor(
    tx: Transaction,
    person: Person,
    email: str,
    secret: str,
    code: str,
    *,
    kept: bytes | None = None,
) -> None:
    """Ask for codes of this secret from now on; a code of it shows that an authenticator has it.

    Every session but the `kept` one ends: they were begun without a code.

    Raises:
        UnknownUser.
        CodeRefused: it shows another.
    """
    user = _locked(tx, email)
    step = proofs.totp_step(secret, code, int(tx.now.timestamp()), 0)
    if step is None:
        raise CodeRefused("code: is not what your authenticator shows now", field="code")
    tx.write(users.set_totp(user, secret))
    tx.write(
        users.use_step(user, step),
        _ended(user, kept),
        _second_factor_told(tx, person, user, has=True),
    )


def set_role(
    tx: Transaction, person: Person, email: str, role: Role, warehouses: Warehouses
) -> None:
    """What somebody may from their next request on, and where.

    Raises:
        UnknownUser, Malformed.
        LastAdmin: nobody would be left who may say so.
    """
    admins = users.lock_among_admins(tx, email)
    user = _of(admins, email)
    check_warehouses(tx, warehouses)
    changed = user._replace(role=role, warehouses=warehouses)
    _check_not_last_admin(admins, user, changed)
    tx.write(
        users.set_role(user, role, warehouses),
        _told(tx, person, "set_role", user.email, before=_shown(user), after=_shown(changed)),
    )


def set_disabled(tx: Transaction, person: Person, email: str, *, disabled: bool) -> None:
    """Somebody may sign in no more, and is signed out everywhere; or may again.

    Raises:
        UnknownUser.
        LastAdmin: nobody would be left who could take it back.
    """
    admins = users.lock_among_admins(tx, email)
    user = _of(admins, email)
    if disabled:
        _check_not_last_admin(admins, user, user._replace(disabled_at=tx.now))
    tx.write(
        users.set_disabled(tx, user, disabled=disabled),
        sessions.end_all(user.user_id),
        _told(
            tx,
            person,
            "disable_user" if disabled else "enable_user",
            user.email,
            before={"disabled": user.disabled_at is not None},
            after={"disabled": disabled},
        ),
    )


def set_second_factor(
    tx: Transaction, person: Person, email: str, *, wanted: bool, kept: bytes | None = None
) -> str | None:
    """Ask for a code at each sign-in from now on, or no more. Returns what an authenticator reads.

    Every session but the `kept` one ends, as with another password: how they sign in is another.

    Raises:
        UnknownUser.
    """
    user = _locked(tx, email)
    secret = proofs.new_totp_secret() if wanted else None
    tx.write(
        users.set_totp(user, secret),
        _ended(user, kept),
        _second_factor_told(tx, person, user, has=wanted),
    )
    return None if secret is None else proofs.totp_uri(secret, user.email)


def _ended(user: User, kept: bytes | None) -> Write:
    if kept is None:
        return sessions.end_all(user.user_id)
    return sessions.end_others(user.user_id, kept)


def sign_out_everywhere(tx: Transaction, person: Person, email: str) -> None:
    """End every session of somebody, wherever it was begun.

    Raises:
        UnknownUser.
    """
    user = _locked(tx, email)
    tx.write(
        sessions.end_all(user.user_id),
        _told(tx, person, "sign_out", user.email, before={}, after={}),
    )


def check_warehouses(tx: Transaction, warehouses: Warehouses) -> None:
    """Go on if there are all of these.

    Raises:
        Malformed: names the first that there is not.
    """
    for name in sorted(warehouses or ()):
        if places.find(tx, name) is None:
            raise Malformed(f"warehouses: there is no {name}", field="warehouses")


def lock_user(tx: Transaction, email: str) -> User:
    """Whoever has this e-mail, for a decision about them that may be any of those here.

    The admins are locked with them, in one order, so that a decision that counts them can follow.

    Raises:
        UnknownUser.
    """
    return _of(users.lock_among_admins(tx, email), email)


def _locked(tx: Transaction, email: str) -> User:
    return _known(users.lock(tx, email), email)


def _of(found: Sequence[User], email: str) -> User:
    return _known(next((user for user in found if user.email == email.lower()), None), email)


def _known(user: User | None, email: str) -> User:
    if user is None:
        raise UnknownUser(f"email: nobody has {email}", field="email")
    return user


def _hashed(password: str) -> str:
    least, most = proofs.LEAST_PASSWORD, proofs.MOST_PASSWORD
    if not least <= len(password) <= most:
        raise Malformed(f"password: {least} to {most} characters are wanted", field="password")
    return proofs.hashed_password(password)


def _check_not_last_admin(admins: Sequence[User], user: User, changed: User) -> None:
    """`admins`: every one, and locked; whoever has become one since only makes them more."""
    others = any(_rules(other) for other in admins if other.user_id != user.user_id)
    if _rules(user) and not _rules(changed) and not others:
        raise LastAdmin(f"{user.email} is the only admin of all warehouses", field="email")


def _rules(user: User) -> bool:
    """Whether they can let others in: an admin of some warehouses cannot."""
    return user.role is Role.ADMIN and user.warehouses is None and user.disabled_at is None


def _shown(user: User) -> dict[str, Any]:
    return {
        "name": user.name,
        "role": user.role,
        "warehouses": None if user.warehouses is None else sorted(user.warehouses),
    }


def _told(
    tx: Transaction,
    person: Person,
    action: str,
    email: str,
    *,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
) -> Write:
    return audit_log.record(tx, person, action, Subject(USER, email), before=before, after=after)


def _second_factor_told(tx: Transaction, person: Person, user: User, *, has: bool) -> Write:
    return _told(
        tx,
        person,
        "set_second_factor",
        user.email,
        before={"second_factor": user.has_second_factor},
        after={"second_factor": has},
    )
