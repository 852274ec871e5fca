"""Which commits serve now: their code runs on the new schema until the release is through."""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from infra.release.gcloud import Gcloud, Refused, as_json
from infra.release.traffic import Traffic

TESTED_FILE = Path(__file__).parents[1] / "tested.json"
# cloudbuild.yaml gives an image its commit and its build as a tag; gcloud may list its full path.
_TAG = re.compile(r"(?:^|/)([0-9a-f]{40})-[^/]+$")

Test = Callable[[str], bool]


def commits(traffic: Traffic, run: Gcloud, region: str) -> list[str]:
    """The commits of the revisions that get most of the traffic, each once.

    One that was made by hand, as the first of all, has none, and is left out.
    """
    images = {_image(run, region, service.serving) for service in traffic.services()}
    found = (_commit(run, image) for image in sorted(images))
    return sorted({commit for commit in found if commit is not None})


def try_all(serving: Sequence[str], test: Test) -> list[str]:
    """Test each of them on the schema of today, and write down which were. Returns who failed."""
    failed = [commit for commit in serving if not test(commit)]
    TESTED_FILE.write_text(json.dumps([one for one in serving if one not in failed]) + "\n")
    return failed


def untried(serving: Sequence[str]) -> list[str]:
    """Which of them were not tested when this release was built: another came between."""
    tested = json.loads(TESTED_FILE.read_text())
    return [commit for commit in serving if commit not in tested]


def test_old_code(commit: str) -> bool:
    """Run the database tests of a commit on the schema that today's migrations make."""
    words = [sys.executable, "-m", "emulators", "test-old-code", commit]
    return subprocess.run(words, check=False).returncode == 0


def _image(run: Gcloud, region: str, revision: str) -> str:
    described = as_json(run, "run", "revisions", "describe", revision, f"--region={region}")
    image: str = described["spec"]["containers"][0]["image"]
    return image


def _commit(run: Gcloud, image: str) -> str | None:
    name, _, digest = image.partition("@")
    if not digest:
        raise Refused(f"{image} serves and is not named by its digest")
    listed = as_json(
        run, "artifacts", "docker", "tags", "list", name, f"--filter=version~{digest}$"
    )
    return next((found[1] for one in listed if (found := _TAG.search(one["tag"]))), None)
