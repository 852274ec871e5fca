"""What Terraform makes is what the laptop makes: topics, subscriptions, queues, jobs, schemas."""

from typing import Any

import pytest

from emulators.laptop.manifest import (
    PubsubTrigger,
    ScheduleTrigger,
    TasksTrigger,
    load_all,
    subscription_name,
    topics,
)
from emulators.laptop.provision import SCHEMAS, job_name
from emulators.laptop.stack import ROOT
from infra.policy.plan import Plan
from tests.infra.conftest import Plans
from tests.infra.offline.provider import PROJECT_NUMBER

MANIFESTS = load_all(ROOT / "functions")
PROJECT, REGION = "dispatch-prod", "europe-west1"


@pytest.fixture
def plan(plans: Plans) -> Plan:
    """Production's."""
    return plans["prod"]


def host(function: str) -> str:
    """Where Cloud Run answers for a function."""
    return f"{function.replace('_', '-')}-{PROJECT_NUMBER}.{REGION}.run.app"


def test_the_topics(plan: Plan) -> None:
    assert sorted(plan.by_name("google_pubsub_topic")) == topics(MANIFESTS.values())


def test_the_schemas_are_made_and_no_topic_is_bound_to_one(plan: Plan) -> None:
    made = {
        name: (values["type"], values["definition"])
        for name, values in plan.by_name("google_pubsub_schema").items()
    }

    assert made == {
        path.stem: ("PROTOCOL_BUFFER", path.read_text()) for path in SCHEMAS.glob("*.proto")
    }
    assert not any(t.values["schema_settings"] for t in plan.of("google_pubsub_topic"))


def test_the_subscriptions(plan: Plan) -> None:
    made = {
        name: {
            "topic": values["topic"],
            "filter": values["filter"],
            "ordered": values["enable_message_ordering"],
            "ack_deadline_s": values["ack_deadline_seconds"],
            "backoff": (
                values["retry_policy"][0]["minimum_backoff"],
                values["retry_policy"][0]["maximum_backoff"],
            ),
            "dead_letters": [
                (policy["dead_letter_topic"], policy["max_delivery_attempts"])
                for policy in values["dead_letter_policy"]
            ],
            "endpoint": values["push_config"][0]["push_endpoint"],
        }
        for name, values in plan.by_name("google_pubsub_subscription").items()
    }

    assert made == _subscriptions()


def _subscriptions() -> dict[str, dict[str, Any]]:
    dead_letters = f"projects/{PROJECT}/topics/dead-letters"
    return {
        subscription_name(name, heard): {
            "topic": heard.topic,
            "filter": heard.filter,
            "ordered": heard.ordered,
            "ack_deadline_s": manifest.ack_deadline_s,
            "backoff": (
                f"{trigger.retry.min_backoff_s}s",
                f"{heard.max_backoff_s or trigger.retry.max_backoff_s}s",
            ),
            "dead_letters": [(dead_letters, trigger.retry.max_attempts)]
            if trigger.retry.max_attempts
            else [],
            "endpoint": f"https://{host(name)}/",
        }
        for name, manifest in MANIFESTS.items()
        if isinstance(trigger := manifest.trigger, PubsubTrigger)
        for heard in trigger.subscriptions
    }


def test_the_queues(plan: Plan) -> None:
    made = {
        name: {
            "host": values["http_target"][0]["uri_override"][0]["host"],
            "path": values["http_target"][0]["uri_override"][0]["path_override"][0]["path"],
            "always": values["http_target"][0]["uri_override"][0]["uri_override_enforce_mode"],
            "headers": [
                (one["header"][0]["key"], one["header"][0]["value"])
                for one in values["http_target"][0]["header_overrides"]
            ],
            "rates": (
                values["rate_limits"][0]["max_dispatches_per_second"],
                values["rate_limits"][0]["max_concurrent_dispatches"],
            ),
            "retry": {
                part: values["retry_config"][0][part]
                for part in ("max_attempts", "min_backoff", "max_backoff", "max_doublings")
            },
        }
        for name, values in plan.by_name("google_cloud_tasks_queue").items()
    }

    assert made == {
        queue: {
            "host": host(name),
            "path": "/",
            "always": "ALWAYS",
            "headers": [("X-Dispatch-Max-Attempts", str(trigger.retry.max_attempts))],
            "rates": (limits.max_per_second, limits.max_concurrent),
            "retry": {
                "max_attempts": -1,
                "min_backoff": f"{trigger.retry.min_backoff_s}s",
                "max_backoff": f"{limits.max_backoff_s or trigger.retry.max_backoff_s}s",
                "max_doublings": trigger.retry.max_doublings,
            },
        }
        for name, manifest in MANIFESTS.items()
        if isinstance(trigger := manifest.trigger, TasksTrigger)
        for queue, limits in trigger.queues.items()
    }


def test_the_jobs(plan: Plan) -> None:
    made = {
        name: {
            "schedule": (values["schedule"], values["time_zone"]),
            "uri": values["http_target"][0]["uri"],
            "deadline": values["attempt_deadline"],
            "retry": (
                values["retry_config"][0]["retry_count"],
                values["retry_config"][0]["min_backoff_duration"],
                values["retry_config"][0]["max_backoff_duration"],
            ),
        }
        for name, values in plan.by_name("google_cloud_scheduler_job").items()
    }

    assert made == {
        job_name(name, job_id): {
            "schedule": (job.schedule, "Etc/UTC"),
            "uri": f"https://{host(name)}{job.path}",
            "deadline": f"{manifest.limits.timeout_s}s",
            "retry": (
                trigger.retry.max_attempts,
                f"{trigger.retry.min_backoff_s}s",
                f"{trigger.retry.max_backoff_s}s",
            ),
        }
        for name, manifest in MANIFESTS.items()
        if isinstance(trigger := manifest.trigger, ScheduleTrigger)
        for job_id, job in trigger.jobs.items()
    }


def test_who_may_publish_and_enqueue_what(plan: Plan) -> None:
    member = "serviceAccount:fn-{}@dispatch-prod.iam.gserviceaccount.com"
    rights = {
        (right.values["member"], right.values["role"], right.values.get("topic") or queue)
        for right in plan.resources
        if right.kind in {"google_pubsub_topic_iam_member", "google_cloud_tasks_queue_iam_member"}
        and right.values["member"].startswith("serviceAccount:fn-")
        for queue in [right.values.get("name")]
    }

    assert rights == {
        (member.format(name.replace("_", "-")), role, target)
        for name, manifest in MANIFESTS.items()
        for role, targets in (
            ("roles/pubsub.publisher", manifest.publishes),
            ("roles/cloudtasks.enqueuer", manifest.enqueues),
        )
        for target in targets
    }


def test_who_reads_which_secret(plan: Plan) -> None:
    readers = {
        (right.values["secret_id"], right.values["member"].partition("@")[0])
        for right in plan.of("google_secret_manager_secret_iam_member")
    }

    assert readers == {
        (secret.lower().replace("_", "-"), f"serviceAccount:fn-{name.replace('_', '-')}")
        for name, manifest in MANIFESTS.items()
        for secret in manifest.secrets
    }
