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
    "shippo",  # half a second; with its first purchase
    "google.cloud.storage",  # a quarter of a second; with the first document
    "google.cloud.sql",  # 0.6 s; with the first connection, and only in the cloud
    "google.cloud.tasks_v2",  # a third of a second; with the first task
    "google.pubsub_v1",  # a third of a second; with the first message
    "opentelemetry",  # a quarter of a second; with the first request, and only where it is wanted
    "alembic",  # migrations are a job of their own
    "sqlalchemy",  # 0.1 s; migrations alone need it
    "google.auth",  # 35 ms, with what it takes of cryptography; with the first token
    "cryptography",
    "argon2",  # 10 ms; with the first sign-in
    "pyotp",  # with the first code
    "aiohttp",
    "rich",
    "yaml",
    "emulators",
)

# A page is for strangers, and they cannot send anything to it.
FOR_STRANGERS = {"tracking_page"}

# The features whose code a function loads.
FEATURES: dict[str, set[str]] = {
    "carrier_polling": {"carriers", "shipments", "tracking"},
    "dead_letter": set(),
    "housekeeping": set(),  # a job's come with its first run
    "label_purchase": {"carriers", "costing", "orders", "shipments", "stock"},
    "ops": {"ops", "people", "stock"},  # a page's come with the first look at it
    "ops_stream": {"inbound", "ops", "orders", "people", "shipments"},
    "order_api": {"carriers", "costing", "holds", "ops", "orders", "shipments", "stock"},
    "order_costing": {"costing", "shipments"},
    "order_intake": {"carriers", "costing", "holds", "ops", "orders", "shipments", "stock"},
    "order_placement": {"holds", "inbound", "ops", "orders", "stock"},
    "order_tracking": {"orders", "shipments", "stock", "tracking"},
    "outbox_relay": set(),
    "placement_worker": {
        "carriers",
        "costing",
        "holds",
        "ops",
        "orders",
        "placement",
        "shipments",
        "stock",
    },
    "stock_api": {"holds", "ops", "orders", "placement", "stock"},
    "stock_intake": {
        "carriers",
        "drifts",
        "holds",
        "inbound",
        "ops",
        "orders",
        "shipments",
        "stock",
    },
    "tracking_page": {"ops"},
    "tracking_webhook": {"tracking"},
    "webhook_delivery": {"subscribers"},
    "webhook_events": {"orders", "subscribers"},
}

# The contracts that a function makes at its start, by their modules.
CONTRACTS: dict[str, set[str]] = {
    "carrier_polling": {"parcels", "work"},
    "dead_letter": set(),
    "housekeeping": set(),
    "label_purchase": {"parcels", "work"},
    "ops": {"http_ops_acts"},  # a page's come with the first look at it
    "ops_stream": set(),
    "order_api": {"http_orders", "order_facts", "orders", "parcels", "stock_facts", "work"},
    "order_costing": {"parcels"},
    "order_intake": {"order_facts", "orders", "parcels", "stock_facts", "work"},
    "order_placement": {"inbound", "order_facts", "stock_facts", "work"},
    "order_tracking": {"order_facts", "parcels"},
    "outbox_relay": set(),
    "placement_worker": {"order_facts", "parcels", "queue_limits", "work"},
    "stock_api": {"http_stock", "stock_facts", "work"},
    "stock_intake": {"inbound", "order_facts", "parcels", "stock", "stock_facts", "work"},
    "tracking_page": set(),
    "tracking_webhook": {"parcels"},
    "webhook_delivery": {"work"},
    "webhook_events": {"order_facts", "parcels", "work"},
}

# Each is written and compiled at the start, which takes as long as six named tuples.
MOST_DATACLASSES = 16


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
    said = [line for line in ended.stdout.splitlines() if '"imported"' in line]
    found: dict[str, Any] = json.loads(said[-1])
    return found


@pytest.mark.parametrize("name", sorted(MANIFESTS.keys() - FOR_STRANGERS))
def test_a_stranger_gets_a_problem_document(name: str) -> None:
    for answer in probed(name)["answers"]:
        problem = json.loads(answer["body"])
        assert answer["status"] == 401
        assert answer["type"] == "application/problem+json"
        assert problem["status"] == 401
        assert problem["code"] in {"unauthenticated", "bad_signature"}


@pytest.mark.parametrize("name", sorted(FOR_STRANGERS))
def test_what_is_for_strangers_takes_nothing_from_them(name: str) -> None:
    assert [answer["status"] for answer in probed(name)["answers"]] == [405, 405]


@pytest.mark.parametrize("name", sorted(MANIFESTS.keys() - FOR_STRANGERS))
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
    stores = {path.parent.name for path in (ROOT / "shared").glob("*/store.py")}
    features = stores | {"ops", "people"}
    ours = (module.split(".") for module in probed(name)["imported"])
    loaded = {parts[1] for parts in ours if parts[0] == "shared" and len(parts) > 1}

    assert loaded & features == FEATURES[name]


@pytest.mark.parametrize("name", MANIFESTS)
def test_a_function_makes_the_contracts_that_it_speaks(name: str) -> None:
    # Goal: a start does not make what only others, or later requests, need; ten are 2 % of it.
    ours = (module.removeprefix("shared.contracts.") for module in probed(name)["imported"])

    assert set(ours) & contracts() == CONTRACTS[name]


@pytest.mark.parametrize("name", MANIFESTS)
def test_what_a_start_makes_is_made_of_tuples(name: str) -> None:
    made = probed(name)["dataclasses"]

    assert len(made) <= MOST_DATACLASSES, made


def contracts() -> set[str]:
    """The modules of contracts, without what all of them begin with."""
    return {path.stem for path in (ROOT / "shared/contracts").glob("*.py")} - {"__init__", "base"}
