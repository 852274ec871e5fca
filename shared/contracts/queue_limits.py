"""Which Cloud Tasks queues there are and how fast each may go.

It is what the published document of topics and queues says.

That document is written from every function.yaml, and a test keeps it so.
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from shared.contracts.work import queues_of

LIMITS = "x-google-cloud-tasks"  # where a channel of the document has them
MAX_PER_SECOND = "maxDispatchesPerSecond"  # as Cloud Tasks calls them
MAX_CONCURRENT = "maxConcurrentDispatches"


@cache
def most_per_second() -> Mapping[str, float]:
    """Queue -> how many of its tasks are begun in a second at most."""
    document = json.loads((Path(__file__).parent / "asyncapi.json").read_text())
    return {
        name: channel[LIMITS][MAX_PER_SECOND]
        for name, channel in document["channels"].items()
        if LIMITS in channel
    }


@cache
def has_queues(carrier: str) -> bool:
    """Whether work about the carrier has anywhere to go: nothing can be bought of it otherwise."""
    return queues_of(carrier) <= most_per_second().keys()
