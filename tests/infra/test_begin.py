"""What an environment needs before anybody can work in it, by the words that the job runs."""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import pytest

from infra.release import __main__ as verb
from infra.release import first_password, metadata
from shared import wiring
from shared.people import proofs, users
from shared.people.types import Role
from shared.platform.db import Database
from tests.people import given as people
from tests.support import given
from tests.support.loopback import Answer, Request, listening

CATALOGUE = {
    "skus": [{"sku": "MUG", "weight_g": 300, "length_mm": 90, "width_mm": 90, "height_mm": 110}],
    "warehouses": [],
    "rate_cards": [],
}


@pytest.fixture(autouse=True)
def _at_this_database(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wiring, "services", lambda: SimpleNamespace(database=database))


SECRET = "projects/dispatch-dev/secrets/first-password"


@dataclass
class SecretManager:
    """Takes versions of the secret, or refuses them; keeps who asked and for what."""

    refuses: int | None = None
    versions: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def answer(self, request: Request) -> Answer:
        """As `projects.secrets.addVersion` answers."""
        assert request.headers["authorization"] == "Bearer of the job"
        self.asked.append(request.path)
        if self.refuses is not None:
            return Answer(status=self.refuses, body=b"{}")
        said = json.loads(request.body)["payload"]["data"]
        self.versions.append(base64.b64decode(said).decode())
        name = f"{SECRET}/versions/{len(self.versions)}"
        return Answer(status=200, body=json.dumps({"name": name}).encode())


@pytest.fixture
def manager(monkeypatch: pytest.MonkeyPatch) -> Iterator[SecretManager]:
    found = SecretManager()
    monkeypatch.setenv(first_password.SETTING, SECRET)
    monkeypatch.setattr(metadata, "access_token", lambda: "of the job")
    with listening(found.answer) as address:
        monkeypatch.setattr(first_password, "API", f"{address}/v1")
        yield found


def test_the_first_admins_password_is_a_version_of_a_secret_and_in_no_log(
    database: Database, manager: SecretManager, capsys: pytest.CaptureFixture[str]
) -> None:
    # Goal: many read the log of a job, and for a month; who may read a secret is said by name.
    assert verb.main(["admin", "Eve@example.org", "--name", "Eve"]) == 0

    (password,) = manager.versions
    assert manager.asked == [f"/v1/{SECRET}:addVersion"]
    told = capsys.readouterr()
    assert told.out.startswith(f"{SECRET}/versions/1 holds their password")
    assert password not in told.out + told.err
    (user,) = database.run(users.all_users, given.cause())
    assert (user.email, user.role, user.warehouses) == ("eve@example.org", Role.ADMIN, None)
    proof = database.run(lambda tx: users.proof(tx, user.email), given.cause())
    assert proof is not None
    assert proof.is_temporary
    assert proofs.fits(password, proof.password_hash)
    (entry,) = people.trail(database)
    assert entry[:3] == ("job-begin", "add_user", "eve@example.org")


def test_whose_password_cannot_be_kept_is_not_let_in(
    database: Database, manager: SecretManager, capsys: pytest.CaptureFixture[str]
) -> None:
    manager.refuses = 403

    assert verb.main(["admin", "eve@example.org", "--name", "Eve"]) == 1

    assert f"{SECRET}: Secret Manager answered 403" in capsys.readouterr().err
    assert database.run(users.all_users, given.cause()) == []
    assert people.trail(database) == []


def test_without_a_secret_nobody_gets_a_password(
    database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(first_password.SETTING, raising=False)

    assert verb.main(["admin", "eve@example.org", "--name", "Eve"]) == 1

    assert "names no secret" in capsys.readouterr().err
    assert database.run(users.all_users, given.cause()) == []


def test_behind_the_proxy_nobody_has_a_password(
    database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verb.main(["admin", "eve@example.org", "--name", "Eve", "--behind-proxy"]) == 0

    assert capsys.readouterr().out == ""
    assert [user.email for user in database.run(users.all_users, given.cause())] == [
        "eve@example.org"
    ]


def test_who_is_there_already_is_not_let_in_again(
    database: Database, manager: SecretManager, capsys: pytest.CaptureFixture[str]
) -> None:
    verb.main(["admin", "eve@example.org", "--name", "Eve"])

    assert verb.main(["admin", "eve@example.org", "--name", "Eve"]) == 1
    assert "email: eve@example.org is somebody's already" in capsys.readouterr().err
    assert len(database.run(users.all_users, given.cause())) == 1
    assert len(manager.versions) == 1, "the newest version is still the one that opens"


def test_a_catalogue_is_loaded_from_a_file(database: Database, tmp_path: Path) -> None:
    file = tmp_path / "catalogue.json"
    file.write_text(json.dumps(CATALOGUE))

    assert verb.main(["catalogue", str(file)]) == 0
    assert given.rows(database, "SELECT sku FROM skus") == [("MUG",)]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("{", "body: "),
        (json.dumps({**CATALOGUE, "skus": [{"sku": "MUG"}]}), "skus.0.weight_g: "),
        (None, "No such file"),
    ],
)
def test_a_catalogue_that_cannot_be_loaded_is_refused_by_its_field(
    database: Database,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    written: str | None,
    said: str,
) -> None:
    file = tmp_path / "catalogue.json"
    if written is not None:
        file.write_text(written)

    assert verb.main(["catalogue", str(file)]) == 1
    assert said in capsys.readouterr().err
    assert given.rows(database, "SELECT sku FROM skus") == []
