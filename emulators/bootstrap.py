"""From a bare Python to a complete virtual environment. Imports the standard library alone.

`.venv` lies beside pyproject.toml and holds exactly emulators/requirements.txt. Two files in it
say how far it is: `dispatch-complete` names the requirements and the Python that it was completed
with; `dispatch-installing` is there while packages are written, so that finding it at a start means
that an install was cut off and that the environment is not to be trusted.
"""

import fcntl
import hashlib
import importlib.util
import os
import re
import selectors
import shutil
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

REPAIRED = "_EMULATORS_REPAIRED"  # set in the environment by the one repair a start may try
OURS = ("emulators", "functions", "shared", "tests")

# What would make pip install somewhere else than into the environment, or Python load from there.
MISLEADING = (
    "PYTHONHOME",
    "PIP_PREFIX",
    "PIP_ROOT",
    "PIP_TARGET",
    "PIP_USER",
    "__PYVENV_LAUNCHER__",
)


class Unusable(Exception):
    """The environment cannot be made; the message is one sentence for the user."""


def enter_environment(root: Path) -> None:
    """Return inside a complete `.venv` of `root`; from anywhere else make it and start again in it.

    Raises:
        Unusable: Python lacks a module, or network, disk or permissions stand in the way.
    """
    inside = Path(sys.prefix).resolve() == (root / ".venv").resolve()
    if _is_complete(root, inside=inside):
        if not inside:
            _execute(root / ".venv" / "bin" / "python")
        return
    if inside:
        # An environment must not rewrite the interpreter it runs on.
        (root / ".venv" / "dispatch-complete").unlink(missing_ok=True)
        _execute(Path(getattr(sys, "_base_executable", "") or sys.executable))
    try:
        with _only_one(root):
            if not _is_complete(root, inside=False):
                _make(root)
    except OSError as error:
        raise Unusable(_sentence_for(error, root)) from error
    _execute(root / ".venv" / "bin" / "python")


def repair(root: Path, missing: ModuleNotFoundError) -> NoReturn:
    """Rebuild the environment after `missing` turned out not to be in it, once, and start again.

    Raises:
        ModuleNotFoundError: it is our own module that is missing, or a rebuild did not help.
    """
    if (missing.name or "").split(".")[0] in OURS or REPAIRED in os.environ:
        raise missing
    _say(f"The package that has {missing.name} is damaged; making the environment anew.")
    (root / ".venv" / "dispatch-installing").touch()
    os.environ[REPAIRED] = "1"
    _execute(Path(getattr(sys, "_base_executable", "") or sys.executable))


def _is_complete(root: Path, *, inside: bool) -> bool:
    environment = root / ".venv"
    if (environment / "dispatch-installing").exists() or not (environment / "bin/python").exists():
        return False
    try:
        stamp = (environment / "dispatch-complete").read_text().split()
    except OSError:
        return False
    # A system update can swap the interpreter behind `.venv/bin/python`; only it can tell.
    python = _python_version() if inside else stamp[-1:]
    return stamp == [_requirements_hash(root), *python]


def _python_version() -> list[str]:
    return ["{}.{}".format(*sys.version_info)]


def _requirements_hash(root: Path) -> str:
    return hashlib.sha256((root / "emulators" / "requirements.txt").read_bytes()).hexdigest()


def _execute(python: Path) -> NoReturn:
    for name in MISLEADING:
        os.environ.pop(name, None)
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(python, [str(python), *sys.orig_argv[1:]])  # noqa: S606 - no shell is wanted


@contextmanager
def _only_one(root: Path) -> Iterator[None]:
    folder = root / ".local"
    folder.mkdir(exist_ok=True)
    with (folder / "bootstrap.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say("Another start is making the environment; waiting for it.")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _make(root: Path) -> None:
    environment = root / ".venv"
    complete, installing = environment / "dispatch-complete", environment / "dispatch-installing"
    if installing.exists() or not _has_working_pip(environment):
        _create(environment)
    complete.unlink(missing_ok=True)
    installing.touch()
    try:
        _install(environment, root / "emulators" / "requirements.txt")
    except Unusable:
        installing.unlink()  # pip ended by itself and left whole packages, so they may stay
        raise
    complete.write_text(f"{_requirements_hash(root)} {_python_version()[0]}\n")
    installing.unlink()


def _has_working_pip(environment: Path) -> bool:
    """Whether `environment` runs this version of Python and can install into itself."""
    program = "import sys, pip; print('{}.{}'.format(*sys.version_info))"
    try:
        answer = subprocess.run(
            [environment / "bin/python", "-I", "-c", program],
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.stdout.split() == _python_version()


def _create(environment: Path) -> None:
    for module in ("venv", "ensurepip"):
        if importlib.util.find_spec(module) is None:
            raise Unusable(
                f"This Python lacks its module {module}; install it (on Debian and Ubuntu: "
                f"apt install python{_python_version()[0]}-venv) and start again."
            )
    _say(f"Making a virtual environment with Python {_python_version()[0]}.")
    if environment.is_symlink() or environment.is_file():
        environment.unlink()
    elif environment.exists():
        shutil.rmtree(environment)
    made = subprocess.run(
        [sys.executable, "-I", "-m", "venv", environment],
        capture_output=True, text=True, check=False, env=_clean_environment(),
    )  # fmt: skip
    if made.returncode != 0:
        raise Unusable(_sentence_from((made.stdout + made.stderr).splitlines()))


def _install(environment: Path, requirements: Path) -> None:
    expected = len(re.findall(r"^[\w.-]+==", requirements.read_text(), re.MULTILINE))
    _say(f"Installing {expected} locked packages; this happens once.")
    command: list[str | Path] = [
        environment / "bin/python", "-I", "-m", "pip", "install", "--require-hashes",
        "--no-deps", "--no-input", "--disable-pip-version-check", "--progress-bar", "off",
        "--retries", "2", "--timeout", "20", "-r", requirements,
    ]  # fmt: skip
    lines: deque[str] = deque(maxlen=400)
    progress = _Progress(expected)
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=_clean_environment()
    ) as pip:
        try:
            for line in _lines(pip, progress):
                lines.append(line)
                progress.note(line)
        except BaseException:
            pip.terminate()
            raise
    progress.end()
    if pip.returncode != 0:
        raise Unusable(_sentence_from(list(lines)))


def _clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in MISLEADING}


def _lines(process: subprocess.Popen[bytes], progress: "_Progress") -> Iterator[str]:
    """Each line that `process` prints, ticking `progress` while there is none."""
    assert process.stdout is not None
    rest = b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while True:
            if not selector.select(timeout=0.2):
                progress.tick()
                continue
            piece = os.read(process.stdout.fileno(), 65_536)
            if not piece:
                break
            *whole, rest = (rest + piece).split(b"\n")
            for line in whole:
                yield line.decode(errors="replace").rstrip()
    if rest:
        yield rest.decode(errors="replace").rstrip()


class _Progress:
    """One line that is written over on a terminal, and a line every ten seconds elsewhere."""

    def __init__(self, expected: int) -> None:
        self._expected = expected
        self._found = 0
        self._step = "Fetching"
        self._started_s = time.monotonic()
        self._shown_s = 0.0
        self._terminal = sys.stderr.isatty()

    def note(self, line: str) -> None:
        if line.startswith(("Collecting ", "Requirement already satisfied")):
            self._found = min(self._found + 1, self._expected)
        elif line.startswith("Installing collected packages"):
            self._step = "Unpacking"
            self._shown_s = 0.0
        self.tick()

    def tick(self) -> None:
        now_s = time.monotonic()
        if now_s - self._shown_s < (0.2 if self._terminal else 10.0):
            return
        self._shown_s = now_s
        self._write(f"{self._step} packages: {self._found} of {self._expected}")

    def end(self) -> None:
        self._write(f"Packages seen: {self._found} of {self._expected}")
        if self._terminal:
            sys.stderr.write("\n")

    def _write(self, text: str) -> None:
        text = f"{text}, {time.monotonic() - self._started_s:.0f} s"
        sys.stderr.write(f"\r\033[K{text}" if self._terminal else f"{text}\n")
        sys.stderr.flush()


def _say(text: str) -> None:
    # Standard output belongs to the verb, which may print JSON.
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


# The first pattern that occurs in pip's output decides what the user is told.
CAUSES: Mapping[str, str] = {
    r"No space left on device": "The disk is full; free about 1 GB and start again.",
    r"Read-only file system|Permission denied": (
        "The folder of Dispatch cannot be written to; give yourself the right, or copy it to "
        "where you have it."
    ),
    r"DO NOT MATCH THE HASHES": (
        "A downloaded package is not the one that was locked (its hash differs), so nothing of it "
        "was installed; try another network or package index."
    ),
    (
        r"Failed to establish a new connection|NewConnectionError|Name or service not known"
        r"|name resolution|Network is unreachable|Connection refused|ProxyError|NameResolution"
        r"|Connect(ion)?Timeout|Read timed out|Max retries exceeded|connection broken"
    ): "The package index cannot be reached; the first start needs a network (or pip's settings).",
    r"ensurepip is not available|No module named (ensurepip|venv)": (
        "This Python lacks its module venv; install it (on Debian and Ubuntu: "
        f"apt install python{sys.version_info[0]}.{sys.version_info[1]}-venv) and start again."
    ),
}


def _sentence_from(lines: list[str]) -> str:
    """What went wrong, from a failed tool's output; its last words where the cause is unknown."""
    text = "\n".join(lines)
    for pattern, sentence in CAUSES.items():
        if re.search(pattern, text):
            return sentence
    said = [line for line in lines if "error" in line.lower()] or [line for line in lines if line]
    return "The packages could not be installed: " + " / ".join(said[-3:])


def _sentence_for(error: OSError, root: Path) -> str:
    return _sentence_from([f"{os.strerror(error.errno or 0)}: {error.filename or root}"])
