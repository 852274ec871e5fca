"""Somebody signs in: by password, perhaps a code, or because a proxy vouches for them.

The password is looked at between two transactions: it takes tens of milliseconds on purpose, and a
refused attempt has to stay counted. What was looked at has to be the same still when the session
begins: whoever was shut out meanwhile, or has another password, does not come in.
"""

from typing import NamedTuple

from shared.flows.audited import USER
from shared.flows.steps import Run
from shared.people import audit_log, proofs, sessions, sign_in_attempts, users
from shared.people.audit_log import Subject
from shared.people.sessions import Session
from shared.people.sign_in_attempts import Subjects
from shared.people.types import ActorKind, Person, SignInRefused, TooManyAttempts, User
from shared.people.users import Proof
from shared.platform.db import Transaction, Write

_WRONG = "the e-mail or the password is wrong"


class SignIn(NamedTuple):
    """Who they say they are, and from which address."""

    email: str
    password: str
    address: str


class Opened(NamedTuple):
    """The session's token, for the browser alone. Half a session waits for a code."""

    token: str
    is_complete: bool


def sign_in(run: Run, asked: SignIn) -> Opened:
    """Begin a session for whoever knows the password.

    Raises:
        SignInRefused: the e-mail or the password is wrong, or they may sign in no more.
        TooManyAttempts: for the account or from the address.
    """
    if "\0" in asked.email:
        raise SignInRefused(_WRONG)  # nobody's, and no database would look it up
    subjects = Subjects.of(asked.email, asked.address)
    proof = _counted(run, asked.email, subjects)
    known = proof is not None and proof.user.disabled_at is None and proof.password_hash
    if not proofs.fits(asked.password, proof.password_hash if proof and known else None):
        raise SignInRefused(_WRONG)
    assert proof is not None, "nobody's password fits"
    token = proofs.new_token()
    run(lambda tx: _begin(tx, token, proof, subjects))
    return Opened(token, is_complete=proof.totp_secret is None)


def confirm_code(run: Run, half_token: str, session: Session, code: str, address: str) -> Opened:
    """Make a whole session of half of one, under another token.

    Raises:
        SignInRefused: the code is wrong, or was used before.
        TooManyAttempts: for the account or from the address.
    """
    subjects = Subjects.of(session.who.name, address)
    proof = _counted(run, session.who.name, subjects)
    if proof is None or proof.totp_secret is None:
        raise SignInRefused("sign in again")
    token = proofs.new_token()

    def confirm(tx: Transaction) -> None:
        known = _unchanged(tx, proof)
        # Whatever ended all their sessions meanwhile has ended this one.
        if known is None or sessions.find(tx, half_token, is_busy=False) is None:
            raise SignInRefused("sign in again")
        now_s = int(tx.now.timestamp())
        step = proofs.totp_step(known.totp_secret or "", code.strip(), now_s, known.totp_step)
        if step is None:
            raise SignInRefused("the code is wrong or was used before", field="code")
        tx.write(
            sessions.end(half_token),
            users.use_step(known.user, step),
            *sign_in_attempts.clear(subjects),
            _told(tx, known.user, "by password and code"),
        )
        tx.write(sessions.begin(tx, token, known.user.user_id, is_complete=True))

    run(confirm)
    return Opened(token, is_complete=True)


def vouched(tx: Transaction, email: str) -> Opened:
    """Begin a session for whoever the identity-aware proxy has let through.

    Raises:
        SignInRefused: nobody here has this e-mail, or they may sign in no more.
    """
    proof = users.proof(tx, email)
    if proof is None or proof.user.disabled_at is not None:
        raise SignInRefused(f"{email} has no account here; an admin can make one")
    user = proof.user
    if proof.is_temporary:
        tx.write(users.set_password(user, ""))  # nobody needs it here, so it opens nothing
    token = proofs.new_token()
    tx.write(
        sessions.begin(tx, token, user.user_id, is_complete=True),
        _told(tx, user, "by the identity-aware proxy"),
    )
    return Opened(token, is_complete=True)


def _counted(run: Run, email: str, subjects: Subjects) -> Proof | None:
    def count(tx: Transaction) -> tuple[int, Proof | None]:
        return sign_in_attempts.count(tx, subjects), users.proof(tx, email)

    wait_s, proof = run(count)
    if wait_s:
        raise TooManyAttempts(
            f"too many attempts; the next is possible in {-(-wait_s // 60)} minutes",
            retry_after_s=wait_s,
        )
    return proof


def _begin(tx: Transaction, token: str, proof: Proof, subjects: Subjects) -> None:
    known = _unchanged(tx, proof)
    if known is None:
        raise SignInRefused(_WRONG)
    is_complete = known.totp_secret is None
    begun = sessions.begin(tx, token, known.user.user_id, is_complete=is_complete)
    if is_complete:
        told = _told(tx, known.user, "by password")
        tx.write(begun, *sign_in_attempts.clear(subjects), told)
    else:
        tx.write(begun, sign_in_attempts.take_back(subjects))


def _unchanged(tx: Transaction, proof: Proof) -> Proof | None:
    """What proves who they are, as it is and stays; None: it is another than was looked at."""
    email = proof.user.email
    users.lock(tx, email)
    known = users.proof(tx, email)
    if known is None or known.user.disabled_at is not None:
        return None
    is_same = (known.password_hash, known.totp_secret) == (proof.password_hash, proof.totp_secret)
    return known if is_same else None


def _told(tx: Transaction, user: User, how: str) -> Write:
    person = Person(user.email, how, ActorKind.USER)
    return audit_log.record(tx, person, "sign_in", Subject(USER, user.email), before={}, after={})
