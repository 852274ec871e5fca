"""The only place that runs gcloud."""

import json
import subprocess
from collections.abc import Callable
from typing import Any

TIMEOUT_S = 3_900  # above that of every job: who waits for one must not give up before it does

Gcloud = Callable[..., str]


class Refused(Exception):
    """gcloud ended with an error; the message is what it said."""


def gcloud(*words: str) -> str:
    """Run `gcloud WORDS --quiet` and return its standard output.

    Raises:
        Refused: it ended with an error, or not at all.
    """
    name = f"gcloud {' '.join(words[:4])}"
    try:
        ended = subprocess.run(
            ["gcloud", *words, "--quiet"],
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        raise Refused(f"{name}: not done after {TIMEOUT_S} s; it may still go on") from None
    if ended.returncode != 0:
        raise Refused(f"{name}: {ended.stderr.strip()[-2_000:]}")
    return ended.stdout


def as_json(run: Gcloud, *words: str) -> Any:
    """What gcloud answers, as data."""
    return json.loads(run(*words, "--format=json"))
