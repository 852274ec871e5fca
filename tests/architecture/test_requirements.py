"""What is locked is what is wanted, and nothing else can be installed in its place."""

import re
import tomllib
from dataclasses import dataclass

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from emulators.laptop.stack import ROOT

LOCKS = {
    "infra/requirements.txt": (),
    "emulators/requirements.txt": ("laptop", "test"),
}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;]+)(?: ; .+)? \\$")
_HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}(?: \\)?$")


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock file: each package's version, and what is wrong with its lines."""

    versions: dict[str, str]
    faults: tuple[str, ...]


def read_lock(text: str) -> Lock:
    """Every line of a lock is a pinned version or one of its hashes."""
    versions: dict[str, str] = {}
    hashes: dict[str, int] = {}
    faults = []
    name = ""
    for line in text.splitlines():
        if pin := _PIN.match(line):
            name = canonicalize_name(pin[1])
            versions[name] = pin[2]
            hashes[name] = 0
        elif _HASH.match(line) and name:
            hashes[name] += 1
        else:
            faults.append(line)
    faults += [f"{package} has no hash" for package, count in hashes.items() if not count]
    return Lock(versions, tuple(faults))


def wanted(groups: tuple[str, ...]) -> list[Requirement]:
    """What pyproject.toml asks for: the image's dependencies and those of `groups`."""
    texts = list(PROJECT["project"]["dependencies"])
    for group in groups:
        texts += PROJECT["dependency-groups"][group]
    return [Requirement(text) for text in texts]


@pytest.mark.parametrize("name", LOCKS)
def test_every_line_is_a_version_or_its_hash(name: str) -> None:
    assert read_lock((ROOT / name).read_text()).faults == ()


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_holds_no_address(name: str) -> None:
    # Goal: which index packages come from is the business of whoever installs.
    assert re.search(r"https?:|--(extra-)?index-url|@ ", (ROOT / name).read_text()) is None


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_agrees_with_what_the_project_asks_for(name: str) -> None:
    versions = read_lock((ROOT / name).read_text()).versions
    unmet = [
        str(requirement)
        for requirement in wanted(LOCKS[name])
        if not requirement.specifier.contains(
            versions.get(canonicalize_name(requirement.name), "0.dev0"), prereleases=False
        )
    ]

    assert unmet == []


def test_the_laptop_has_the_packages_of_the_image_in_the_same_versions() -> None:
    # Goal: what was tested is what is deployed.
    image, laptop = (read_lock((ROOT / name).read_text()).versions for name in LOCKS)

    assert {name: laptop.get(name) for name in image} == image


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("flask==3.1.0\n", "flask==3.1.0"),
        ("flask>=3.1 \\\n", "flask>=3.1 \\"),
        ("flask==3.1.0 \\\n    --hash=md5:00\n", "    --hash=md5:00"),
        ("flask==3.1.0 \\\nrich==1.0 \\\n", "flask has no hash"),
        ("flask @ https://example.org/flask.whl\n", "flask @ https://example.org/flask.whl"),
        ("--index-url https://example.org\n", "--index-url https://example.org"),
    ],
)
def test_a_line_that_leaves_something_open_is_found(text: str, fault: str) -> None:
    assert fault in read_lock(text).faults


def test_a_version_with_its_hashes_is_read() -> None:
    digest = "0" * 64
    text = (
        f"Flask==3.1.0 ; python_version < '3.15' \\\n"
        f"    --hash=sha256:{digest} \\\n    --hash=sha256:{digest}\n"
    )

    assert read_lock(text) == Lock({"flask": "3.1.0"}, ())
