"""Who may do what, as a table that is read here in full."""

import pytest

from shared.people.permissions import ALLOWED, Action, Who, actions_of
from shared.people.types import ActorKind, NotAllowed, Role, Warehouses


def who(role: Role, warehouses: Warehouses = None) -> Who:
    return Who(ActorKind.USER, "ada@example.org", "Ada", actions_of(role), warehouses, role)


def test_every_action_is_somebodys() -> None:
    assert ALLOWED.keys() == set(Action)
    assert all(ALLOWED.values())


def test_who_may_more_may_all_that_the_others_may() -> None:
    viewer, operator, admin = (actions_of(role) for role in Role)

    assert viewer <= operator <= admin


def test_a_viewer_only_looks() -> None:
    others = actions_of(Role.VIEWER) - {Action.KEEP_PROFILE}

    assert all(action.startswith("see_") for action in others)


def test_what_is_not_theirs_is_refused_in_words() -> None:
    with pytest.raises(NotAllowed, match="the role viewer may not hold orders"):
        who(Role.VIEWER).require(Action.HOLD_ORDERS)
    who(Role.OPERATOR).require(Action.HOLD_ORDERS)


def test_warehouses_bound_what_a_role_may() -> None:
    of_berlin = who(Role.ADMIN, frozenset({"BER"}))

    of_berlin.require_at(["BER"])
    of_berlin.require_at([])
    with pytest.raises(NotAllowed, match="warehouse: LIS is not yours"):
        of_berlin.require_at(["BER", "LIS"])
    who(Role.OPERATOR).require_at(["BER", "LIS"])
    with pytest.raises(NotAllowed):
        who(Role.ADMIN, frozenset()).require_at(["BER"])
