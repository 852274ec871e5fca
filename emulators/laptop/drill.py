"""`drill`: back the running stack's database up, restore that into a new database, and audit it.

The backup is of one moment, while orders go on. What is restored is compared with that moment table
by table, and has to pass the same audit as the original. The new database is dropped in the end.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from rich.table import Table

from emulators.laptop.cli import UserMistake, add_json
from emulators.laptop.postgres import Server
from emulators.laptop.postgres_binaries import PostgresFailed, find_binaries
from emulators.laptop.screen import screen
from emulators.laptop.stack import read_state, state_directory
from emulators.line.books import Books
from shared.ops.auditor import Violation

RESTORED = "dispatch_drill"
URL = "DISPATCH_DATABASE_URL"
TIMEOUT_S = 3_600

_TABLES = (
    "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
)


@dataclass(frozen=True, slots=True)
class Drill:
    """How it went.

    Attributes:
        backup_s, restore_s, audit_s: how long each part took.
        backup_bytes: of the file.
        rows: of all tables, at the moment of the backup.
        orders_since: accepted while the drill went on, and so in no backup.
        differences: table -> what was there, and what was restored.
        violations: what the audit found in what was restored.
    """

    backup_s: float
    restore_s: float
    audit_s: float
    backup_bytes: int
    rows: int
    orders_since: int
    differences: Mapping[str, tuple[int, int]]
    violations: tuple[Violation, ...]

    @property
    def passed(self) -> bool:
        """Whether all is there, and right."""
        return not self.differences and not self.violations


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `drill`."""
    add_json(parser)
    parser.add_argument(
        "--keep", action="store_true", help=f"leave the restored database {RESTORED} there"
    )


def run(arguments: argparse.Namespace) -> int:
    """Do it once; exit code 1 when something is missing or wrong."""
    state = read_state(state_directory())
    if state is None:
        raise UserMistake("Nothing runs here; `python3 -m emulators up` starts it.")
    found = drill(state["environment"], keep=arguments.keep)
    if arguments.json:
        sys.stdout.write(json.dumps({"passed": found.passed, **asdict(found)}) + "\n")
    else:
        _show(found)
    return 0 if found.passed else 1


def drill(environment: Mapping[str, str], *, keep: bool = False) -> Drill:
    """Back up, restore, compare, audit.

    Raises:
        UserMistake: pg_dump or pg_restore is missing, or did not work.
    """
    server = Server(environment[URL])
    with (
        tempfile.TemporaryDirectory(prefix="dispatch-drill-") as folder,
        _moment(server) as (snapshot, before),
    ):
        file = Path(folder) / "backup"
        began_s = time.monotonic()
        _program(server, "pg_dump", "--format=custom", f"--snapshot={snapshot}", f"--file={file}")
        backup_s = time.monotonic() - began_s
        server.drop_database(RESTORED)
        restored = Server(server.create_database(RESTORED))
        try:
            began_s = time.monotonic()
            _program(restored, "pg_restore", "--exit-on-error", "--no-owner", str(file))
            restore_s = time.monotonic() - began_s
            after = _counts(restored)
            began_s = time.monotonic()
            violations = _audited({**environment, URL: restored.url})
            audit_s = time.monotonic() - began_s
        finally:
            if not keep:
                server.drop_database(RESTORED)
        return Drill(
            backup_s=round(backup_s, 2),
            restore_s=round(restore_s, 2),
            audit_s=round(audit_s, 2),
            backup_bytes=file.stat().st_size,
            rows=sum(before.values()),
            orders_since=_counts(server)["orders"] - before["orders"],
            differences={
                table: (before.get(table, 0), after.get(table, 0))
                for table in sorted(before.keys() | after.keys())
                if before.get(table) != after.get(table)
            },
            violations=violations,
        )


@contextmanager
def _moment(server: Server) -> Iterator[tuple[str, Mapping[str, int]]]:
    """A moment of the database: the name by which others see the same, and the rows of each table.

    It lasts as long as the block.
    """
    with contextlib.closing(server.connect()) as connection:
        cursor = connection.cursor()
        cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        cursor.execute("SELECT pg_export_snapshot()")
        (snapshot,) = cursor.fetchone()
        yield snapshot, _counted(cursor)


def _counts(server: Server) -> dict[str, int]:
    with contextlib.closing(server.connect()) as connection:
        return _counted(connection.cursor())


def _counted(cursor: Any) -> dict[str, int]:
    cursor.execute(_TABLES)
    counts = {}
    for (table,) in cursor.fetchall():
        cursor.execute(f'SELECT count(*) FROM "{table}"')  # noqa: S608  a name that Postgres gave
        (counts[table],) = cursor.fetchone()
    return counts


def _audited(environment: Mapping[str, str]) -> tuple[Violation, ...]:
    books = Books(environment)
    try:
        return books.violations()
    finally:
        books.close()


def _program(server: Server, name: str, *words: str) -> None:
    """Run one of Postgres's programs on the database; the password is not on its command line."""
    try:
        program = find_binaries().folder / name
    except PostgresFailed as failure:
        raise UserMistake(str(failure)) from None
    if not program.exists():
        raise UserMistake(f"{name} is not in {program.parent}; install Postgres's client programs.")
    at = urlsplit(server.url)
    database = at.path.lstrip("/")
    ran = subprocess.run(
        [program, f"--dbname={database}", *words],
        env={
            **os.environ,
            "PGHOST": at.hostname or "127.0.0.1",
            "PGPORT": str(at.port or 5432),
            "PGUSER": unquote(at.username or ""),
            "PGPASSWORD": unquote(at.password or ""),
        },
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    if ran.returncode != 0:
        raise UserMistake(f"{name} did not work: {' / '.join(ran.stderr.splitlines()[-3:])}")


def _show(found: Drill) -> None:
    console = screen()
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    table.add_column()
    table.add_column(justify="right")
    table.add_column()
    size = f"{found.rows:,} rows, {found.backup_bytes / 1e6:.1f} MB"
    table.add_row("backed up", f"{found.backup_s:.2f} s", size)
    table.add_row("restored", f"{found.restore_s:.2f} s", "into a database of its own")
    table.add_row("audited", f"{found.audit_s:.2f} s", f"{len(found.violations)} violations")
    console.print(table)
    console.print(
        f"{found.orders_since} orders were accepted meanwhile, and are in no backup of that moment."
    )
    for name, (before, after) in found.differences.items():
        console.print(f"[red]{name}: {before} rows were there, {after} are restored[/red]")
    for broken in found.violations:
        console.print(
            f"[red]{broken.rule}: {broken.subject}: {broken.found}, should be"
            f" {broken.expected}[/red]"
        )
    console.print(
        "[green]All is there, and right.[/green]" if found.passed else "[red]FAILED[/red]"
    )
