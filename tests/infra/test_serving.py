"""Code that serves now is tried on the schema of a release before that is changed."""

from pathlib import Path
from subprocess import CompletedProcess

import pytest

from infra.release import __main__ as verb
from infra.release import serving
from infra.release.traffic import Traffic
from tests.infra.gcloud import NAMES, Google


@pytest.fixture
def google() -> Google:
    """Two services that serve their first revision."""
    return Google(*NAMES)


def commit(number: int) -> str:
    return f"{number:040x}"


@pytest.fixture
def pipeline(google: Google, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Google:
    """Two functions that serve different commits, and a pipeline that keeps its files here."""
    for number, name in enumerate(NAMES, start=1):
        google.images[f"{name}-1"] = f"registry/dispatch@sha256:{number}"
        google.image_tags[f"sha256:{number}"] = ["latest", f"{commit(number)}-build"]
    monkeypatch.setattr(verb, "services_of", lambda _folder: list(NAMES))
    monkeypatch.setattr(verb, "SERVING_FILE", tmp_path / "serving.json")
    monkeypatch.setattr(serving, "TESTED_FILE", tmp_path / "tested.json")
    return google


def test_all_code_that_serves_is_tried_and_one_that_fails_stops_the_build(
    pipeline: Google, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tried: list[str] = []

    def try_it(one: str) -> bool:
        tried.append(one)
        return one != commit(2)

    monkeypatch.setattr(serving, "test_old_code", try_it)

    assert verb.main(["serving", "--region=r"], pipeline) == 0
    assert verb.main(["old-code"], pipeline) == 1
    assert tried == [commit(1), commit(2)]
    assert capsys.readouterr().err == f"{commit(2)} fails on the schema of today\n"


def test_a_release_is_refused_where_something_else_serves_than_what_was_tried(
    pipeline: Google, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(serving, "test_old_code", lambda _commit: True)
    verb.main(["serving", "--region=r"], pipeline)
    verb.main(["old-code"], pipeline)

    assert verb.main(["tested", "--region=r"], pipeline) == 0

    pipeline.image_tags["sha256:2"] = [f"{commit(3)}-build"]
    assert verb.main(["tested", "--region=r"], pipeline) == 1
    assert capsys.readouterr().err == f"{commit(3)} serves and was not tried; build again\n"


def test_what_was_deployed_by_hand_has_no_commit_to_try(pipeline: Google) -> None:
    pipeline.image_tags["sha256:1"] = ["first"]

    found = serving.commits(Traffic(pipeline, "r", NAMES), pipeline, "r")

    assert found == [commit(2)]


def test_an_image_that_is_named_by_a_tag_is_refused(pipeline: Google) -> None:
    # Goal: a tag may mean something else by now.
    pipeline.images["order-api-1"] = "registry/dispatch:first"

    assert verb.main(["serving", "--region=r"], pipeline) == 1


def test_an_older_commit_is_tried_by_the_word_that_people_use(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[list[str]] = []

    def run(words: list[str], **_options: object) -> CompletedProcess[str]:
        asked.append(words[1:])
        return CompletedProcess(words, 1)

    monkeypatch.setattr("infra.release.serving.subprocess.run", run)

    assert not serving.test_old_code(commit(1))
    assert asked == [["-m", "emulators", "test-old-code", commit(1)]]
