"""Oneself: another password, and a second factor."""

from shared.contracts.http_ops_people import (
    OpsProfile,
    OpsSecondFactor,
    PasswordWanted,
    SecondFactorUnwanted,
    SecondFactorWanted,
)
from shared.edge.console.routes import PROFILE_PATH, Act, View, Visit
from shared.flows.manage_users import (
    CodeRefused,
    confirm_second_factor,
    count_attempt,
    require_password,
    set_password,
    set_second_factor,
)
from shared.flows.show_people import NoProfile, offer_second_factor, require_self, show_profile
from shared.kit.errors import DispatchError, Malformed
from shared.people.permissions import Action
from shared.people.types import ActorKind, TooManyAttempts

FACTOR_PATH = f"{PROFILE_PATH}/second-factor"
_OWN = "their own"  # the reason of what somebody does to themselves


def _show(visit: Visit, _query: None) -> OpsProfile:
    return show_profile(visit.tx, visit.who)


def _offer(visit: Visit, _query: None) -> OpsSecondFactor:
    return offer_second_factor(visit.tx, visit.who)


def _count(visit: Visit) -> DispatchError | None:
    if visit.who.kind is not ActorKind.USER:
        return NoProfile("a machine has no password; an admin makes it another key")
    return count_attempt(visit.tx, visit.who.name)


def _set_password(visit: Visit, said: PasswordWanted) -> None:
    email = require_self(visit.tx, visit.who).email
    wanted = said.wanted.get_secret_value()
    if wanted != said.again.get_secret_value():
        raise Malformed("again: is not the same password", field="again")
    current = said.current.get_secret_value()
    require_password(visit.tx, email, current)
    if wanted == current:
        raise Malformed("password: is the one that you have", field="wanted")
    try:
        set_password(visit.tx, visit.person(_OWN), email, wanted)
    except Malformed as error:
        raise Malformed(str(error), field="wanted") from error


def _confirm(visit: Visit, said: SecondFactorWanted) -> None:
    email = require_self(visit.tx, visit.who).email
    confirm_second_factor(
        visit.tx, visit.person(_OWN), email, said.secret, said.code, kept=visit.who.session
    )


def _drop(visit: Visit, said: SecondFactorUnwanted) -> None:
    email = require_self(visit.tx, visit.who).email
    require_password(visit.tx, email, said.current.get_secret_value())
    set_second_factor(visit.tx, visit.person(_OWN), email, wanted=False, kept=visit.who.session)


PROFILE = View(
    name="showProfile",
    path=PROFILE_PATH,
    purpose="Show who asks, and how they sign in.",
    action=Action.KEEP_PROFILE,
    show=_show,
    answer=OpsProfile,
    template="me.html",
    refusals={NoProfile: 422},
)
SECOND_FACTOR = View(
    name="offerSecondFactor",
    path=FACTOR_PATH,
    purpose="Show a secret for an authenticator; it counts once a code of it is shown.",
    action=Action.KEEP_PROFILE,
    show=_offer,
    answer=OpsSecondFactor,
    template="second_factor.html",
    refusals={NoProfile: 422},
)
ROUTES = (
    PROFILE,
    SECOND_FACTOR,
    Act(
        name="setOwnPassword",
        path=f"{PROFILE_PATH}/password",
        purpose="Choose another password; every session ends.",
        action=Action.KEEP_PROFILE,
        act=_set_password,
        body=PasswordWanted,
        view=PROFILE,
        done="You have another password.",
        form="password",
        first=_count,
        refusals={NoProfile: 422, TooManyAttempts: 429},
    ),
    Act(
        name="setSecondFactor",
        path=f"{FACTOR_PATH}/confirm",
        purpose="Ask for a code at each sign-in from now on.",
        action=Action.KEEP_PROFILE,
        act=_confirm,
        body=SecondFactorWanted,
        view=SECOND_FACTOR,
        done="From now on signing in takes a code. Your other sessions are ended.",
        form="confirm",
        refusals={NoProfile: 422, CodeRefused: 422},
    ),
    Act(
        name="dropSecondFactor",
        path=f"{PROFILE_PATH}/no-code",
        purpose="Ask for no code any more.",
        action=Action.KEEP_PROFILE,
        act=_drop,
        body=SecondFactorUnwanted,
        view=PROFILE,
        done="Your password is enough from now on. Your other sessions are ended.",
        form="no-code",
        first=_count,
        refusals={NoProfile: 422, TooManyAttempts: 429},
    ),
)
