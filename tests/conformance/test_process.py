"""The process: how it starts, reports and stops."""

import signal
import subprocess
import sys
import time

import pytest
import requests

from tests.conformance.cloud import Cloud, connect, start, stop
from tests.conformance.recorder import Recorder


def test_it_is_healthy_and_counts(cloud: Cloud, recorder: Recorder, path: str) -> None:
    topic = cloud.topic()
    subscription = cloud.subscribe(topic, recorder.url(path))
    recorder.hold(path)
    cloud.publish(topic, {"data": b"x"}, {"data": b"y"})
    recorder.wait(path, 2)

    stats = cloud.stats()

    assert requests.get(f"{cloud.http}/healthz", timeout=30).status_code == 200
    assert stats["topics"][topic] == {"published": 2}
    counts = stats["subscriptions"][subscription]
    assert 0 <= counts.pop("oldest_age_s") < 10
    assert counts == {"backlog": 2, "in_flight": 2, "delivered": 0, "failed": 0, "dead_lettered": 0}
    recorder.release(path)


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_at_once_in_the_middle_of_work(
    recorder: Recorder, path: str, signal_number: int
) -> None:
    process, addresses = start()
    cloud = connect(addresses)
    topic = cloud.topic()
    cloud.subscribe(topic, recorder.url(path))
    recorder.hold(path)
    cloud.publish(topic, {"data": b"x"})
    recorder.wait(path, 1)
    started_s = time.monotonic()

    process.send_signal(signal_number)

    assert stop(process) == 0
    assert time.monotonic() - started_s < 5
    recorder.release(path)


@pytest.mark.parametrize("part", ["pubsub", "tasks", "http"])
def test_a_taken_port_is_one_sentence_and_an_exit(cloud: Cloud, part: str) -> None:
    taken = cloud.addresses[part]
    ports = {"pubsub": "0", "tasks": "0", "http": "0", part: taken.rsplit(":", 1)[-1]}
    options = [word for name, port in ports.items() for word in (f"--{name}-port", port)]

    ended = subprocess.run(
        [sys.executable, "-m", "emulators.google", *options],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ended.returncode == 1
    assert ended.stderr == f"Cannot listen at {taken}: the port is taken.\n"
    assert ended.stdout == ""
