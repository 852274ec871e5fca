"""Terraform on a copy of infra/, with the offline provider: nothing here needs a network."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from emulators.laptop.stack import ROOT
from infra.policy.plan import Plan

TERRAFORM = shutil.which("terraform")
PROVIDER = ROOT / "tests/infra/offline/provider.py"
IMAGE = "europe-west1-docker.pkg.dev/dispatch/dispatch/dispatch@sha256:" + "0" * 64
# What the copy holds beside infra/ itself: what is read from there.
READ = ("functions/*/function.yaml", "shared/contracts/pubsub/*.proto")


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended, and all that it said."""

    code: int
    said: str


@contextmanager
def provider() -> Iterator[str]:
    """The offline provider, running; what tells Terraform to use it instead of one of its own.

    Terraform starts a provider several times for each command, and this one takes longer to start
    than to answer.
    """
    started = subprocess.Popen(
        [sys.executable, "-B", PROVIDER],
        env={**os.environ, "TF_PLUGIN_MAGIC_COOKIE": "tests", "GRPC_VERBOSITY": "NONE"},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert started.stdout is not None
        # What a plugin says first: versions, and where it listens.
        _, protocol, network, address, kind = started.stdout.readline().strip().split("|")
        told = {
            "Protocol": kind,
            "ProtocolVersion": int(protocol),
            "Pid": started.pid,
            "Test": True,  # Terraform lets it go on
            "Addr": {"Network": network, "String": address},
        }
        yield json.dumps({"registry.terraform.io/hashicorp/google": told})
    finally:
        started.terminate()
        started.wait(timeout=10)
        assert started.stdout is not None
        started.stdout.close()


class Workspace:
    """A copy of infra/ that a test may change; `provider` is what tells Terraform of one."""

    def __init__(self, folder: Path, provider: str) -> None:
        self.folder = folder
        self.infra = folder / "infra"
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "TMPDIR": str(folder),
            "TF_REATTACH_PROVIDERS": provider,
            "TF_IN_AUTOMATION": "1",
            "CHECKPOINT_DISABLE": "1",
            "GOGC": "400",  # a plan allocates much and lives for seconds: a quarter less to do
            "GRPC_VERBOSITY": "NONE",
        }

    def run(self, *words: str) -> Ended:
        """Run `terraform WORDS`."""
        assert TERRAFORM is not None
        ended = subprocess.run(
            [TERRAFORM, *words, "-no-color"],
            cwd=self.infra,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=120,
        )
        return Ended(ended.returncode, ended.stdout)

    def plan(self, settings: str = "prod", **variables: object) -> Ended:
        """Plan with the settings of an environment, and `variables` beside them."""
        # A string stands for itself, everything else is an expression.
        texts = {n: v if isinstance(v, str) else json.dumps(v) for n, v in variables.items()}
        extra = [f"-var={name}={text}" for name, text in texts.items()]
        return self.run(
            "plan",
            "-input=false",
            "-lock=false",
            "-out=plan",
            f"-var-file=settings/{settings}.tfvars",
            f"-var=image={IMAGE}",
            *extra,
        )

    def planned(self, settings: str = "prod", **variables: object) -> Plan:
        """The plan that must come out."""
        ended = self.plan(settings, **variables)
        assert ended.code == 0, ended.said
        return Plan(json.loads(self.run("show", "-json", "plan").said))


def copy(folder: Path, provider: str, read: Sequence[str] = READ) -> Workspace:
    """A fresh copy of infra/ with all that it reads, initialised."""
    shutil.copytree(
        ROOT / "infra", folder / "infra", ignore=shutil.ignore_patterns(".terraform*", "*.py")
    )
    for pattern in read:
        for path in ROOT.glob(pattern):
            target = folder / path.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
    workspace = Workspace(folder, provider)
    # State is of no interest here, and its bucket out of reach.
    (workspace.infra / "backend_override.tf").write_text('terraform {\n  backend "local" {}\n}\n')
    ended = workspace.run("init", "-input=false")
    assert ended.code == 0, ended.said
    return workspace
