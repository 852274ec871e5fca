"""The first and the next starts on a bare Python, with a real pip and a package of our own."""

import ast
import hashlib
import os
import shutil
import subprocess
import sys
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from emulators import bootstrap
from emulators.laptop.stack import ROOT

COPIED = ("__init__.py", "__main__.py", "bootstrap.py", "laptop/__init__.py", "laptop/cli.py")
VERB = """
import json, sys, keepsake
from pathlib import Path
def add_arguments(parser): parser.add_argument("--word")
def run(arguments):
    inside = Path(sys.prefix).name == ".venv"
    print(json.dumps({"inside": inside, "word": arguments.word, "found": keepsake.FOUND}))
    return 7
"""


def _wheel(folder: Path) -> Path:
    wheel = folder / "keepsake-1.0-py3-none-any.whl"
    about = "keepsake-1.0.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("keepsake.py", "FOUND = True\n")
        archive.writestr(
            f"{about}/METADATA", "Metadata-Version: 2.1\nName: keepsake\nVersion: 1.0\n"
        )
        archive.writestr(
            f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{about}/RECORD", f"keepsake.py,,\n{about}/METADATA,,\n{about}/WHEEL,,\n")
    return wheel


def _check_out(directory: Path) -> Path:
    root = directory / "checkout"
    for name in COPIED:
        (root / "emulators" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "emulators" / name, root / "emulators" / name)
    (root / "emulators/laptop/status.py").write_text(VERB)
    digest = hashlib.sha256(_wheel(directory).read_bytes()).hexdigest()
    requirements = f"keepsake==1.0 \\\n    --hash=sha256:{digest}\n"
    (root / "emulators/requirements.txt").write_text(requirements)
    return root


@pytest.fixture
def checkout(directory: Path) -> Path:
    """The bootstrap, a verb that needs one package, and that package beside them."""
    return _check_out(directory)


@pytest.fixture(scope="module")
def environment() -> Iterator[Path]:
    """A virtual environment with pip and nothing else, which takes seconds to make."""
    with TemporaryDirectory(prefix="dispatch-test-") as name:
        made = Path(name) / ".venv"
        venv.create(made, with_pip=True, symlinks=True)
        yield made


@pytest.fixture
def half_made(checkout: Path, environment: Path) -> Path:
    """A checkout whose first start got as far as the packages."""
    shutil.copytree(environment, checkout / ".venv", symlinks=True)
    return checkout


@pytest.fixture(scope="module")
def first_start(environment: Path) -> Iterator[Path]:
    """A folder with a checkout whose first start is over, to be copied."""
    with TemporaryDirectory(prefix="dispatch-test-") as name:
        root = _check_out(Path(name))
        shutil.copytree(environment, root / ".venv", symlinks=True)
        first = _start(root)
        assert (first.returncode, first.stdout) == (7, WORKED), first.stderr
        yield root.parent


@pytest.fixture
def started(directory: Path, first_start: Path) -> Path:
    """A checkout of one's own whose first start is over."""
    shutil.copytree(first_start, directory, symlinks=True, dirs_exist_ok=True)
    return directory / "checkout"


def _command(root: Path, python: str | Path = sys.executable) -> dict[str, object]:
    kept = {name: value for name, value in os.environ.items() if name[:4] not in {"PIP_", "PYTH"}}
    offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(root.parent)}
    return {
        "args": [str(python), "-m", "emulators", "status", "--word", "two words"],
        "cwd": root,
        "env": {**kept, **offline},
        "text": True,
    }


def _start(
    root: Path, python: str | Path = sys.executable, **doctored: str
) -> subprocess.CompletedProcess[str]:
    command = _command(root, python)
    command["env"] = {**command["env"], **doctored}  # type: ignore[dict-item]
    return subprocess.run(**command, capture_output=True, timeout=300, check=False)  # type: ignore[call-overload,no-any-return]


WORKED = '{"inside": true, "word": "two words", "found": true}\n'


def test_the_first_start_makes_the_environment_and_the_second_only_uses_it(checkout: Path) -> None:
    first, second = _start(checkout), _start(checkout)

    assert (first.returncode, first.stdout) == (7, WORKED), first.stderr
    assert "Installing 1 locked packages" in first.stderr
    assert (second.returncode, second.stdout, second.stderr) == (7, WORKED, "")


def test_of_two_starts_at_once_one_installs_and_both_work(checkout: Path) -> None:
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    starts = [subprocess.Popen(**_command(checkout), **pipes) for _ in range(2)]  # type: ignore[call-overload]
    ends = [start.communicate(timeout=300) for start in starts]

    assert [out for out, _ in ends] == [WORKED, WORKED]
    assert sorted("Installing" in err for _, err in ends) == [False, True]


def test_an_install_that_was_cut_off_is_made_anew(started: Path) -> None:
    # Goal: pip holds a package for installed that lacks its files, so asking pip again is no cure.
    _package(started).unlink()
    (started / ".venv/dispatch-installing").touch()

    again = _start(started)

    assert (again.returncode, again.stdout) == (7, WORKED), again.stderr


def test_a_package_that_was_damaged_later_is_noticed_when_it_is_missed(started: Path) -> None:
    _package(started).unlink()

    again = _start(started)

    assert (again.returncode, again.stdout) == (7, WORKED), again.stderr
    assert "damaged" in again.stderr


def test_changed_requirements_are_installed_by_the_next_start(started: Path) -> None:
    requirements = started / "emulators/requirements.txt"
    requirements.write_text(requirements.read_text() + "# changed\n")

    assert "Installing" in _start(started).stderr
    assert _start(started).stderr == ""


def test_it_works_from_a_virtual_environment_and_under_settings_of_the_users(
    checkout: Path,
) -> None:
    other = checkout.parent / "other"
    venv.create(other, with_pip=False, symlinks=True)

    ended = _start(
        checkout,
        other / "bin/python",
        VIRTUAL_ENV=str(other),
        DISPATCH_ENV="prod",
        PIP_TARGET=str(checkout.parent / "elsewhere"),
    )

    assert (ended.returncode, ended.stdout) == (7, WORKED), ended.stderr


@pytest.mark.parametrize("module", ["venv", "ensurepip"])
def test_a_python_without_venv_is_told_what_to_install(checkout: Path, module: str) -> None:
    doctored = checkout.parent / "doctored"
    doctored.mkdir()
    (doctored / "sitecustomize.py").write_text(f"import sys; sys.modules[{module!r}] = None\n")

    _assert_one_sentence(_start(checkout, PYTHONPATH=str(doctored)), f"lacks its module {module}")


def test_a_package_that_is_not_the_locked_one_is_refused(half_made: Path) -> None:
    requirements = half_made / "emulators/requirements.txt"
    requirements.write_text(f"keepsake==1.0 --hash=sha256:{'0' * 64}\n")

    _assert_one_sentence(_start(half_made), "its hash differs")


def test_without_a_network_it_says_so_and_the_next_start_continues(half_made: Path) -> None:
    # Port 9 of this machine refuses connections, as a network that is not there does.
    nowhere = {"PIP_NO_INDEX": "0", "PIP_FIND_LINKS": "", "PIP_INDEX_URL": "http://127.0.0.1:9/"}

    _assert_one_sentence(_start(half_made, **nowhere), "package index cannot be reached")
    assert _start(half_made).returncode == 7


def test_a_folder_that_cannot_be_written_to_is_named_as_the_reason(checkout: Path) -> None:
    python = next(
        (found for minor in (14, 13, 12, 11) if (found := shutil.which(f"python3.{minor}",
         path="/usr/bin:/usr/local/bin"))), None)  # fmt: skip
    if os.geteuid() == 0 and python is None:
        pytest.skip("root may write anywhere, and no Python here may be run by another account")
    checkout.chmod(0o555)
    command = _command(checkout, python or sys.executable)
    account = {"user": "nobody", "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}

    ended = subprocess.run(**command, **account, capture_output=True, timeout=60, check=False)  # type: ignore[call-overload]

    _assert_one_sentence(ended, "cannot be written to")


def test_a_full_disk_is_named_as_the_reason() -> None:
    said = bootstrap._sentence_from(["ERROR: [Errno 28] No space left on device: '/x'"])

    assert said == "The disk is full; free about 1 GB and start again."


def test_what_pip_says_last_is_shown_where_the_cause_is_unknown() -> None:
    said = bootstrap._sentence_from(["Collecting x", "ERROR: the moon is full", ""])

    assert said == "The packages could not be installed: ERROR: the moon is full"


def test_an_old_python_is_told_so_in_a_syntax_that_it_understands() -> None:
    main = ROOT / "emulators/__main__.py"
    ast.parse(main.read_text(), feature_version=(3, 4))
    program = f"import sys, runpy; sys.version_info = (3, 9, 1); runpy.run_path({str(main)!r})"

    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )

    _assert_one_sentence(ended, "needs Python 3.11 or newer, and this is Python 3.9.")


def _package(root: Path) -> Path:
    return next((root / ".venv").glob("lib/python*/site-packages/keepsake.py"))


def _assert_one_sentence(ended: subprocess.CompletedProcess[str], part: str) -> None:
    last = ended.stderr.splitlines()[-1]
    assert part in last
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    assert ended.stdout == ""
