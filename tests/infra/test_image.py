"""What the image would hold: the locked packages alone are enough, and nobody in it may write."""

import re
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from emulators.bench import cold_start
from emulators.laptop.manifest import load_all
from emulators.laptop.stack import ROOT
from infra.release.smoke import knock
from tests.functions.test_cold_start import SETTINGS

DOCKERFILE = (ROOT / "infra/Dockerfile").read_text()
COPIED = re.findall(r"^COPY (?!--from)(\S+) /app/(\S+)$", DOCKERFILE, re.MULTILINE)
FUNCTIONS = sorted(load_all(ROOT / "functions"))
LOAD = """
import sys
from functions_framework import create_app
for name in sys.argv[1:]:
    create_app(target=name, source=f"functions/{name}/main.py")
    sys.modules.pop("main", None)
    print(name)
"""


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """/app and /packages, as the Dockerfile makes them."""
    folder = tmp_path_factory.mktemp("image")
    app, packages = folder / "app", folder / "packages"
    for source, target in COPIED:
        (app / target).parent.mkdir(parents=True, exist_ok=True)
        (app / target).symlink_to(ROOT / source)
    uv = Path(sys.executable).with_name("uv")
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, packages], check=True)
    ended = subprocess.run(
        [
            *(uv, "pip", "install", "--quiet", "--no-deps", "--require-hashes"),
            *("--only-binary=:all:", "--python", packages / "bin/python"),
            *("--requirement", ROOT / "infra/requirements.txt"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if re.search(r"Failed to fetch|dns error|error sending request", ended.stderr):
        pytest.skip("the package index cannot be reached: the image is NOT checked here")
    assert ended.returncode == 0, ended.stderr
    return folder


def environment(image: Path) -> dict[str, str]:
    """As the Dockerfile sets it, with settings of a test."""
    return {"PATH": str(image / "packages/bin"), "PYTHONPATH": str(image / "app"), **SETTINGS}


def python(image: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the image's Python."""
    return subprocess.run(
        [image / "packages/bin/python", "-B", *words],
        cwd=image / "app",
        env=environment(image),
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_function_comes_up_with_what_the_image_holds(image: Path) -> None:
    ended = python(image, "-c", LOAD, *FUNCTIONS)

    assert ended.stdout.split() == FUNCTIONS, ended.stderr


def test_the_image_serves_the_function_that_its_settings_name(image: Path) -> None:
    # Goal: the command of the image and what Terraform sets beside it, tried together.
    (command,) = re.findall(r'^CMD \["(.+)"\]$', DOCKERFILE, re.MULTILINE)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = {
        "FUNCTION_TARGET": "order_costing",
        "FUNCTION_SOURCE": "functions/order_costing/main.py",
        "WORKERS": "1",
        "THREADS": "8",
        "PORT": str(port),
    }
    with subprocess.Popen(
        [image / "packages/bin" / command], cwd=image / "app", env=environment(image) | settings
    ) as serving:
        try:
            while said := knock(f"http://127.0.0.1:{port}/", "a.b.c"):
                assert "did not answer" in said
                with suppress(subprocess.TimeoutExpired):
                    pytest.fail(f"it ended with {serving.wait(timeout=0.1)}")
        finally:
            serving.terminate()


@pytest.mark.parametrize("module", ["shared.platform.migrate", "infra.release"])
def test_every_job_comes_up_with_what_the_image_holds(image: Path, module: str) -> None:
    ended = python(image, "-m", module, "--help")

    assert ended.returncode == 0, ended.stderr


def test_nothing_for_laptops_or_tests_is_in_the_image(image: Path) -> None:
    for name in ("pytest", "grpc_tools", "rich", "emulators", "tests"):
        assert python(image, "-c", f"import {name}").returncode != 0, name


def test_it_runs_as_somebody_who_owns_nothing() -> None:
    *_, last = re.findall(r"^USER (\S+)$", DOCKERFILE, re.MULTILINE)

    assert last == "dispatch"
    assert "useradd --system" in DOCKERFILE
    assert "chmod -R a-w /app" in DOCKERFILE


def test_what_the_dockerfile_copies_is_there_and_is_sent_to_the_builder() -> None:
    sent = {
        line.removeprefix("!")
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    copied = re.findall(r"^COPY (?!--from)(\S+) ", DOCKERFILE, re.MULTILINE)

    assert set(copied) == sent
    assert all((ROOT / name).exists() for name in copied)


def test_the_benchmark_of_cold_starts_has_the_settings_of_the_image() -> None:
    of_the_image = [name for name in cold_start.SETTINGS if not name.startswith("DISPATCH_")]

    assert of_the_image == ["PYDANTIC_DISABLE_PLUGINS"]
    assert all(f"{name}={cold_start.SETTINGS[name]} " in DOCKERFILE for name in of_the_image)
