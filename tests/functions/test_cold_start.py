"""Every function comes up by itself, pays for what it uses only, and lets no stranger in."""

import json
import subprocess
import sys
from functools import cache
from typing import Any

import pytest

from emulators.laptop.manifest import HttpTrigger, load_all
from emulators.laptop.stack import ROOT

MANIFESTS = load_all(ROOT / "functions")
SETTINGS = {
    "DISPATCH_ENV": "test",
    "DISPATCH_PROJECT": "dispatch-test",
    "DISPATCH_LOCATION": "europe-west1",
    # Nothing listens there: whoever is refused must not have cost a connection.
    "DISPATCH_DATABASE_URL": "postgresql+pg8000://nobody@127.0.0.1:1/none",
    "DISPATCH_OIDC_AUDIENCE": "https://dispatch.test",
    "DISPATCH_OIDC_CALLER": "event-caller@dispatch-test.iam.gserviceaccount.com",
}

# Imported when first needed, or never: each would be paid for by every cold start.
LAZY = (
    "easypost",  # 85 ms; with the first purchase
    "google.cloud.sql",  # 0.6 s; with the first connection, and only in the cloud
    "google.cloud.tasks_v2",  # a third of a second; with the first task
    "google.pubsub_v1",  # a third of a second; with the first message
    "alembic",  # migrations are a job of their own
    "sqlalchemy.orm",
    "aiohttp",
    "rich",
    "yaml",
    "emulators",
)

# The features whose code a function loads beyond what all of them do.
COMMON = {"costing"}  # the composition root keeps the rate cards
FEATURES: dict[str, set[str]] = {
    "dead_letter": set(),
    "housekeeping": {
        "drifts",
        "holds",
        "inbound",
        "ops",
        "orders",
        "placement",
        "stock",
        "tracking",
    },
    "label_purchase": {"carriers", "orders", "shipments", "stock"},
    "order_api": {"carriers", "holds", "ops", "orders", "shipments", "stock"},
    "order_costing": {"shipments"},
    "order_intake": {"carriers", "holds", "ops", "orders", "shipments", "stock"},
    "order_placement": {"holds", "inbound", "ops", "orders", "stock"},
    "order_tracking": {"orders", "shipments", "stock", "tracking"},
    "outbox_relay": set(),
    "placement_worker": {"holds", "ops", "orders", "placement", "shipments", "stock"},
    "stock_api": {"holds", "ops", "orders", "placement", "stock"},
    "stock_intake": {"carriers", "holds", "inbound", "ops", "orders", "shipments", "stock"},
    "tracking_webhook": {"tracking"},
}


@cache
def probed(name: str) -> dict[str, Any]:
    """What the probe finds in a process that has this function's settings and no others."""
    manifest = MANIFESTS[name]
    path = "/easypost" if isinstance(manifest.trigger, HttpTrigger) else "/"
    ended = subprocess.run(
        [sys.executable, "-m", "tests.functions.probe", name, path],
        cwd=ROOT,
        env={**SETTINGS, **dict.fromkeys(manifest.secrets, "a-secret-of-the-tests")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    found: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize("name", MANIFESTS)
def test_a_stranger_gets_a_problem_document(name: str) -> None:
    for answer in probed(name)["answers"]:
        problem = json.loads(answer["body"])
        assert answer["status"] == 401
        assert answer["type"] == "application/problem+json"
        assert problem["status"] == 401
        assert problem["code"] in {"unauthenticated", "bad_signature"}


@pytest.mark.parametrize("name", MANIFESTS)
def test_a_stranger_learns_nothing_of_what_was_wrong(name: str) -> None:
    without, nonsense = (json.loads(answer["body"]) for answer in probed(name)["answers"])

    assert without["code"] == nonsense["code"]
    assert "secret" not in json.dumps([without, nonsense])


@pytest.mark.parametrize("name", MANIFESTS)
def test_a_cold_start_imports_nothing_that_can_wait(name: str) -> None:
    imported = probed(name)["imported"]
    eager = [
        lazy
        for lazy in LAZY
        if any(module == lazy or module.startswith(f"{lazy}.") for module in imported)
    ]

    assert eager == []


@pytest.mark.parametrize("name", MANIFESTS)
def test_a_function_loads_the_features_that_it_uses(name: str) -> None:
    # Goal: a new import that drags a whole feature into every function is seen when it is made.
    features = {path.parent.name for path in (ROOT / "shared").glob("*/store.py")} | {"ops"}
    ours = (module.split(".") for module in probed(name)["imported"])
    loaded = {parts[1] for parts in ours if parts[0] == "shared" and len(parts) > 1}

    assert loaded & features == FEATURES[name] | COMMON
