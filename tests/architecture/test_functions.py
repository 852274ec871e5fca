"""One folder, one function: complete, declared as it is, and connected to the others."""

import ast
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from emulators.google.pubsub.filters import parse
from emulators.laptop.atlas import Reach, contracts, queues_of, reaches
from emulators.laptop.manifest import (
    DEAD_LETTER_TOPIC,
    Manifest,
    PubsubTrigger,
    TasksTrigger,
    load_all,
)
from emulators.laptop.stack import ROOT
from shared.contracts.base import PRIORITY, Event, Work
from shared.edge.pubsub import FAILURES
from shared.flows.track_parcel import TO_BE_RECORDED

FOLDERS = sorted(
    path.name
    for path in (ROOT / "functions").iterdir()
    if path.is_dir() and path.name != "__pycache__"
)
MANIFESTS = load_all(ROOT / "functions")
CONTRACTS = contracts(ROOT)
EVENTS = {name: c for name, c in CONTRACTS.items() if issubclass(c, Event)}
WORK = {name: c for name, c in CONTRACTS.items() if issubclass(c, Work)}

RELAY = "outbox_relay"  # announces nothing itself, and sends what all the others left
INBOUND = frozenset({"orders", "stock-updates"})  # published by channels and warehouses


@cache
def reaches_here() -> dict[str, Reach]:
    """What each of our functions handles and may announce."""
    return reaches(ROOT)


def announced(reach: Reach, manifests: dict[str, Manifest]) -> tuple[set[str], set[str]]:
    """The topics and the queues that a function with this reach may send to."""
    topics = {EVENTS[name].topic for name in reach.tells if name in EVENTS}
    queues = {q for name in reach.tells if name in WORK for q in queues_of(WORK[name], manifests)}
    return topics, queues


@pytest.mark.parametrize("name", FOLDERS)
def test_a_folder_holds_its_entry_point_and_its_manifest(name: str) -> None:
    folder = ROOT / "functions" / name
    tree = ast.parse((folder / "main.py").read_text())
    targets = [
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
        and "functions_framework.http" in map(ast.unparse, node.decorator_list)
    ]

    assert name in MANIFESTS
    assert targets == [name], "FUNCTION_TARGET is the folder's name, and the only one in main.py"
    assert ast.get_docstring(tree), "the first line says what comes in and what goes out"


@pytest.mark.parametrize("name", FOLDERS)
def test_a_function_has_its_row_in_the_readme(name: str) -> None:
    rows = [line for line in (ROOT / "README.md").read_text().splitlines() if line.startswith("|")]

    assert len([row for row in rows if row.startswith(f"| [`{name}`](functions/{name}/")]) == 1


@pytest.mark.parametrize("name", FOLDERS)
def test_every_flow_behind_a_function_has_a_test_of_its_own(name: str) -> None:
    tree = ast.parse((ROOT / "functions" / name / "main.py").read_text())
    flows = {
        node.module.rpartition(".")[2]
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("shared.flows.")
        if node.module
    }
    tested = {path.stem.removeprefix("test_") for path in (ROOT / "tests/flows").glob("test_*.py")}

    assert flows - tested == set()


@pytest.mark.parametrize("name", sorted(set(FOLDERS) - {RELAY}))
def test_a_function_declares_what_its_flows_may_announce_and_no_more(name: str) -> None:
    # Goal: function.yaml is where rights come from. Too few, and what was announced right after
    # the commit waits for the sweep; too many, and a leaked identity may do more than its work.
    topics, queues = announced(reaches_here()[name], MANIFESTS)

    assert set(MANIFESTS[name].publishes) == topics
    assert set(MANIFESTS[name].enqueues) == queues


@pytest.mark.parametrize("name", FOLDERS)
def test_a_function_says_that_it_needs_documents_and_none_says_so_in_vain(name: str) -> None:
    # Goal: the right to read what is printed, which is personal, follows from this line alone.
    tree = ast.parse((ROOT / "functions" / name / "main.py").read_text())
    wired = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "shared.wiring"
        for alias in node.names
    }

    assert (MANIFESTS[name].documents is not None) == ("documents" in wired)


def test_the_relay_may_send_what_anybody_announces() -> None:
    topics: set[str] = set()
    queues: set[str] = set()
    for reach in reaches_here().values():
        more_topics, more_queues = announced(reach, MANIFESTS)
        topics |= more_topics
        queues |= more_queues

    # A person may send again what a channel or a warehouse had sent, on the way that it came.
    assert set(MANIFESTS[RELAY].publishes) == topics | INBOUND
    assert set(MANIFESTS[RELAY].enqueues) == queues


@pytest.mark.parametrize("priority", [{}, {PRIORITY: "express"}, {PRIORITY: "standard"}])
@pytest.mark.parametrize("name", FOLDERS)
def test_what_its_function_handles_comes_by_one_subscription_and_nothing_else_does(
    name: str, priority: dict[str, str]
) -> None:
    # Goal: what is let through and not handled is parked as unknown; what is handled and filtered
    # away never comes, and nothing tells. Whatever its priority, it comes once.
    trigger = MANIFESTS[name].trigger
    subscriptions = trigger.subscriptions if isinstance(trigger, PubsubTrigger) else ()
    let_through = Counter(
        contract
        for subscription in subscriptions
        for contract, event in EVENTS.items()
        if event.topic == subscription.topic
        and (
            not subscription.filter
            or parse(subscription.filter)({"ce-type": event.type, **priority})
        )
    )

    topics = {subscription.topic for subscription in subscriptions}
    assert let_through == Counter(
        c for c in reaches_here()[name].hears if c in EVENTS and EVENTS[c].topic in topics
    )


@pytest.mark.parametrize("name", FOLDERS)
def test_a_function_hears_every_topic_that_its_events_travel_on(name: str) -> None:
    trigger = MANIFESTS[name].trigger
    if not isinstance(trigger, PubsubTrigger) or name == "dead_letter":
        return
    heard = {subscription.topic for subscription in trigger.subscriptions}

    assert {EVENTS[contract].topic for contract in reaches_here()[name].hears} == heard


def test_every_topic_that_is_heard_is_published_by_somebody() -> None:
    heard = {
        subscription.topic
        for manifest in MANIFESTS.values()
        if isinstance(manifest.trigger, PubsubTrigger)
        for subscription in manifest.trigger.subscriptions
    }
    published = {
        topic for name in MANIFESTS.keys() - {RELAY} for topic in MANIFESTS[name].publishes
    }

    assert heard - published == INBOUND | {DEAD_LETTER_TOPIC}


def test_every_queue_is_filled_by_somebody() -> None:
    served = {
        queue
        for manifest in MANIFESTS.values()
        if isinstance(manifest.trigger, TasksTrigger)
        for queue in manifest.trigger.queues
    }

    assert served == {queue for manifest in MANIFESTS.values() for queue in manifest.enqueues}


def test_the_type_of_a_contract_is_its_own_and_names_its_version() -> None:
    types = [contract.type for contract in CONTRACTS.values()]

    assert sorted(types) == sorted(set(types))
    assert [t for t in types if not t.rpartition(".v")[2].isdecimal()] == []


def test_what_a_flow_behind_a_flow_announces_is_found(tmp_path: Path) -> None:
    # Goal: the tests above are worth what `reaches` sees, so it is tried on a function of which
    # all is known: it hears one event, and tells another by way of two flows.
    files = {
        "functions/cups/main.py": (
            "from shared.contracts.orders import OrderSubmitted\n"
            "from shared.flows.first import first\n"
        ),
        "shared/flows/first.py": "from shared.flows.second import second\n",
        "shared/flows/second.py": (
            "from shared.contracts.order_facts import OrderClosed, OrderPlaced\n"
            "def second(tx, event: OrderPlaced): put(tx, OrderClosed(order_id=event.order_id))\n"
        ),
        "shared/flows/other.py": "put(OrderChanged())\n",
        "shared/contracts/orders.py": "",
        "shared/contracts/order_facts.py": "",
    }
    for name, source in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(source)

    assert reaches(tmp_path) == {
        "cups": Reach(frozenset({"OrderSubmitted"}), frozenset({"OrderClosed"}))
    }


def test_what_comes_before_its_label_waits_until_the_last_attempt_to_buy_it() -> None:
    # Goal: a carrier may tell of a parcel whose label it has sold while we still ask for the
    # answer. Its update is not let be before that is over; and it is let be before it would be
    # given up, or everybody else who uses our account at a vendor would fill our letters.
    labels = MANIFESTS["label_purchase"].trigger
    tracking = MANIFESTS["order_tracking"].trigger
    assert isinstance(labels, TasksTrigger)
    assert isinstance(tracking, PubsubTrigger)
    buying_s = sum(
        min(labels.retry.min_backoff_s * 2**n, labels.retry.max_backoff_s)
        + MANIFESTS["label_purchase"].limits.timeout_s
        for n in range(labels.retry.max_attempts - 1)
    )
    waiting_s = sum(
        min(tracking.retry.min_backoff_s * 2**n, tracking.retry.max_backoff_s)
        for n in range(FAILURES - 1)
    )

    let_be_s = TO_BE_RECORDED.total_seconds()
    assert buying_s < let_be_s < waiting_s - tracking.retry.max_backoff_s
    assert tracking.retry.max_attempts is not None
    assert tracking.retry.max_attempts > FAILURES
