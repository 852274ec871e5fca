"""The whole of Dispatch on this machine: starts together, ends together, leaves nothing behind.

    with Stack(directory, Options(durable=False)) as stack:
        requests.post(stack.addresses["tracking_webhook"], …)

All ports are chosen before anything starts, so that the environment is complete from the beginning
and the programs can come up side by side.
"""

import contextlib
import fcntl
import json
import os
import shutil
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import RLock
from types import TracebackType
from typing import IO, Literal, Self, TypedDict

from emulators.laptop import postgres
from emulators.laptop.cli import UserMistake
from emulators.laptop.hosts import TOGETHER, Host, hosts, is_apart
from emulators.laptop.manifest import Manifest, ManifestError, load_all
from emulators.laptop.postgres import Postgres
from emulators.laptop.postgres_binaries import PostgresFailed
from emulators.laptop.private_files import kept_secrets, write_private
from emulators.laptop.processes import Process, ProcessFailed, choose_port, module_command
from emulators.laptop.watchdog import Watchdog

ROOT = Path(__file__).resolve().parent.parent.parent
PROJECT = "dispatch-local"
LOCATION = "europe-west1"
OIDC_AUDIENCE = "https://dispatch.local"
OIDC_CALLER = "event-caller@dispatch-local.iam.gserviceaccount.com"
API_CALLER = "shop@dispatch-local.iam.gserviceaccount.com"  # the one machine of the HTTP API

READY_TIMEOUT_S = 60.0
MOST_RESTARTS = 5  # of a program that ended at once each time, before it is taken for broken
AT_ONCE_S = 10.0
WATCH_PERIOD_S = 0.2

# What `up` takes where it is free, so that addresses stay the same from day to day.
STABLE_PORTS = {"functions": 8700, "pubsub": 8701, "tasks": 8702, "google": 8703, "easypost": 8704,
                "postgres": 8705, "shippo": 8706}  # fmt: skip
SELLERS = ("easypost", "shippo")  # who sell labels, each with a simulator of its name
STAND_INS = ("google", *SELLERS)  # each keeps its state in the folder of its name
DOCUMENTS = "documents"  # the folder of labels and manifests
FIRST_STABLE_FUNCTION_PORT = 8710

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Options:
    """How a stack differs from the usual one."""

    functions_root: Path = ROOT / "functions"
    process_per_function: bool = False
    workers: int = 1  # of the process that hosts the functions
    threads: int = 8  # of each worker; as many as it has database connections
    fresh: bool = False  # begin with an empty database, and with stand-ins that know nothing
    durable: bool = True  # False: faster, for tests; a power cut loses the database
    migrate: bool = True
    database_url: str | None = None  # a server of the user's instead of a private one
    carrier_step_s: float | None = None  # between two events of a parcel; None: the simulator's own
    settings: Mapping[str, str] = field(default_factory=dict)  # DISPATCH_… that are not the usual
    ports: Mapping[str, int] = field(default_factory=dict)  # names as in STABLE_PORTS
    stable_ports: bool = False
    telemetry: bool = False  # traces and figures go to the stand-in, which costs some processor


class State(TypedDict):
    """What stack.json holds for `status`, `down` and whoever joins a running stack."""

    pid: int
    addresses: dict[str, str]
    processes: dict[str, int]
    environment: dict[str, str]


def state_directory() -> Path:
    """Where a stack keeps its state: DISPATCH_HOME, otherwise .local beside pyproject.toml."""
    return Path(os.environ.get("DISPATCH_HOME", ROOT / ".local")).absolute()


def read_state(directory: Path) -> State | None:
    """The state of the stack that runs on `directory`; None when none does.

    A stack.json that a killed stack left is removed. It may go at any moment: a stack that ends
    removes it before it lets go of the lock.
    """
    path = directory / "stack.json"
    if not path.exists():
        return None
    with (directory / "stack.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with contextlib.suppress(FileNotFoundError):
                state: State = json.loads(path.read_text())
                return state
            return None
        path.unlink(missing_ok=True)
        return None


class Stack:
    """Postgres, Google's stand-ins, those of label vendors and every function, started together.

    `environment` is what the functions read; `addresses` has host:port of `postgres`, `pubsub`,
    `tasks`, `google`, `easypost` and `shippo`, and the URL of each function by its name;
    `processes` is by name: `postgres`, `google`, `easypost`, `shippo`, and `functions` or each
    function's name.
    """

    def __init__(
        self, directory: Path, options: Options | None = None, report: Report = lambda _: None
    ) -> None:
        self.directory = directory.absolute()
        self.options = options or Options()
        self.environment: dict[str, str] = {}
        self.addresses: dict[str, str] = {}
        self.processes: dict[str, Process] = {}
        self.manifests: dict[str, Manifest] = {}
        self.postgres: Postgres | None = None  # None with a server of the user's
        self._started_s: dict[str, float] = {}
        self._failed_starts: dict[str, int] = {}
        self._mending = RLock()
        self._report = report
        self._open = contextlib.ExitStack()
        self._watchdog: Watchdog

    def __enter__(self) -> Self:
        try:
            self._start()
        except ManifestError as error:
            self.close()
            raise UserMistake(str(error)) from None
        except (PostgresFailed, ProcessFailed) as error:
            self.close()
            raise UserMistake(f"The stack did not start. {error}") from error
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop everything, the callers before what they call."""
        names = {TOGETHER, *self.manifests}
        hosted = [process for name, process in self.processes.items() if name in names]
        others = [found for found in self.processes.values() if found not in hosted]
        for group in (hosted, others):
            for process in group:
                process.send(process.stop_signal)
            for process in group:
                process.stop()
        self._open.close()

    def alive(self) -> dict[str, bool]:
        """Whether each process runs, by name."""
        return {name: process.is_alive() for name, process in self.processes.items()}

    def restart(self, name: str) -> None:
        """Stop a process if it runs, start it at the same address, and wait until it is ready."""
        if name == "postgres":
            assert self.postgres is not None
            self.postgres.restart()
        else:
            self.processes[name].stop()
            self.processes[name].start()
            self._await(name)
        if name == "google":
            self._let_deliver()
        self._started_s[name] = time.monotonic()
        self._write_state()

    def mend(self) -> None:
        """Start anew what has ended, as Cloud Run would.

        Raises:
            ProcessFailed: a process ended again and again.
        """
        with self._mending:
            for name in [name for name, alive in self.alive().items() if not alive]:
                self._start_anew(name)

    def pids(self) -> dict[str, int]:
        """The processes by name, none of them only just being started by `mend`."""
        with self._mending:
            return {name: process.pid for name, process in self.processes.items()}

    def _start_anew(self, name: str) -> None:
        lived_s = time.monotonic() - self._started_s.get(name, 0.0)
        failed = self._failed_starts.get(name, 0) + 1 if lived_s < AT_ONCE_S else 0
        if failed >= MOST_RESTARTS:
            raise ProcessFailed(f"{name} ended again and again; see its log.")
        self._failed_starts[name] = failed
        self._report(f"{name} ended; starting it anew")
        self.restart(name)

    def wait(self) -> None:
        """Stay until interrupted, starting anew what ends.

        Raises:
            ProcessFailed: a process ended again and again.
        """
        while True:
            self.mend()
            time.sleep(WATCH_PERIOD_S)

    def _start(self) -> None:
        self.manifests = load_all(self.options.functions_root)
        self._take_directory()
        if self.options.database_url:
            postgres.check_external(self.options.database_url)
        self._watchdog = self._open.enter_context(Watchdog())
        self._choose_addresses()
        if self.options.fresh:
            for name in (*STAND_INS, DOCUMENTS):
                shutil.rmtree(self.directory / name, ignore_errors=True)
        for stand_in in (self._google(), *map(self._seller, SELLERS)):
            stand_in.start()
        self._start_postgres()
        migration = self._migration()
        if migration:
            migration.start()
        options = self.options
        apart, workers = options.process_per_function, options.workers
        hosted = hosts(self.manifests, all_apart=apart, workers=workers, threads=options.threads)
        for host in hosted:
            self._host(host).start()
        self._await("google")
        self._provision()
        self._report("topics, subscriptions, queues and jobs are made")
        for name in SELLERS:
            self._await(name)
        if migration:
            migration.wait_for_success(READY_TIMEOUT_S)
            self._report("the database is migrated")
        for host in hosted:
            self._await(host.name)
        self._let_deliver()
        self._write_state()

    def _take_directory(self) -> None:
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            lock: IO[str] = self._open.enter_context((self.directory / "stack.lock").open("a+"))
        except OSError as error:
            raise UserMistake(
                f"State cannot be kept in {self.directory}: {error.strerror}. DISPATCH_HOME may"
                " name another folder."
            ) from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise UserMistake(
                f"A stack already runs here (pid {lock.read().strip()}); "
                "`python3 -m emulators status` shows it, `python3 -m emulators down` stops it."
            ) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        self._open.callback((self.directory / "stack.json").unlink, missing_ok=True)

    def _choose_addresses(self) -> None:
        ports = {name: self._port(name, stable) for name, stable in STABLE_PORTS.items()}
        for name in ("pubsub", "tasks", *STAND_INS, "postgres"):
            self.addresses[name] = f"127.0.0.1:{ports[name]}"
        for number, function in enumerate(self.manifests):
            port = ports["functions"]
            if self.options.process_per_function or is_apart(self.manifests[function]):
                port = self._port(function, FIRST_STABLE_FUNCTION_PORT + number)
            self.addresses[function] = f"http://127.0.0.1:{port}/{function}/"
        keys = kept_secrets(self.directory / "secrets.json")
        self.environment = {
            "DISPATCH_ENV": "local",
            "DISPATCH_PROJECT": PROJECT,
            "DISPATCH_LOCATION": LOCATION,
            "DISPATCH_PUBSUB_ADDRESS": self.addresses["pubsub"],
            "DISPATCH_TASKS_ADDRESS": self.addresses["tasks"],
            "DISPATCH_OIDC_AUDIENCE": OIDC_AUDIENCE,
            "DISPATCH_OIDC_CALLER": OIDC_CALLER,
            "DISPATCH_TRACKING_PAGE_URL": self.addresses.get("tracking_page", "http://127.0.0.1:9"),
            "DISPATCH_API_CALLERS": API_CALLER,
            "DISPATCH_OIDC_CERTS_URL": f"http://{self.addresses['google']}/oauth2/v1/certs",
            "DISPATCH_EASYPOST_API_BASE": f"http://{self.addresses['easypost']}/v2",
            "DISPATCH_SHIPPO_API_BASE": f"http://{self.addresses['shippo']}",
            "DISPATCH_DOCUMENTS_FOLDER": str(self.directory / DOCUMENTS),
            **keys,
            **(self._telemetry() if self.options.telemetry else {}),
            **self._console(),
            **self.options.settings,
        }

    def _telemetry(self) -> dict[str, str]:
        return {
            "DISPATCH_TELEMETRY": "otlp",
            "DISPATCH_TELEMETRY_ENDPOINT": f"http://{self.addresses['google']}",
            "DISPATCH_TELEMETRY_PERIOD_S": "1",
        }

    def _console(self) -> dict[str, str]:
        """Where the console's pages look on: at another port, which no balancer hides here."""
        if "ops_stream" not in self.addresses:
            return {}
        return {
            "DISPATCH_STREAM_PATH": "/ops_stream/",
            "DISPATCH_STREAM_PORT": self.addresses["ops_stream"].split(":")[2].partition("/")[0],
        }

    def _port(self, name: str, stable: int) -> int:
        preferred = stable if self.options.stable_ports else None
        return choose_port(self.options.ports.get(name), preferred, name)

    def _start_postgres(self) -> None:
        if self.options.database_url:
            url = postgres.external(self.options.database_url).url
            self.addresses.pop("postgres")
            self._report("Postgres is the one of DATABASE_URL")
        else:
            self.postgres = self._open.enter_context(
                postgres.start(
                    self.directory / "postgres",
                    port=int(self.addresses["postgres"].rpartition(":")[2]),
                    durable=self.options.durable,
                    watchdog=self._watchdog,
                )
            )
            if self.options.fresh:
                self.postgres.drop_database("dispatch")
                self.postgres.create_database("dispatch")
            url = self.postgres.url
            self.processes["postgres"] = self.postgres.process
            self._report(_about(self.postgres, self.directory))
        self.environment["DISPATCH_DATABASE_URL"] = url

    def _google(self) -> Process:
        ports = {"pubsub": "pubsub", "tasks": "tasks", "http": "google"}
        flags = [
            word
            for flag, name in ports.items()
            for word in (f"--{flag}-port", self.addresses[name].rpartition(":")[2])
        ]
        # Whoever deletes a queue on a laptop wants to make it anew at once.
        flags += ["--state-dir", str(self.directory / "google"), "--queue-tombstone-s", "0"]
        # What an earlier run left would use up its attempts before the functions are ready.
        flags.append("--paused")
        return self._process("google", module_command(sys.executable, "emulators.google", *flags))

    def _seller(self, name: str) -> Process:
        webhook = self.addresses.get("tracking_webhook", "http://127.0.0.1:9/")
        flags = [
            "--port", self.addresses[name].rpartition(":")[2],
            "--webhook-url", f"{webhook}{name}",
            "--state-dir", str(self.directory / name),
        ]  # fmt: skip
        if self.options.carrier_step_s is not None:
            flags += ["--step-s", str(self.options.carrier_step_s)]
        command = module_command(sys.executable, f"emulators.{name}", *flags)
        variable = f"{name.upper()}_WEBHOOK_SECRET"
        secret = self.environment[f"DISPATCH_{variable}"]
        return self._process(name, command, **{variable: secret})

    def _migration(self) -> Process | None:
        if not self.options.migrate:
            return None
        command = module_command(sys.executable, "shared.platform.migrate")
        process = self._process("migrate", command)
        del self.processes["migrate"]  # it ends by itself
        return process

    def _host(self, host: Host) -> Process:
        port = self.addresses[host.functions[0]].split(":")[2].partition("/")[0]
        command = host.command(self.options.functions_root, port)
        return self._process(host.name, command, DISPATCH_POOL_SIZE=str(host.connections))

    def _process(self, name: str, command: tuple[str, ...], **own: str) -> Process:
        inherited = {key: value for key, value in os.environ.items() if key[:9] != "DISPATCH_"}
        process = Process(
            name=name,
            command=command,
            log=self.directory / "logs" / f"{name}.log",
            environment=inherited | self.environment | own | {"PYTHONPATH": str(ROOT)},
            watchdog=self._watchdog,
            directory=ROOT,
        )
        self.processes[name] = process
        return process

    def _await(self, name: str) -> None:
        self.processes[name].ready_line("http", READY_TIMEOUT_S)
        self._report(f"{name} is ready")

    def _provision(self) -> None:
        # Imported here, where it takes its second while the programs start.
        from emulators.laptop.provision import Place, provision  # noqa: PLC0415

        place = Place(
            project=PROJECT,
            location=LOCATION,
            pubsub=self.addresses["pubsub"],
            tasks=self.addresses["tasks"],
            scheduler=self.addresses["google"],
            oidc_audience=OIDC_AUDIENCE,
            oidc_caller=OIDC_CALLER,
        )
        provision(place, self.manifests, self.addresses)

    def _let_deliver(self) -> None:
        url = f"http://{self.addresses['google']}/control/faults"
        with urllib.request.urlopen(urllib.request.Request(url, method="DELETE"), timeout=10):
            pass

    def _write_state(self) -> None:
        state = State(
            pid=os.getpid(),
            addresses=self.addresses,
            processes=self.pids(),
            environment=self.environment,
        )
        write_private(self.directory / "stack.json", json.dumps(state, indent=2))


def _about(started: Postgres, directory: Path) -> str:
    source: Literal["of this machine", "of the package"] = (
        "of this machine" if started.binaries.source == "installed" else "of the package"
    )
    text = f"Postgres {started.binaries.major} {source} is ready"
    if not started.home.folder.is_relative_to(directory):
        text += f"; its data are in {started.home.folder}, as `nobody` cannot enter {directory}"
    return text
