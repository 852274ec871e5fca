"""Who may what in a plan: rights, identities and secrets; some of the rules."""

import re
from collections.abc import Iterator, Mapping

from infra.policy.plan import Plan, Resource

WIDE = re.compile(
    r"^roles/(owner|editor|viewer|iam\.(serviceAccountTokenCreator|serviceAccountUser|securityAdmin)"
    r"|(cloudsql|pubsub|cloudtasks|run|secretmanager|storage)\.admin)$"
)
# Who has them can tell lies about itself, and read or change nothing.
WRITES_ONLY = {"roles/telemetry.metricsWriter", "roles/telemetry.tracesWriter"}
# What may be given on a single thing: to use it, not to change it or who else may.
USES = {
    "roles/artifactregistry.writer",
    "roles/cloudtasks.enqueuer",
    "roles/iam.serviceAccountUser",
    "roles/iap.httpsResourceAccessor",
    "roles/pubsub.publisher",
    "roles/pubsub.subscriber",
    "roles/run.invoker",
    "roles/secretmanager.secretAccessor",
    "roles/secretmanager.secretVersionAdder",
    "roles/storage.objectUser",
    "roles/storage.objectViewer",
}
ACTS_AS = "roles/iam.serviceAccountUser"
RELEASE = "serviceAccount:pipeline-release@"  # who changes everything after an approval
ANYBODY = {"allUsers", "allAuthenticatedUsers"}
IAP_AUDIENCE = "DISPATCH_IAP_AUDIENCE"

OWN_ROLE = "google_project_iam_custom_role"  # what somebody with a right may, and no right itself
# On the project: of everything that is kept secret in it.
READ_ALL_SECRETS = {
    "roles/owner",
    "roles/secretmanager.admin",
    "roles/secretmanager.secretAccessor",
}
_READS_SECRETS = {"secretmanager.versions.access", "secretmanager.*", "secretmanager.versions.*"}

# Who may be called by anybody. `public: true` in a function.yaml opens nothing by itself: whoever
# opens one more says here why its own code is door enough.
PUBLIC = {
    "tracking-webhook",  # vendors have no identity of Google's; each body's signature is verified
    "tracking-page",  # customers; the page is behind a token of its order that nobody can guess
    "ops",  # browsers neither; people sign in, and there is no way past the console's balancer
    "ops-stream",  # the same browser with the same session, below the same host
}


def given(plan: Plan) -> list[Resource]:
    """Every right that the plan gives to somebody."""
    return [one for one in plan.resources if "_iam_" in one.kind and one.kind != OWN_ROLE]


def rights_are_added_one_by_one(plan: Plan) -> Iterator[str]:
    for right in given(plan):
        if not right.kind.endswith("_iam_member"):
            yield f"{right.address}: takes rights away that others gave"


def nobody_is_let_in_unnamed(plan: Plan) -> Iterator[str]:
    # Where the proxy answers for people, only the proxy comes in.
    may_be = PUBLIC - {
        one.values["name"]
        for one in plan.of("google_cloud_run_v2_service")
        if IAP_AUDIENCE in environment(one)
    }
    for right in given(plan):
        if right.values.get("member") not in ANYBODY:
            continue
        is_a_functions = right.kind == "google_cloud_run_v2_service_iam_member"
        is_a_call = right.values["role"] == "roles/run.invoker"
        if not (is_a_functions and is_a_call and right.values["name"] in may_be):
            yield f"{right.address}: open to {right.values['member']}"
    for service in plan.of("google_cloud_run_v2_service"):
        if service.values.get("invoker_iam_disabled"):
            yield f"{service.address}: asks nobody who they are"


def no_role_is_wide(plan: Plan) -> Iterator[str]:
    for right in given(plan):
        role, member = right.values["role"], right.values.get("member", "")
        on_project = right.kind == "google_project_iam_member"
        if on_project and WIDE.match(role) and not member.startswith(RELEASE):
            yield f"{right.address}: {role} on the project is too wide"
        if role in {"roles/owner", "roles/editor", "roles/viewer"}:
            yield f"{right.address}: {role} is too wide for anybody"
        if not on_project and role not in USES:
            yield f"{right.address}: {role} lets more than use it"


def rights_on_the_project_are_the_pipelines_or_narrowed(plan: Plan) -> Iterator[str]:
    for right in plan.of("google_project_iam_member"):
        member, role = right.values["member"], right.values["role"]
        is_narrow = right.values["condition"] or role in WRITES_ONLY
        if not is_narrow and not member.startswith("serviceAccount:pipeline-"):
            yield f"{right.address}: {role} holds for everything in the project"
        if role.endswith("projectIamAdmin") and not right.values["condition"]:
            yield f"{right.address}: who gives rights could give itself all of them"


def who_releases_may_start_whatever_runs_and_nobody_else(plan: Plan) -> Iterator[str]:
    may_start: set[str] = set()
    for right in given(plan):
        if right.values["role"] != ACTS_AS:
            continue
        if right.values["member"].startswith(RELEASE):
            may_start.add(right.values["service_account_id"].rpartition("/")[2])
        else:
            yield f"{right.address}: {right.values['member']} may do all that it may"
    templates = [
        *((one, one.values["template"][0]) for one in plan.of("google_cloud_run_v2_service")),
        *(
            (one, one.values["template"][0]["template"][0])
            for one in plan.of("google_cloud_run_v2_job")
        ),
    ]
    for one, template in templates:
        if template.get("service_account") not in may_start:
            yield f"{one.address}: no release may start it"


def functions_have_an_identity_each(plan: Plan) -> Iterator[str]:
    seen: dict[str, str] = {}
    for service in plan.of("google_cloud_run_v2_service"):
        account = service.values["template"][0].get("service_account")
        if not account:
            yield f"{service.address}: runs as the project's default account"
        elif account in seen:
            yield f"{service.address}: shares its account with {seen[account]}"
        seen[account] = service.address


def who_signs_in_has_no_password(plan: Plan) -> Iterator[str]:
    for user in plan.of("google_sql_user"):
        if user.values["type"] != "CLOUD_IAM_SERVICE_ACCOUNT" or user.values.get("password"):
            yield f"{user.address}: signs in with a password"
        roles = user.values.get("database_roles") or []
        if roles and not user.values["name"].startswith("job-migrate@"):
            yield f"{user.address}: may more than use tables"


def no_secret_is_in_the_state(plan: Plan) -> Iterator[str]:
    for one in plan.of("google_secret_manager_secret_version"):
        yield f"{one.address}: its value is in the state"
    for service in plan.of("google_cloud_run_v2_service"):
        for name, value in environment(service).items():
            if value and re.search(r"(SECRET|KEY|TOKEN|PASSWORD)$", name):
                yield f"{service.address}: {name} is in the state"


def secrets_are_read_by_functions_alone(plan: Plan) -> Iterator[str]:
    own = {
        f"projects/{one.values['project']}/roles/{one.values['role_id']}": one
        for one in plan.of(OWN_ROLE)
    }
    for one in own.values():
        if _READS_SECRETS.intersection(one.values["permissions"]):
            yield f"{one.address}: whoever has it reads every secret"
    for right in plan.of("google_project_iam_member"):
        role = right.values["role"]
        if role in READ_ALL_SECRETS:
            yield f"{right.address}: {role} reads every secret"
        if "/roles/" in role and role not in own:
            yield f"{right.address}: nobody knows what {role} may"
    for right in plan.of("google_secret_manager_secret_iam_member"):
        reader, role = right.values["member"], right.values["role"]
        reads = role != "roles/secretmanager.secretVersionAdder"
        if reads and not reader.startswith("serviceAccount:fn-"):
            yield f"{right.address}: is read by {reader}, which is no function"


def environment(service: Resource) -> Mapping[str, str | None]:
    """The variables of a function; None: the value is known after the change."""
    return {
        variable["name"]: variable.get("value")
        for container in service.values["template"][0]["containers"]
        for variable in container["env"]
    }
