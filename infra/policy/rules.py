"""What must hold of the whole plan, whatever the modules look like."""

import json
import re
from collections.abc import Callable, Iterator

from infra.policy import rights
from infra.policy.plan import Plan, Resource
from infra.policy.rights import IAP_AUDIENCE, environment

Rule = Callable[[Plan], Iterator[str]]

INSIDE_ONLY = "INGRESS_TRAFFIC_INTERNAL_ONLY"
BALANCED = "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER"
# A backup that is there, as Google's audit log tells it.
_BACKED_UP = {
    'protoPayload.methodName="cloudsql.instances.automatedBackup"',
    'protoPayload.metadata.windowStatus="STATUS_SUCCEEDED"',
}
_COUNTED = re.compile(r"logging_googleapis_com:user_(\w+)")  # as alerts and charts ask for it


def broken(plan: Plan) -> list[str]:
    """Every rule that the plan breaks: where, and why that is wrong."""
    return [complaint for rule in RULES for complaint in rule(plan)]


def instances_are_bounded(plan: Plan) -> Iterator[str]:
    for service in plan.of("google_cloud_run_v2_service"):
        scaling = service.values["template"][0]["scaling"]
        most = scaling[0]["max_instance_count"] if scaling else None
        if not most or most > 100:
            yield f"{service.address}: has no bound of instances"


def only_http_functions_are_reached_from_outside(plan: Plan) -> Iterator[str]:
    pushed = {one.values["push_config"][0]["push_endpoint"] for one in _subscriptions(plan)}
    for service in plan.of("google_cloud_run_v2_service"):
        name, ingress = service.values["name"], service.values["ingress"]
        is_called = any(f"//{name}-" in url for url in pushed)
        if is_called and ingress != INSIDE_ONLY:
            yield f"{service.address}: is called by Google alone, and reached from outside"


def who_is_behind_the_balancer_is_led_to_and_not_reached_past_it(plan: Plan) -> Iterator[str]:
    backends = plan.of("google_compute_region_network_endpoint_group")
    led = {one.values["cloud_run"][0]["service"] for one in backends}
    for service in plan.of("google_cloud_run_v2_service"):
        name, is_behind = service.values["name"], service.values["ingress"] == BALANCED
        if is_behind and name not in led:
            yield f"{service.address}: nothing leads to it"
        if name in led and not is_behind:
            yield f"{service.address}: is reached past its balancer"
    for one in plan.of("google_compute_url_map"):
        for matcher in one.values["path_matcher"]:
            paths = sum(len(rule["paths"]) for rule in matcher["path_rule"])
            if paths + 1 != len(led):
                yield f"{one.address}: {len(led)} functions stand behind it, {paths + 1} are led to"


def a_stream_is_not_held_back(plan: Plan) -> Iterator[str]:
    for backend in plan.of("google_compute_backend_service"):
        if backend.values["enable_cdn"] or backend.values["compression_mode"] != "DISABLED":
            yield f"{backend.address}: gathers what a stream says"
        if backend.values.get("timeout_sec") is not None:
            yield f"{backend.address}: Google takes no time limit of a backend that is Cloud Run"


def the_proxy_stands_before_all_or_none(plan: Plan) -> Iterator[str]:
    backends = plan.of("google_compute_backend_service")
    guarded = {one.values["name"].removeprefix("console-") for one in backends if _has_proxy(one)}
    if guarded and len(guarded) < len(backends):
        yield from (f"{one.address}: is no proxy's" for one in backends if not _has_proxy(one))
    for service in plan.of("google_cloud_run_v2_service"):
        asks = IAP_AUDIENCE in environment(service)
        if asks != (service.values["name"] in guarded):
            wrong = "waits for a proxy that is not there" if asks else "does not ask for the proxy"
            yield f"{service.address}: {wrong}"


def _has_proxy(backend: Resource) -> bool:
    return any(proxy["enabled"] for proxy in backend.values["iap"])


def browsers_are_talked_to_in_secret(plan: Plan) -> Iterator[str]:
    for policy in plan.of("google_compute_ssl_policy"):
        if policy.values["min_tls_version"] not in {"TLS_1_2", "TLS_1_3"}:
            yield f"{policy.address}: takes what can be broken"
    for proxy in plan.of("google_compute_target_https_proxy"):
        if not proxy.values.get("ssl_policy") and not proxy.unknown.get("ssl_policy"):
            yield f"{proxy.address}: takes what can be broken"
    maps = plan.of("google_compute_url_map")
    sends_on = [one for one in maps if not one.values["path_matcher"]]
    for one in maps:
        if not any(r["https_redirect"] for r in one.values["default_url_redirect"]):
            yield f"{one.address}: answers to a name that is not its own"
    if len(sends_on) < len(plan.of("google_compute_target_http_proxy")):
        yield "what is not encrypted is led on"


def processors_are_billed_by_the_request(plan: Plan) -> Iterator[str]:
    for service in plan.of("google_cloud_run_v2_service"):
        for container in service.values["template"][0]["containers"]:
            if not container["resources"][0]["cpu_idle"]:
                yield f"{service.address}: is billed while it does nothing"


def _subscriptions(plan: Plan) -> list[Resource]:
    return plan.of("google_pubsub_subscription")


def whatever_calls_a_function_signs(plan: Plan) -> Iterator[str]:
    for one in _subscriptions(plan):
        push = one.values["push_config"]
        if not push or not push[0]["oidc_token"]:
            yield f"{one.address}: pushes are not signed"
    for kind in ("google_cloud_tasks_queue", "google_cloud_scheduler_job"):
        for one in plan.of(kind):
            target = one.values["http_target"]
            if not target or not target[0]["oidc_token"]:
                yield f"{one.address}: calls are not signed"
    audiences = {
        token["audience"]
        for one in plan.resources
        for block in ("push_config", "http_target")
        for part in one.values.get(block) or []
        for token in part.get("oidc_token") or []
    }
    for service in plan.of("google_cloud_run_v2_service"):
        missing = audiences - set(service.values["custom_audiences"] or ())
        if missing:
            yield f"{service.address}: does not know itself as {', '.join(sorted(missing))}"


def who_is_called_lets_the_caller_in(plan: Plan) -> Iterator[str]:
    let_in = {
        (right.values["name"], right.values["member"])
        for right in plan.of("google_cloud_run_v2_service_iam_member")
        if right.values["role"] == "roles/run.invoker"
    }
    for where, host, account in _calls(plan):
        service = re.sub(r"-\d+\.[a-z0-9-]+\.run\.app$", "", host)
        if (service, f"serviceAccount:{account}") not in let_in:
            yield f"{where}: {service} does not let {account} in"


def _calls(plan: Plan) -> Iterator[tuple[str, str, str]]:
    for one in _subscriptions(plan):
        push = one.values["push_config"][0]
        if push["oidc_token"]:
            token = push["oidc_token"][0]
            yield one.address, _host(push["push_endpoint"]), token["service_account_email"]
    for queue in plan.of("google_cloud_tasks_queue"):
        for target in queue.values["http_target"]:
            for token in target["oidc_token"]:
                host = target["uri_override"][0]["host"]
                yield queue.address, host, token["service_account_email"]
    for job in plan.of("google_cloud_scheduler_job"):
        for target in job.values["http_target"]:
            for token in target["oidc_token"]:
                yield job.address, _host(target["uri"]), token["service_account_email"]


def _host(url: str) -> str:
    return url.removeprefix("https://").partition("/")[0]


def what_is_given_up_is_kept_and_read(plan: Plan) -> Iterator[str]:
    read = {one.values["topic"] for one in _subscriptions(plan)}
    agents = {
        (right.values.get("topic") or right.values.get("subscription"), right.values["role"])
        for right in rights.given(plan)
        if "@gcp-sa-pubsub." in right.values.get("member", "")
    }
    for one in _subscriptions(plan):
        policy, name = one.values["dead_letter_policy"], one.values["name"]
        if not policy:
            if one.values["topic"] != "dead-letters":
                yield f"{one.address}: what it gives up is lost"
            continue
        topic = policy[0]["dead_letter_topic"].rpartition("/")[2]
        if topic not in read:
            yield f"{one.address}: nobody reads {topic}"
        if not 5 <= policy[0]["max_delivery_attempts"] <= 100:
            yield f"{one.address}: max_delivery_attempts is 5 to 100"
        if (topic, "roles/pubsub.publisher") not in agents:
            yield f"{one.address}: Pub/Sub may not publish to {topic}"
        if (name, "roles/pubsub.subscriber") not in agents:
            yield f"{one.address}: Pub/Sub may not take from it what it gives up"


def subscriptions_do_not_expire(plan: Plan) -> Iterator[str]:
    for one in _subscriptions(plan):
        policy = one.values["expiration_policy"]
        if not policy or policy[0]["ttl"] != "":
            yield f"{one.address}: is deleted when it hears nothing for a month"


def a_queue_never_drops_work(plan: Plan) -> Iterator[str]:
    for queue in plan.of("google_cloud_tasks_queue"):
        if queue.values["retry_config"][0]["max_attempts"] != -1:
            yield f"{queue.address}: Cloud Tasks would drop what the handler could not park"
        headers = {
            override["header"][0]["key"]
            for target in queue.values["http_target"]
            for override in target["header_overrides"]
        }
        if "X-Dispatch-Max-Attempts" not in headers:
            yield f"{queue.address}: no attempt is ever the last"


def the_database_is_private_and_can_be_restored(plan: Plan) -> Iterator[str]:
    for one in plan.of("google_sql_database_instance"):
        settings = one.values["settings"][0]
        address = settings["ip_configuration"][0]
        backups = settings["backup_configuration"]
        if address["ipv4_enabled"] is not False:
            yield f"{one.address}: has a public address"
        if address["ssl_mode"] != "ENCRYPTED_ONLY" or address.get("authorized_networks"):
            yield f"{one.address}: takes connections that are not encrypted, or from networks"
        if not backups or not backups[0]["enabled"]:
            yield f"{one.address}: has no backups"
        if not backups or not backups[0]["point_in_time_recovery_enabled"]:
            yield f"{one.address}: cannot be restored to a moment"
        flags = {flag["name"]: flag["value"] for flag in settings["database_flags"]}
        if flags.get("cloudsql.iam_authentication") != "on":
            yield f"{one.address}: does not know identities"
        if not settings["insights_config"] or flags.get("log_lock_waits") != "on":
            yield f"{one.address}: nobody sees which statements are slow, or wait for locks"
        is_told = flags.get("log_min_duration_statement", "-1") != "-1"
        if is_told and flags.get("log_parameter_max_length") != "0":
            yield f"{one.address}: writes names and addresses of people into its log"


def production_survives_a_zone_and_a_slip(plan: Plan) -> Iterator[str]:
    services = plan.of("google_cloud_run_v2_service")
    if not services or environment(services[0]).get("DISPATCH_ENV") != "prod":
        return
    for one in plan.of("google_sql_database_instance"):
        settings = one.values["settings"][0]
        if settings["availability_type"] != "REGIONAL":
            yield f"{one.address}: a zone that is lost takes it along"
        if not one.values["deletion_protection"] or not settings["deletion_protection_enabled"]:
            yield f"{one.address}: can be deleted by a slip"
    if not plan.of("google_billing_budget"):
        yield "nobody is told when a month costs too much"


def buckets_are_closed(plan: Plan) -> Iterator[str]:
    for bucket in plan.of("google_storage_bucket"):
        if not bucket.values["uniform_bucket_level_access"]:
            yield f"{bucket.address}: has rights of single objects"
        if bucket.values["public_access_prevention"] != "enforced":
            yield f"{bucket.address}: could be opened to everybody"
        if not bucket.values["lifecycle_rule"]:
            yield f"{bucket.address}: grows for ever"


def everything_is_in_one_region(plan: Plan) -> Iterator[str]:
    found: dict[str, list[str]] = {}
    for one in plan.resources:
        where = one.values.get("location") or one.values.get("region")
        if where:
            found.setdefault(where.lower(), []).append(one.address)
    for region, addresses in sorted(found.items(), key=lambda item: -len(item[1]))[1:]:
        yield from (f"{address}: is in {region}" for address in addresses)
    for topic in plan.of("google_pubsub_topic"):
        if not topic.values["message_storage_policy"]:
            yield f"{topic.address}: keeps personal data wherever Google likes"


def images_are_named_by_digest(plan: Plan) -> Iterator[str]:
    for one in plan.resources:
        for image in re.findall(r'"image": "([^"]+)"', json.dumps(one.values)):
            if "@sha256:" not in image:
                yield f"{one.address}: {image} may be another one tomorrow"


def every_alert_is_heard_and_says_what_to_do(plan: Plan) -> Iterator[str]:
    for alert in plan.of("google_monitoring_alert_policy"):
        text = (alert.values["documentation"] or [{"content": ""}])[0]["content"]
        if len(text.split()) < 20:
            yield f"{alert.address}: has no runbook"
        channels = alert.values.get("notification_channels")
        if not channels and not alert.unknown.get("notification_channels"):
            yield f"{alert.address}: nobody hears it"
        if alert.values["severity"] not in {"CRITICAL", "ERROR", "WARNING"}:
            yield f"{alert.address}: does not say how urgent it is"


def a_night_without_a_backup_is_noticed(plan: Plan) -> Iterator[str]:
    for one in plan.of("google_sql_database_instance"):
        told = {
            metric.values["name"]
            for metric in plan.of("google_logging_metric")
            if _BACKED_UP.issubset(metric.values["filter"].split(" AND "))
            and f':{one.values["name"]}"' in metric.values["filter"]
        }
        missed = {
            name
            for alert in plan.of("google_monitoring_alert_policy")
            for condition in alert.values["conditions"]
            for query in condition["condition_prometheus_query_language"]
            for name in re.findall(
                r"absent_over_time\(logging_googleapis_com:user_(\w+)", query["query"]
            )
        }
        if told.isdisjoint(missed):
            yield f"{one.address}: a night without a backup is noticed by nobody"


def alerts_ask_for_metrics_that_are_there(plan: Plan) -> Iterator[str]:
    there = {one.values["name"] for one in plan.of("google_logging_metric")}
    charts = "".join(one.values["dashboard_json"] for one in plan.of("google_monitoring_dashboard"))
    asked = set(_COUNTED.findall(charts))
    for alert in plan.of("google_monitoring_alert_policy"):
        for condition in alert.values["conditions"]:
            for query in condition["condition_prometheus_query_language"]:
                found = set(_COUNTED.findall(query["query"]))
                asked |= found
                yield from (
                    f"{alert.address}: nothing counts {name}" for name in sorted(found - there)
                )
    yield from (f"{name}: is counted, and nobody looks at it" for name in sorted(there - asked))


def releases_are_approved(plan: Plan) -> Iterator[str]:
    for trigger in plan.of("google_cloudbuild_trigger"):
        approved = trigger.values["approval_config"][0]["approval_required"]
        if "release" in trigger.values["filename"] and not approved:
            yield f"{trigger.address}: changes production without anybody's approval"


RULES: tuple[Rule, ...] = (
    rights.rights_are_added_one_by_one,
    rights.nobody_is_let_in_unnamed,
    rights.no_role_is_wide,
    rights.rights_on_the_project_are_the_pipelines_or_narrowed,
    rights.who_releases_may_start_whatever_runs_and_nobody_else,
    rights.functions_have_an_identity_each,
    instances_are_bounded,
    only_http_functions_are_reached_from_outside,
    who_is_behind_the_balancer_is_led_to_and_not_reached_past_it,
    a_stream_is_not_held_back,
    the_proxy_stands_before_all_or_none,
    browsers_are_talked_to_in_secret,
    processors_are_billed_by_the_request,
    whatever_calls_a_function_signs,
    who_is_called_lets_the_caller_in,
    what_is_given_up_is_kept_and_read,
    subscriptions_do_not_expire,
    a_queue_never_drops_work,
    the_database_is_private_and_can_be_restored,
    production_survives_a_zone_and_a_slip,
    rights.who_signs_in_has_no_password,
    rights.no_secret_is_in_the_state,
    rights.secrets_are_read_by_functions_alone,
    buckets_are_closed,
    everything_is_in_one_region,
    images_are_named_by_digest,
    every_alert_is_heard_and_says_what_to_do,
    a_night_without_a_backup_is_noticed,
    alerts_ask_for_metrics_that_are_there,
    releases_are_approved,
)
