"""The pipeline's files have the form that Cloud Build takes, and their steps fit together.

They are valid by the schema that editors use for Cloud Build's files, and by a narrower one of our
own: of the fields of https://cloud.google.com/build/docs/build-config-file-schema it has those that
the files use, with values that Cloud Build takes.
"""

import json
import re
from collections.abc import Iterator
from typing import Annotated, Literal

import jsonschema_rs
import pytest
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from emulators.laptop.stack import ROOT
from infra.release.__main__ import main
from infra.release.gcloud import TIMEOUT_S, Refused

FILES = ("cloudbuild.yaml", "infra/cloudbuild.release.yaml")
# Filled by Cloud Build for what a trigger starts.
BUILT_IN = {"PROJECT_ID", "COMMIT_SHA", "SHORT_SHA", "BRANCH_NAME", "BUILD_ID", "LOCATION"}
LONGEST_S = 86_400
SCHEMA = jsonschema_rs.validator_for((ROOT / "tests/infra/cloudbuild.schema.json").read_text())

Duration = Annotated[str, Field(pattern=r"^\d+s$")]
StepId = Annotated[str, Field(pattern=r"^[a-z][a-z-]*$")]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Volume(_Strict):
    """A folder that steps share beside /workspace."""

    name: str
    path: str = Field(pattern="^/")


class Step(_Strict):
    """One container that runs to its end in /workspace."""

    name: str = Field(min_length=1)
    id: StepId
    entrypoint: str | None = None
    args: tuple[str, ...] = Field(min_length=1)
    dir: str | None = None
    env: tuple[Annotated[str, Field(pattern=r"^[A-Z_]+=")], ...] = ()
    volumes: tuple[Volume, ...] = ()
    waitFor: tuple[str, ...] | None = None  # noqa: N815  Google's name
    timeout: Duration | None = None


class Options(_Strict):
    """How a build runs."""

    logging: Literal[
        "CLOUD_LOGGING_ONLY"
    ]  # the only one for an account of our own without a bucket
    machineType: Literal["E2_MEDIUM", "E2_HIGHCPU_8", "E2_HIGHCPU_32"] | None = None  # noqa: N815
    requestedVerifyOption: Literal["VERIFIED"] | None = None  # noqa: N815
    substitutionOption: Literal["ALLOW_LOOSE"] | None = None  # noqa: N815


class Build(_Strict):
    """A build config file."""

    steps: tuple[Step, ...] = Field(min_length=1, max_length=300)
    substitutions: dict[Annotated[str, Field(pattern=r"^_[A-Z0-9_]+$")], str]
    options: Options
    timeout: Duration


def read(name: str) -> Build:
    """A file as Cloud Build would read it."""
    return _read((ROOT / name).read_text())


def _read(text: str) -> Build:
    return Build.model_validate_json(json.dumps(yaml.safe_load(text)))


def _words(build: Build) -> Iterator[str]:
    for step in build.steps:
        yield from (step.name, step.dir or "", *step.args)


@pytest.mark.parametrize("name", FILES)
def test_a_file_has_the_form_that_cloud_build_takes(name: str) -> None:
    assert read(name).steps
    assert [
        error.message for error in SCHEMA.iter_errors(yaml.safe_load((ROOT / name).read_text()))
    ] == []


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("waitFor: [check, old-code, build]", "wait_for: [check, old-code, build]"),
        ("timeout: 5400s", "timeout: 90m"),
        ("  logging: CLOUD_LOGGING_ONLY", "  logging: DEFAULT"),
        ("  _STATE:", "  STATE:"),
        ("    args: [validate]", "    args: validate"),
    ],
)
def test_a_mistake_in_its_form_is_refused(right: str, wrong: str) -> None:
    text = (ROOT / "cloudbuild.yaml").read_text()
    assert right in text

    with pytest.raises(ValidationError):
        _read(text.replace(right, wrong))


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("waitFor: [check, old-code, build]", "wait_for: [check, old-code, build]"),
        ("machineType: E2_HIGHCPU_8", "machineType: E3"),
        ("steps:", "stages:"),
        ("    args: [validate]", "    args: {validate: 1}"),
    ],
)
def test_the_public_schema_refuses_mistakes_too(right: str, wrong: str) -> None:
    text = (ROOT / "cloudbuild.yaml").read_text()
    assert right in text

    assert not SCHEMA.is_valid(yaml.safe_load(text.replace(right, wrong, 1)))


@pytest.mark.parametrize("name", FILES)
def test_a_step_waits_for_steps_that_come_before_it(name: str) -> None:
    before: set[str] = {"-"}
    for step in read(name).steps:
        assert step.id not in before
        assert set(step.waitFor or ()) <= before
        before.add(step.id)


@pytest.mark.parametrize("name", FILES)
def test_every_substitution_has_a_value_or_is_cloud_builds(name: str) -> None:
    build = read(name)
    used = {found for word in _words(build) for found in re.findall(r"\$\{?(\w+)\}?", word)}

    assert used - set(build.substitutions) - BUILT_IN == set()


def test_what_a_trigger_tells_is_what_the_files_ask_for() -> None:
    pipeline = (ROOT / "infra/pipeline.tf").read_text()
    told = set(re.findall(r"^    (_[A-Z]+) +=", pipeline, re.MULTILINE))
    empty = {
        name for file in FILES for name, value in read(file).substitutions.items() if not value
    }

    assert empty <= told
    assert all(told <= set(read(file).substitutions) for file in FILES)


@pytest.mark.parametrize("name", FILES)
def test_steps_end_before_their_build_does(name: str) -> None:
    build = read(name)
    longest_s = int(build.timeout.removesuffix("s"))

    assert longest_s <= LONGEST_S
    assert all(int((step.timeout or "0s").removesuffix("s")) <= longest_s for step in build.steps)


def test_who_waits_for_a_migration_gives_up_after_it_does() -> None:
    # Goal: a step that fails while its migration goes on tells the opposite of what happens.
    jobs = map(int, re.findall(r"timeout_s = (\d+)", (ROOT / "infra/jobs.tf").read_text()))
    steps = {step.id: step for step in read("infra/cloudbuild.release.yaml").steps}

    assert max(jobs) < TIMEOUT_S
    for name in ("expand", "contract"):
        assert int((steps[name].timeout or "0s").removesuffix("s")) > TIMEOUT_S


@pytest.mark.parametrize("name", FILES)
def test_no_step_is_a_script(name: str) -> None:
    # Goal: what decides is typed and tested, and a file of the pipeline only names it.
    assert [
        s.id for s in read(name).steps if s.entrypoint in {"bash", "sh"} or "-c" in s.args
    ] == []


@pytest.mark.parametrize("name", FILES)
def test_every_word_of_ours_is_one_that_there_is(name: str) -> None:
    def refuse(*_words: str) -> str:
        raise Refused("not here")

    steps = [step for step in read(name).steps if "infra.release" in step.args]
    assert steps
    for step in steps:
        words = [re.sub(r"\$\{\w+\}", "0", word) for word in step.args[2:]]
        try:
            main(words, refuse)
        except FileNotFoundError:
            pass  # the image's file, which the build writes
        except SystemExit as ended:
            pytest.fail(f"{step.id}: {words} is not understood ({ended.code})")


def test_a_release_goes_from_what_harms_nobody_to_what_cannot_be_taken_back() -> None:
    order = [step.id for step in read("infra/cloudbuild.release.yaml").steps]

    assert " ".join(order) == (
        "fetch init tested apply jobs expand deploy smoke replay canary contract"
    )


def test_nothing_is_pushed_before_it_is_checked_nor_planned_before_it_is_scanned() -> None:
    steps = {step.id: step for step in read("cloudbuild.yaml").steps}
    order = list(steps)

    assert set(steps["push"].waitFor or ()) == {"check", "old-code", "build"}
    assert order.index("push") < order.index("scan") < order.index("plan")
    assert order.index("plan") < order.index("policy") < order.index("hand-over")


def test_code_that_serves_is_tried_on_the_schema_that_a_release_will_make() -> None:
    # Goal: what was tried when the plan was read is what serves when the schema is changed.
    steps = {step.id: step for step in read("cloudbuild.yaml").steps}
    release = [step.id for step in read("infra/cloudbuild.release.yaml").steps]

    assert set(steps["old-code"].waitFor or ()) == {"check", "serving", "history"}
    assert "tested.json" in steps["hand-over"].args
    assert release.index("tested") < release.index("apply") < release.index("expand")


def test_a_plan_is_applied_as_it_was_approved() -> None:
    apply = next(s for s in read("infra/cloudbuild.release.yaml").steps if s.id == "apply")

    assert apply.args == ("apply", "-input=false", "plan")
