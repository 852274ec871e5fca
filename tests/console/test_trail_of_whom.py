"""Who sees which acts: by their role, and by where they are there for."""

import pytest
from flask.testing import FlaskClient

from shared.flows.audited import KEY, LETTER, ORDER, PARCEL, USER
from shared.people import audit_log
from shared.people.audit_log import Subject
from shared.people.permissions import Action
from shared.people.types import ActorKind, Person, Role, Warehouses
from shared.platform.db import Database
from tests.console.browser import Browser, Machine
from tests.people import given as people
from tests.support import given

MAX, LEA = "max@example.org", "lea@example.org"  # Max is there for BER, Lea for LIS
ACTS = {
    "held": (MAX, ActorKind.USER, Subject(ORDER, "ord_1")),
    "relabelled": ("scanner", ActorKind.KEY, Subject(PARCEL, "par_1")),
    "let_in": ("cleo@example.org", ActorKind.USER, Subject(USER, LEA)),
    "made_key": ("cleo@example.org", ActorKind.USER, Subject(KEY, "key_1")),
    "discarded": (LEA, ActorKind.USER, Subject(LETTER, "7")),
    "counted": ("scanner", ActorKind.KEY, Subject("warehouse", "BER")),
    "posed": (LEA, ActorKind.KEY, Subject(KEY, "key_2")),  # a machine that is called as she is
}
IN_BER = {"held", "relabelled"}  # the order goes from there
ALL = set(ACTS)


@pytest.fixture
def acted(placed: Database) -> Database:
    """Everything was done once."""
    for name, (by, kind, subject) in ACTS.items():
        placed.run(
            lambda tx, by=by, kind=kind, name=name, subject=subject: tx.write(  # type: ignore[misc]
                audit_log.record(
                    tx, Person(by, f"why {name}", kind), name, subject, before={}, after={}
                )
            ),
            given.cause(),
        )
    return placed


@pytest.mark.parametrize(
    ("email", "role", "places", "seen"),
    [
        ("cleo@example.org", Role.ADMIN, None, ALL),
        ("dora@example.org", Role.ADMIN, frozenset({"BER"}), IN_BER),
        ("ada@example.org", Role.OPERATOR, None, ALL),
        (MAX, Role.OPERATOR, frozenset({"BER"}), IN_BER),
        (MAX, Role.OPERATOR, frozenset({"LIS"}), {"held"}),  # he has moved; it was he
        (LEA, Role.OPERATOR, frozenset({"LIS"}), {"discarded"}),
        (LEA, Role.OPERATOR, frozenset({"BER", "LIS"}), IN_BER | {"discarded"}),
        ("noa@example.org", Role.OPERATOR, frozenset(), set()),
        ("eve@example.org", Role.VIEWER, None, None),
        ("eve@example.org", Role.VIEWER, frozenset({"BER"}), None),
    ],
)
def test_a_person_sees_the_acts_of_theirs(
    *,
    client: FlaskClient,
    acted: Database,
    email: str,
    role: Role,
    places: Warehouses,
    seen: set[str] | None,
) -> None:
    token = people.session(acted, people.user(acted, email, role, places))
    browser = Browser(client)
    browser.carry(token)

    page, document = browser.get("/audit"), Machine(client, session=token).get("/audit")

    if seen is None:
        assert (page.status_code, document.status_code) == (403, 403)
        seen = set()
    else:
        assert {entry["action"] for entry in document.get_json()["entries"]} == seen
    assert {name for name in ALL if f"why {name}" in page.text} == seen


@pytest.mark.parametrize(
    ("places", "seen"),
    [(None, ALL), (frozenset({"BER"}), IN_BER), (frozenset({"LIS"}), set[str]())],
)
def test_a_machine_sees_none_because_it_is_called_as_another(
    client: FlaskClient, acted: Database, places: Warehouses, seen: set[str]
) -> None:
    key = people.key(acted, Action.SEE_AUDIT, warehouses=places)

    found = Machine(client, key=key).get("/audit").get_json()["entries"]

    assert {entry["action"] for entry in found} == seen


def test_a_filter_leads_to_nothing_more(client: FlaskClient, acted: Database) -> None:
    lea = people.user(acted, LEA, Role.OPERATOR, frozenset({"LIS"}))
    machine = Machine(client, session=people.session(acted, lea))

    for query in ("subject_id=ord_1", f"actor={MAX}", "action=held", "subject_kind=parcel"):
        assert machine.get(f"/audit?{query}").get_json()["entries"] == [], query
