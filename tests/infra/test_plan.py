"""infra/ is formatted, valid, and plans for each environment what the rules allow."""

import json
import re
from typing import Any

import pytest

from emulators.laptop.manifest import HttpTrigger, Manifest, ScheduleTrigger, load_all
from emulators.laptop.stack import ROOT
from infra.policy import __main__ as policy
from infra.policy.plan import Plan, Resource
from infra.policy.rights import IAP_AUDIENCE, PUBLIC
from infra.policy.rules import BALANCED, broken
from infra.release.__main__ import JOBS
from shared.edge.stream.serving import LONGEST_S
from shared.platform.config import Config, read
from shared.platform.migrate import CONTRACT, EXPAND
from tests.infra.conftest import CHANNEL, SHOP, Plans
from tests.infra.terraform import Workspace

ENVIRONMENTS = ("dev", "prod")
MANIFESTS = load_all(ROOT / "functions")


def test_everything_is_formatted(workspace: Workspace) -> None:
    ended = workspace.run("fmt", "-check", "-recursive", "-diff")

    assert ended.code == 0, ended.said


def test_everything_is_valid(workspace: Workspace) -> None:
    ended = workspace.run("validate")

    assert ended.code == 0, ended.said


def test_its_own_tests_pass(workspace: Workspace) -> None:
    ended = workspace.run("test")

    assert ended.code == 0, ended.said
    assert re.search(r"[1-9]\d* passed, 0 failed", ended.said)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_plan_breaks_no_rule(plans: Plans, environment: str) -> None:
    assert broken(plans[environment]) == []


def test_who_may_be_open_to_anybody_is_and_nobody_else(plans: Plans) -> None:
    # Goal: no name is left on the list of one that was closed, or of one that is gone.
    opened = {
        right.values["name"]
        for right in plans["dev"].of("google_cloud_run_v2_service_iam_member")
        if right.values["member"] == "allUsers"
    }

    assert opened == PUBLIC


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_folder_is_a_service_of_the_same_image(plans: Plans, environment: str) -> None:
    targets = {
        variables(service)["FUNCTION_TARGET"]
        for service in plans[environment].of("google_cloud_run_v2_service")
    }

    assert targets == set(MANIFESTS)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_function_is_complete_with_what_it_is_told(plans: Plans, environment: str) -> None:
    # Goal: what production sets is what the code asks for; a misspelt setting stops a cold start.
    for service in plans[environment].of("google_cloud_run_v2_service"):
        told = variables(service)
        told["DISPATCH_INSTANCE_CONNECTION_NAME"] = told.get(
            "DISPATCH_INSTANCE_CONNECTION_NAME", "known later"
        )

        config = read(told)

        manifest = MANIFESTS[told["FUNCTION_TARGET"]]
        assert config.env == environment
        assert config.database_user == f"fn-{service.values['name']}@{config.project}.iam"
        # Nobody waits for a connection that another request has, and finds none after ten seconds.
        at_once = manifest.limits.connections or manifest.limits.concurrency
        assert config.pool_size == manifest.limits.pool >= at_once
        assert told["THREADS"] == str(manifest.limits.concurrency)


def test_who_has_fewer_connections_than_requests_at_once_is_known_by_name() -> None:
    # Goal: what is said of one function as a reason is not taken over by the next without one.
    fewer = {name for name, one in MANIFESTS.items() if one.limits.pool < one.limits.concurrency}

    assert fewer == {"ops_stream"}  # who looks on waits, and asks seldom


def test_all_instances_together_find_a_connection(plans: Plans) -> None:
    # Goal: the limit holds for what is planned, whatever the precondition adds up, and also while
    # two revisions serve side by side.
    plan = plans["prod"]
    (database,) = plan.of("google_sql_database_instance")
    flags = {f["name"]: f["value"] for f in database.values["settings"][0]["database_flags"]}
    wanted = sum(
        service.values["template"][0]["scaling"][0]["max_instance_count"]
        * int(variables(service)["DISPATCH_POOL_SIZE"])
        for service in plan.of("google_cloud_run_v2_service")
    )

    assert 0 < 2 * wanted < int(flags["max_connections"])


def test_a_clone_can_be_looked_into_before_anybody_is_sent_to_it(plans: Plans) -> None:
    # Goal: a restore audits the clone, by an account whose rights are narrowed to our instances.
    readme = (ROOT / "infra/README.md").read_text()
    (clone,) = set(re.findall(r"gcloud sql instances clone dispatch (\S+) ", readme))
    rights = [
        right.values["condition"][0]["expression"]
        for right in plans["prod"].of("google_project_iam_member")
        if right.values["member"].startswith("serviceAccount:job-replay@")
    ]
    assert len(rights) == 2
    for expression in rights:
        (beginning,) = re.findall(r'resource\.name\.startsWith\("([^"]+)"\)', expression)
        assert f"projects/dispatch-prod/instances/{clone}".startswith(beginning)


def test_a_secret_is_given_in_the_version_that_is_named_and_not_before(
    asked: Plan, plans: Plans
) -> None:
    assert secrets(plans["dev"].of("google_cloud_run_v2_service")) == {}
    assert secrets(asked.of("google_cloud_run_v2_service")) == {
        ("carrier-polling", "DISPATCH_EASYPOST_API_KEY"): "3",
        ("label-purchase", "DISPATCH_EASYPOST_API_KEY"): "3",
    }


def test_the_pipeline_is_told_what_it_needs(plans: Plans) -> None:
    outputs = plans["prod"].outputs

    assert outputs["jobs"] == list(JOBS)
    assert outputs["services"] == {name: name.replace("_", "-") for name in MANIFESTS}
    assert re.fullmatch(r"[a-z0-9-]+-docker\.pkg\.dev/[^/]+/dispatch", outputs["images"])


def test_the_owner_of_the_tables_lets_everybody_in_who_uses_them(plans: Plans) -> None:
    plan = plans["prod"]
    users = {
        f"--grant={user.values['name']}"
        for user in plan.of("google_sql_user")
        if not user.values["name"].startswith("job-migrate@")
    }

    assert len(users) == len(MANIFESTS) + 2  # and the jobs that begin and replay
    for phase in (EXPAND, CONTRACT):
        job = plan.by_name("google_cloud_run_v2_job")[f"migrate-{phase}"]
        (container,) = job["template"][0]["template"][0]["containers"]
        assert set(container["args"]) == {f"--until={phase}", *users}


def test_who_publishes_from_outside_may_publish_to_that_topic_alone(asked: Plan) -> None:
    rights = [one for one in asked.resources if one.values.get("member") == CHANNEL]

    assert [(r.values["topic"], r.values["role"]) for r in rights] == [
        ("orders", "roles/pubsub.publisher")
    ]


def test_a_machine_is_let_in_by_cloud_run_and_by_the_code(asked: Plan) -> None:
    doors = {
        right.values["name"]
        for right in asked.of("google_cloud_run_v2_service_iam_member")
        if right.values["member"] == f"serviceAccount:{SHOP}"
    }
    told = {
        variables(one)["DISPATCH_API_CALLERS"] for one in asked.of("google_cloud_run_v2_service")
    }

    assert doors == {"order-api", "stock-api"}
    assert told == {SHOP}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_consoles_host_leads_where_the_manifests_say(plans: Plans, environment: str) -> None:
    plan = plans[environment]
    said = {
        name.replace("_", "-"): manifest.trigger.console
        for name, manifest in MANIFESTS.items()
        if isinstance(manifest.trigger, HttpTrigger) and manifest.trigger.console is not None
    }
    (matcher,) = plan.by_name("google_compute_url_map")["console"]["path_matcher"]
    (certificate,) = plan.of("google_compute_managed_ssl_certificate")
    (host,) = plan.by_name("google_compute_url_map")["console"]["host_rule"]
    behind = plan.by_name("google_cloud_run_v2_service")

    assert said["ops"] == "/"
    assert sorted(path for rule in matcher["path_rule"] for path in rule["paths"]) == sorted(
        path for path in said.values() if path != "/"
    )
    assert host["hosts"] == certificate.values["managed"][0]["domains"]
    assert {name for name, one in behind.items() if one["ingress"] == BALANCED} == set(said)


def test_pages_look_on_where_the_balancer_leads_to_the_stream() -> None:
    # Goal: without a setting a page asks where the stream is, and the stream ends before it is cut.
    stream = MANIFESTS["ops_stream"]

    assert isinstance(stream.trigger, HttpTrigger)
    assert stream.trigger.console == Config.model_fields["stream_path"].default
    assert stream.limits.timeout_s > LONGEST_S


def test_a_stream_that_goes_on_is_no_slow_answer(plans: Plans) -> None:
    (names,) = re.findall(r'service_name=~"([^"]+)"', query(plans["prod"], "slow-answers"))

    assert {"ops", "order-api", "tracking-page"} <= set(names.split("|"))
    assert "ops-stream" not in names.split("|")


def test_every_job_is_missed_by_itself_when_it_stops(plans: Plans) -> None:
    asked = {
        name: re.findall(
            r'absent_over_time\([^)]+service_name="([^"]+)",job="([^"]+)"\}\[(\w+)\]',
            query(plans["prod"], name),
        )
        for name in ("jobs-stopped", "nightly-jobs-stopped")
    }
    windows = {(service, job): w for found in asked.values() for service, job, w in found}

    assert set(windows) == {
        (name.replace("_", "-"), job.path)
        for name, manifest in MANIFESTS.items()
        if isinstance(manifest.trigger, ScheduleTrigger)
        for job in manifest.trigger.jobs.values()
    }
    assert windows["outbox-relay", "/"] == "10m"
    assert windows["housekeeping", "/watch-parcels"] == "30m"
    assert windows["housekeeping", "/poll-parcels"] == "3h"
    assert {(job, window) for _, job, window in asked["nightly-jobs-stopped"]} == {
        ("/keep-decisions", "25h"),
        ("/reconcile", "25h"),
        ("/audit", "25h"),
    }


def test_the_budget_of_placements_is_watched_for_what_burns_it_fast_and_slowly(
    plans: Plans,
) -> None:
    # By hand, of an objective of 99.985 %: 14.4 and 6 times 0.00015.
    fast, slow = query(plans["prod"], "placement-budget").split(") or (")

    for part, windows, share in ((fast, ("1h", "5m"), 0.00216), (slow, ("6h", "30m"), 0.0009)):
        assert re.findall(r"\[(\w+)\]", part) == [windows[0]] * 2 + [windows[1]] * 2
        bounds = [float(bound) for bound in re.findall(r"> ([\d.e-]+)", part)]
        assert bounds == [pytest.approx(share)] * 2


def test_a_queue_whose_tasks_wait_long_for_their_next_attempt_is_no_queue_that_stands_still(
    plans: Plans,
) -> None:
    asked = query(plans["prod"], "queue-stands-still")

    (soon, late) = asked.split(" or ")
    assert 'queue_id!~"webhooks"' in soon
    assert "[10m]" in soon
    assert 'queue_id=~"webhooks"' in late
    assert "[3h]" in late


def query(plan: Plan, name: str) -> str:
    """What an alert asks."""
    (alert,) = [
        alert
        for alert in plan.of("google_monitoring_alert_policy")
        if alert.values["display_name"] == name
    ]
    (condition,) = alert.values["conditions"]
    (asked,) = condition["condition_prometheus_query_language"]
    return str(asked["query"])


def test_the_proxy_stands_before_the_console_where_people_are_named(plans: Plans) -> None:
    def audiences(plan: Plan) -> set[str]:
        services = plan.of("google_cloud_run_v2_service")
        return {one.values["name"] for one in services if IAP_AUDIENCE in names(one)}

    prod, dev = plans["prod"], plans["dev"]
    people = {
        (right.values["web_backend_service"], right.values["role"], right.values["member"])
        for right in prod.of("google_iap_web_backend_service_iam_member")
    }
    doors = {
        right.values["name"]
        for right in prod.of("google_cloud_run_v2_service_iam_member")
        if right.values["member"].endswith("@gcp-sa-iap.iam.gserviceaccount.com")
    }

    assert audiences(prod) == doors == {"ops", "ops-stream"}
    assert audiences(dev) == set()
    assert people == {
        (f"console-{name}", "roles/iap.httpsResourceAccessor", "group:logistics@example.com")
        for name in doors
    }


def test_who_keeps_documents_may_write_them_and_who_prints_may_read_them(plans: Plans) -> None:
    plan = plans["dev"]

    rights = {
        (right.values["bucket"], right.values["role"], right.values["member"])
        for right in plan.of("google_storage_bucket_iam_member")
        if "pipeline-" not in right.values["member"]
    }
    keeper, printer = (
        f"serviceAccount:fn-{name}@dispatch-dev.iam.gserviceaccount.com"
        for name in ("label-purchase", "ops")
    )
    begin = "serviceAccount:job-begin@dispatch-dev.iam.gserviceaccount.com"
    assert rights == {
        ("dispatch-dev-documents", "roles/storage.objectUser", keeper),
        ("dispatch-dev-documents", "roles/storage.objectViewer", printer),
        ("dispatch-dev-releases", "roles/storage.objectViewer", begin),
    }
    (job,) = plan.by_name("google_cloud_run_v2_job")["begin"]["template"][0]["template"]
    (volume,) = job["volumes"]
    assert (volume["gcs"][0]["bucket"], volume["gcs"][0]["read_only"]) == (
        "dispatch-dev-releases",
        True,
    )
    assert {
        service.values["name"]
        for service in plan.of("google_cloud_run_v2_service")
        if "DISPATCH_DOCUMENTS_BUCKET" in variables(service)
    } == {"label-purchase", "ops"}


def test_traces_are_written_where_they_are_asked_for(asked: Plan, plans: Plans) -> None:
    def writers(plan: Plan) -> int:
        rights = plan.of("google_project_iam_member")
        return sum(right.values["role"].startswith("roles/telemetry.") for right in rights)

    assert broken(asked) == []
    assert writers(plans["dev"]) == 0
    assert writers(plans["prod"]) == 2 * len(plans["prod"].of("google_cloud_run_v2_service"))
    assert writers(asked) == 2 * len(asked.of("google_cloud_run_v2_service"))


def test_a_release_is_approved_and_a_build_is_not(asked: Plan) -> None:
    triggers = {
        trigger.values["filename"]: trigger.values["approval_config"][0]["approval_required"]
        for trigger in asked.of("google_cloudbuild_trigger")
    }
    assert triggers == {"cloudbuild.yaml": False, "infra/cloudbuild.release.yaml": True}
    assert all((ROOT / name).exists() for name in triggers)


def test_the_dashboard_shows_a_chart_in_each_place(plans: Plans) -> None:
    (dashboard,) = plans["prod"].of("google_monitoring_dashboard")
    tiles = json.loads(dashboard.values["dashboard_json"])["mosaicLayout"]["tiles"]

    places = [(tile["xPos"], tile["yPos"]) for tile in tiles]
    assert len(places) == len(set(places)) >= 12
    assert all(x + tile["width"] <= 48 for (x, _), tile in zip(places, tiles, strict=True))


def test_terraform_reads_every_key_that_a_manifest_may_have() -> None:
    # Goal: Terraform passes over a key that it does not know, and the laptop would obey it.
    source = (ROOT / "infra/modules/function/variables.tf").read_text()
    manifest = source[source.index('variable "manifest"') : source.index("validation {")]
    known = set(re.findall(r"^\s+(\w+)\s+=", manifest, re.MULTILINE))

    assert _keys(Manifest.model_json_schema()) - known == set()


def _keys(schema: Any) -> set[str]:
    if isinstance(schema, list):
        return set().union(*map(_keys, schema))
    if not isinstance(schema, dict):
        return set()
    own = set(schema.get("properties", {}))
    return own.union(*map(_keys, schema.values()))


def variables(service: Resource) -> dict[str, str]:
    """The plain variables of a service's environment."""
    (container,) = service.values["template"][0]["containers"]
    return {one["name"]: one["value"] for one in container["env"] if one.get("value") is not None}


def names(service: Resource) -> set[str]:
    """The names of all variables of a service's environment."""
    (container,) = service.values["template"][0]["containers"]
    return {one["name"] for one in container["env"]}


def secrets(services: list[Resource]) -> dict[tuple[str, str], str]:
    """Service and setting -> the secret's version."""
    return {
        (service.values["name"], one["name"]): reference["version"]
        for service in services
        for one in service.values["template"][0]["containers"][0]["env"]
        for source in one.get("value_source") or []
        for reference in source["secret_key_ref"]
    }


@pytest.mark.usefixtures("asked")  # it has left its plan there
def test_the_pipeline_holds_its_own_plan_against_the_rules(
    small: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(small.infra)
    for name, value in small.environment.items():
        monkeypatch.setenv(name, value)

    assert policy.main(["plan"]) == 0
    assert policy.main(["no-such-plan"]) == 2
    assert capsys.readouterr().out == ""
