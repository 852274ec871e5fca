"""function.yaml: what is accepted, and how a mistake is named."""

from pathlib import Path

import pytest

from emulators.laptop.manifest import ManifestError, PubsubTrigger, load_all, topics
from emulators.laptop.stack import ROOT

GOOD = """
description: Hears.
trigger:
  kind: pubsub
  subscriptions: [{topic: orders, ordered: true}]
  retry: {min_backoff_s: 1, max_backoff_s: 60, max_attempts: 12}
limits: {concurrency: 8, timeout_s: 5, max_instances: 20}
publishes: [order-events]
"""
QUEUE = """
description: Works.
trigger:
  kind: tasks
  queues: {placement-bulk: {max_per_second: 50, max_concurrent: 2}}
  retry: {min_backoff_s: 1, max_backoff_s: 60, max_doublings: 6, max_attempts: 8}
limits: {concurrency: 8, timeout_s: 30, max_instances: 20}
"""


def _write(root: Path, **texts: str) -> Path:
    for name, text in texts.items():
        (root / name).mkdir()
        (root / name / "function.yaml").write_text(text)
    return root


def test_the_functions_of_this_repository_are_all_read() -> None:
    manifests = load_all(ROOT / "functions")

    assert {path.parent.name for path in (ROOT / "functions").glob("*/function.yaml")} == set(
        manifests
    )


def test_topics_are_those_heard_those_published_and_the_dead_letters(tmp_path: Path) -> None:
    manifests = load_all(_write(tmp_path, hear=GOOD))

    assert topics(manifests.values()) == ["dead-letters", "order-events", "orders"]
    assert isinstance(manifests["hear"].trigger, PubsubTrigger)
    assert manifests["hear"].ack_deadline_s == 10


@pytest.mark.parametrize(
    ("good", "bad", "complaint"),
    [
        ("timeout_s: 5", "timeout_s: '5'", "limits.timeout_s: Input should be a valid integer"),
        ("description: Hears.", "", "description: Field required"),
        ("publishes:", "publish:", "publish: Extra inputs are not permitted"),
        (
            "[{topic: orders, ordered: true}]",
            "[{topic: orders, ordered: true}, {topic: orders, ordered: true}]",
            "trigger.subscriptions: hear.orders is there twice; a lane tells two subscriptions",
        ),
        ("topic: orders", "topik: orders", "trigger.subscriptions.0.topic: Field required"),
        ("kind: pubsub", "kind: pubsup", "trigger: Input tag 'pubsup' found"),
        ("max_attempts: 12", "max_attempts: 3", "trigger.retry.max_attempts: Input should be"),
        ("limits: {", "limits: [", "not readable as YAML"),
        ("concurrency: 8", "concurrency: 80", "limits: Value error, connections: an instance has"),
    ],
)
def test_a_mistake_is_named_with_its_file_and_field(
    tmp_path: Path, good: str, bad: str, complaint: str
) -> None:
    assert good in GOOD
    _write(tmp_path, hear=GOOD.replace(good, bad))

    with pytest.raises(ManifestError) as raised:
        load_all(tmp_path)

    assert any(
        f"hear/function.yaml: {complaint}" in line for line in str(raised.value).splitlines()
    )


def test_two_functions_may_not_serve_one_queue(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"two/.*trigger\.queues\.placement-bulk: one serves"):
        load_all(_write(tmp_path, one=QUEUE, two=QUEUE))


def test_work_may_not_be_put_on_a_queue_that_nobody_serves(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="no function serves the queue placement-express"):
        load_all(_write(tmp_path, hear=GOOD + "enqueues: [placement-express]\n"))


def test_a_folder_without_functions_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"no folder with a function\.yaml"):
        load_all(tmp_path)
