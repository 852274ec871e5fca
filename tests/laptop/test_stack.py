"""The supervisor with small functions of its own: delivery, accidents, and nothing left behind."""

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.cloud import tasks_v2
from google.cloud.tasks_v2.services.cloud_tasks.transports import CloudTasksGrpcTransport
from google.pubsub_v1 import PublisherClient, PubsubMessage
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport

from emulators.laptop.cli import UserMistake
from emulators.laptop.stack import Options, Stack, read_state
from tests.laptop.conftest import runs, wait_until
from tests.support.cluster import lay_out

HEARS = """
description: Hears.
trigger:
  kind: pubsub
  subscriptions: [{topic: orders, ordered: true, filter: 'attributes:"wanted"'}]
  retry: {min_backoff_s: 1, max_backoff_s: 60, max_attempts: 12}
limits: {concurrency: 8, timeout_s: 30, max_instances: 20}
enqueues: [labels-test]
"""
WORKS = """
description: Works.
trigger:
  kind: tasks
  queues: {labels-test: {max_per_second: 50, max_concurrent: 2}}
  retry: {min_backoff_s: 1, max_backoff_s: 60, max_doublings: 6, max_attempts: 8}
limits: {concurrency: 8, timeout_s: 30, max_instances: 20}
"""
TICKS = """
description: Ticks.
trigger:
  kind: schedule
  jobs: {sweep: {schedule: "* * * * *", path: /sweep}}
  retry: {max_attempts: 3, min_backoff_s: 5, max_backoff_s: 30}
limits: {concurrency: 1, timeout_s: 50, max_instances: 2}
"""
MAIN = """
import json, os, threading
import functions_framework

NAME = "{name}"
LASTING = threading.Thread(target=threading.Event().wait, daemon=True)
LASTING.start()


@functions_framework.http
def {name}(request):
    seen = dict(name=NAME, path=request.path, headers=dict(request.headers),
                body=request.get_data(as_text=True), pid=os.getpid(),
                thread_lives=LASTING.is_alive(),
                environment={{k: v for k, v in os.environ.items() if k.startswith("DISPATCH_")}})
    with open({seen!r}, "a") as file:
        file.write(json.dumps(seen) + chr(10))
    return json.dumps(seen), 200
"""


@pytest.fixture
def functions(directory: Path) -> Path:
    """Three functions that write down what reaches them; the database's first start is over."""
    lay_out(directory / "state")
    root = directory / "functions"
    for name, manifest in {"hears": HEARS, "works": WORKS, "ticks": TICKS}.items():
        (root / name).mkdir(parents=True)
        (root / name / "function.yaml").write_text(manifest)
        source = MAIN.format(name=name, seen=str(directory / "seen"))
        (root / name / "main.py").write_text(source)
    return root


def _options(functions: Path, **others: Any) -> Options:
    return Options(functions_root=functions, migrate=False, durable=False, **others)


def _seen(directory: Path, name: str) -> list[dict[str, Any]]:
    path = directory / "seen"
    lines = path.read_text().splitlines() if path.exists() else []
    return [seen for line in lines if (seen := json.loads(line))["name"] == name]


def _post(address: str) -> dict[str, Any]:
    # A POST, because a GET would follow the redirect that Pub/Sub takes for a refusal.
    with urllib.request.urlopen(address, data=b"{}", timeout=30) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


def _publish(stack: Stack, **attributes: str) -> None:
    with grpc.insecure_channel(stack.addresses["pubsub"]) as channel:
        publisher = PublisherClient(transport=PublisherGrpcTransport(channel=channel))
        publisher.publish(
            topic="projects/dispatch-local/topics/orders",
            messages=[PubsubMessage(data=b"hello", attributes=attributes)],
        )


def _enqueue(stack: Stack) -> None:
    with grpc.insecure_channel(stack.addresses["tasks"]) as channel:
        tasks = tasks_v2.CloudTasksClient(transport=CloudTasksGrpcTransport(channel=channel))
        # The address is not one that answers: the queue must say where its tasks go.
        request = tasks_v2.HttpRequest(url="http://127.0.0.1:9/", body=b"work")
        tasks.create_task(
            parent="projects/dispatch-local/locations/europe-west1/queues/labels-test",
            task=tasks_v2.Task(http_request=request),
        )


@contextmanager
def _program(directory: Path, functions: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    """The command line in a process of its own, with the small functions."""
    program = (
        "import contextlib, sys; from pathlib import Path\n"
        "from emulators.laptop import cli, status, up\n"
        "from emulators.laptop.stack import Options\n"
        "root = Path(sys.argv[1])\n"
        "up._options = lambda _: Options(functions_root=root, migrate=False, durable=False)\n"
        # They know neither orders nor tables.
        "up.streaming = lambda *_: contextlib.nullcontext()\n"
        "status.database_figures = lambda _: {}\n"
        "sys.exit(cli.main(sys.argv[2:]))\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(functions), *words],
        env={**os.environ, "DISPATCH_HOME": str(directory / "state")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        try:
            yield running
        finally:
            running.kill()


def _call(directory: Path, functions: Path, *words: str) -> tuple[int, str, str]:
    with _program(directory, functions, *words) as running:
        out, err = running.communicate(timeout=60)
        return running.returncode, out, err


def _has_ended(stack: Stack, name: str) -> bool:
    return not stack.alive()[name]


def _is_gone(pid: int) -> bool:
    return not runs(pid)


def _workers(directory: Path) -> set[int]:
    return {seen["pid"] for name in ("hears", "works") for seen in _seen(directory, name)}


def test_messages_and_tasks_reach_the_functions_and_the_end_leaves_no_process(
    directory: Path, functions: Path
) -> None:
    with Stack(directory / "state", _options(functions)) as stack:
        _publish(stack, other="1")
        _publish(stack, wanted="1")
        _enqueue(stack)
        wait_until(lambda: _seen(directory, "hears"), "the message is delivered")
        wait_until(lambda: _seen(directory, "works"), "the task is dispatched")

        [heard], [worked] = _seen(directory, "hears"), _seen(directory, "works")
        assert json.loads(heard["body"])["message"]["attributes"] == {"wanted": "1"}
        assert heard["headers"]["Authorization"].startswith("Bearer ")
        assert worked["body"] == "work"
        assert worked["headers"]["X-Dispatch-Max-Attempts"] == "8"
        assert worked["headers"]["Authorization"].startswith("Bearer ")
        assert heard["environment"] == {**stack.environment, "DISPATCH_POOL_SIZE": "8"}
        assert all(stack.alive().values())
        pids = {process.pid for process in stack.processes.values()} | _workers(directory)

    assert [pid for pid in pids if runs(pid)] == []
    assert read_state(directory / "state") is None


def test_functions_of_one_process_keep_their_own_globals_and_live_threads(
    directory: Path, functions: Path
) -> None:
    # Goal: every source file is called main.py, and gunicorn forks.
    with Stack(directory / "state", _options(functions)) as stack:
        for name in ("hears", "works", "ticks"):
            for suffix in ("", "sweep"):
                answer = _post(stack.addresses[name] + suffix)
                assert (answer["name"], answer["path"]) == (name, f"/{suffix}")
                assert answer["thread_lives"]
        assert _post(stack.addresses["hears"].rstrip("/"))["path"] == "/"


def test_each_function_may_have_a_process_of_its_own(directory: Path, functions: Path) -> None:
    with Stack(directory / "state", _options(functions, process_per_function=True)) as stack:
        pids = {_post(stack.addresses[name])["pid"] for name in ("hears", "works", "ticks")}

        assert len(pids) == 3
        assert {"hears", "works", "ticks"} <= set(stack.processes)


def test_a_killed_process_starts_again_at_its_address(directory: Path, functions: Path) -> None:
    with Stack(directory / "state", _options(functions)) as stack:
        before = dict(stack.addresses)
        for name in ("functions", "google", "postgres"):
            stack.processes[name].send(signal.SIGKILL)
            wait_until(partial(_has_ended, stack, name), f"{name} ends")
            stack.restart(name)

        _publish(stack, wanted="1")
        wait_until(lambda: _seen(directory, "hears"), "the message is delivered")
        assert stack.addresses == before


def test_a_stack_that_is_killed_leaves_nothing_behind_and_the_next_one_starts(
    directory: Path, functions: Path
) -> None:
    with _program(directory, functions, "up", "--json") as up:
        assert up.stdout is not None
        addresses = json.loads(up.stdout.readline())["addresses"]
        worker = _post(addresses["hears"])["pid"]
        state = read_state(directory / "state")
        assert state is not None
        pids = [*state["processes"].values(), worker]
        assert all(map(runs, pids))

        up.kill()

    for pid in pids:
        wait_until(partial(_is_gone, pid), f"process {pid} ends")
    assert (directory / "state" / "stack.json").exists()
    assert read_state(directory / "state") is None
    with Stack(directory / "state", _options(functions)) as stack:
        assert all(stack.alive().values())


def test_up_status_and_down_know_of_one_another(directory: Path, functions: Path) -> None:
    with _program(directory, functions, "up", "--json") as up:
        assert up.stdout is not None
        ready = json.loads(up.stdout.readline())

        second_code, _, second_says = _call(directory, functions, "up")
        code, shown, _ = _call(directory, functions, "status", "--json")
        down_code, stopped, _ = _call(directory, functions, "down", "--json")
        up.communicate(timeout=60)

    assert (second_code, second_says.count("\n")) == (1, 1)
    assert f"already runs here (pid {ready['pid']})" in second_says
    status = json.loads(shown)
    assert (code, status["pid"], status["addresses"]) == (0, ready["pid"], ready["addresses"])
    assert "hears.orders" in "".join(status["google"]["subscriptions"])
    assert (down_code, json.loads(stopped), up.returncode) == (0, {"stopped_pid": ready["pid"]}, 0)
    assert _call(directory, functions, "status")[:2] == (1, "Nothing runs here.\n")
    assert _call(directory, functions, "down")[:2] == (0, "Nothing ran here.\n")


def test_a_state_that_goes_while_it_is_read_is_no_error(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Goal: `down` and `status` look while a stack ends, which removes the file before the lock.
    with (directory / "stack.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        monkeypatch.setattr(Path, "exists", lambda _: True)  # it was there a moment ago

        assert read_state(directory) is None


def test_what_ends_while_up_runs_is_started_anew(directory: Path, functions: Path) -> None:
    with _program(directory, functions, "up", "--json") as up:
        assert up.stdout is not None
        addresses = json.loads(up.stdout.readline())["addresses"]
        state = read_state(directory / "state")
        assert state is not None
        os.kill(state["processes"]["functions"], signal.SIGKILL)

        def answers() -> bool:
            try:
                return bool(_post(addresses["hears"]))
            except OSError:
                return False

        wait_until(
            lambda: (
                (now := read_state(directory / "state"))
                and now["processes"]["functions"] != state["processes"]["functions"]
            ),
            "the functions run again",
        )
        wait_until(answers, "a function answers")
        up.send_signal(signal.SIGINT)
        up.communicate(timeout=60)
    assert up.returncode == 0


def test_a_wanted_port_that_is_taken_is_named(directory: Path, functions: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        options = _options(functions, ports={"google": port})

        with (
            pytest.raises(UserMistake, match=f"Port {port}, wanted for google, is taken"),
            Stack(directory / "state", options),
        ):
            pass


def test_a_function_that_cannot_be_loaded_ends_the_start_with_its_reason(
    directory: Path, functions: Path
) -> None:
    (functions / "hears" / "main.py").write_text("import nothing_of_that_name\n")
    stack = Stack(directory / "state", _options(functions))
    started_s = time.monotonic()

    with pytest.raises(UserMistake, match="No module named 'nothing_of_that_name'"), stack:
        pass

    assert time.monotonic() - started_s < 30
    assert not any(stack.alive().values())


def test_secrets_are_made_once_and_are_nobody_elses(directory: Path, functions: Path) -> None:
    found = []
    others = set()
    for _ in range(2):
        with Stack(directory / "state", _options(functions)) as stack:
            found.append(stack.environment["DISPATCH_EASYPOST_WEBHOOK_SECRET"])
            others.add(stack.environment["DISPATCH_SHIPPO_WEBHOOK_SECRET"])
            for name in ("secrets.json", "stack.json"):
                assert (directory / "state" / name).stat().st_mode & 0o077 == 0

    assert found[0] == found[1]
    assert len(found[0]) == 48
    assert len(others - set(found)) == 1
