"""`users`: who may use the console, by command."""

import json
from pathlib import Path

import pytest

from emulators.laptop.running import command as cause
from emulators.people import verb
from emulators.people.accounts import first_accounts, kept_passwords
from shared.people import proofs, users
from shared.people.types import Role
from shared.platform.config import Config
from shared.platform.db import Database
from tests.people import given as people
from tests.support.commands import Command, as_json, command


@pytest.fixture
def told(
    config: Config, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    return command("users", config, monkeypatch, capsys)


def fits(database: Database, email: str, password: str) -> bool:
    found = database.run(lambda tx: users.proof(tx, email), cause())
    return found is not None and proofs.fits(password, found.password_hash)


def test_a_fresh_stack_has_an_account_for_each_role_and_keeps_its_password(
    database: Database, tmp_path: Path
) -> None:
    made = first_accounts(database, tmp_path)

    assert made.keys() == {f"{role}@dispatch.local" for role in Role}
    assert kept_passwords(tmp_path) == made
    assert (tmp_path / "users.json").stat().st_mode & 0o077 == 0
    assert all(fits(database, email, word) for email, word in made.items())
    assert first_accounts(database, tmp_path) == {}


def test_somebody_is_let_in_changed_and_shut_out(
    told: Command, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verb, "state_directory", lambda: tmp_path)
    made = as_json(told, "add", "eve@example.org", "--name", "Eve", "--role", "operator")
    assert fits(database, "eve@example.org", made["password"])
    again = as_json(told, "password", "eve@example.org")
    assert fits(database, "eve@example.org", again["password"])
    as_json(told, "role", "eve@example.org", "--role", "viewer", "--reason", "on leave")
    scan = as_json(told, "second-factor", "eve@example.org")["scan"]
    as_json(told, "sign-out", "eve@example.org")
    as_json(told, "disable", "eve@example.org")

    (shown,) = as_json(told, "list")["users"]

    assert scan.startswith("otpauth://totp/")
    assert (shown["role"], shown["second_factor"], shown["disabled"]) == ("viewer", True, True)
    assert [entry[1] for entry in people.trail(database)] == [
        "add_user",
        "set_password",
        "set_role",
        "set_second_factor",
        "sign_out",
        "disable_user",
    ]
    assert people.trail(database)[2][3] == "on leave"


@pytest.mark.usefixtures("database")
def test_a_mistake_is_one_sentence(told: Command) -> None:
    assert told("disable", "nobody@example.org") == (
        1,
        "",
        "email: nobody has nobody@example.org (unknown_user)\n",
    )


def test_a_machine_gets_a_key(told: Command, database: Database) -> None:
    made = as_json(told, "key", "scanner", "--actions", "see_orders", "--days", "7")

    assert proofs.read_key(made["key"]) is not None
    code, out, _ = told("list")
    assert (code, "scanner" in out) == (0, False)
    assert json.dumps(people.trail(database)).count("add_key") == 1
