"""What subscribers are told to do is right."""

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from emulators.laptop.stack import ROOT
from shared.flows import deliver_webhook
from shared.subscribers.offered import OFFERED
from shared.subscribers.signing import headers, shown
from shared.subscribers.standing import DISABLED_AFTER_FAILURES, MOST_AT_ONCE
from shared.subscribers.webhook_deliveries import ATTEMPTS, KEPT

TEXT = (ROOT / "shared/subscribers/README.md").read_text()
SECRETS = [b"o" * 32, b"n" * 32]


@pytest.fixture
def is_genuine() -> Callable[[str, dict[str, str], bytes], bool]:
    """The document's own code."""
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    names: dict[str, Callable[[str, dict[str, str], bytes], bool]] = {}
    exec(compile(code, "README.md", "exec"), names)
    return names["is_genuine"]


def test_its_example_knows_what_is_ours_and_what_is_not(
    is_genuine: Callable[[str, dict[str, str], bytes], bool],
) -> None:
    now = datetime.fromtimestamp(time.time(), UTC)
    sent = dict(headers("evt_1", now, b"{}", SECRETS))
    old = dict(headers("evt_1", now - timedelta(minutes=6), b"{}", SECRETS))

    assert all(is_genuine(shown(secret), sent, b"{}") for secret in SECRETS)
    assert not is_genuine(shown(b"x" * 32), sent, b"{}")
    assert not is_genuine(shown(SECRETS[0]), sent, b"{ }")
    assert not is_genuine(shown(SECRETS[0]), old, b"{}")


def test_every_event_that_is_offered_is_told() -> None:
    assert set(re.findall(r"`(dispatch\.[a-z_.]+\.v\d)`", TEXT)) == OFFERED.keys()


def test_its_figures_are_those_of_the_code() -> None:
    for figure in (
        f"within {deliver_webhook.TIMEOUT_S:g} seconds",
        f"after {ATTEMPTS} attempts",
        f"At most {MOST_AT_ONCE} calls",
        f"{DISABLED_AFTER_FAILURES} at least",
        f"for {KEPT.days} days",
    ):
        assert figure in " ".join(TEXT.split()), figure
