"""Who may keep secrets, and that hardly anybody reads them."""

from infra.policy.plan import Plan
from infra.release import first_password
from tests.infra.conftest import Plans


def test_the_job_that_begins_may_keep_a_password_and_read_none(plans: Plans) -> None:
    # Goal: who can start the job, or read its log, does not get in by that.
    def kept(plan: Plan) -> tuple[set[tuple[str, str]], set[str]]:
        (begin,) = plan.by_name("google_cloud_run_v2_job")["begin"]["template"][0]["template"]
        told = {one["name"]: one["value"] for one in begin["containers"][0]["env"]}
        rights = {
            (right.values["role"], right.values["member"].partition("@")[0])
            for right in plan.of("google_secret_manager_secret_iam_member")
            if right.values["secret_id"] == "first-password"
        }
        return rights, {told[name] for name in told if name == first_password.SETTING}

    assert kept(plans["dev"]) == (
        {("roles/secretmanager.secretVersionAdder", "serviceAccount:job-begin")},
        {"projects/dispatch-dev/secrets/first-password"},
    )
    assert kept(plans["prod"]) == (set(), set())  # people come through the proxy


def test_a_release_keeps_secrets_and_reads_none(plans: Plans) -> None:
    release = [
        right.values["role"]
        for right in plans["prod"].of("google_project_iam_member")
        if right.values["member"].startswith("serviceAccount:pipeline-release@")
    ]
    (role,) = plans["prod"].of("google_project_iam_custom_role")

    assert [one for one in release if "secret" in one.lower()] == [
        f"projects/dispatch-prod/roles/{role.values['role_id']}"
    ]
    of_secrets = {one for one in role.values["permissions"] if one.startswith("secretmanager.")}
    # What Terraform does to a shell and to who reads it; the value is nobody's but functions'.
    assert {one.rpartition(".")[2] for one in of_secrets if ".secrets." in one} == {
        "create", "delete", "get", "getIamPolicy", "list", "setIamPolicy", "update"
    }  # fmt: skip
    assert {one.rpartition(".")[2] for one in of_secrets if ".versions." in one} == {"get", "list"}
