"""Mistakes that are planted in a copy of infra/: each is found, and told by its name.

Those that one step finds are planted together, where it tells of all of them at once.
"""

import ast
import inspect
import re
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from infra.policy import rights, rules
from infra.policy.plan import Plan
from infra.policy.rules import broken
from tests.infra.conftest import REPOSITORY, Copy
from tests.infra.terraform import IMAGE, Workspace


class Mistake(NamedTuple):
    """What is written where instead of what, and what is said about it."""

    file: str
    right: str
    wrong: str
    said: str


PLANTED: dict[str, tuple[Mistake, ...]] = {
    found_by: tuple(Mistake(**mistake) for mistake in mistakes)
    for found_by, mistakes in yaml.safe_load(
        Path(__file__).with_name("mistakes.yaml").read_text()
    ).items()
}


def plant(workspace: Workspace, *mistakes: Mistake) -> None:
    """Write what is wrong in place of what is right, which must be there; blanks do not matter."""
    for mistake in mistakes:
        path = workspace.infra / mistake.file
        right = re.compile(r"\s+".join(map(re.escape, mistake.right.split())))
        text = path.read_text()
        assert right.search(text), mistake
        wrong = mistake.wrong.replace("\\", r"\\")  # `sub` takes them for its own
        path.write_text(right.sub(wrong, text))


def unfound(mistakes: tuple[Mistake, ...], said: str) -> list[Mistake]:
    """Mistakes of which nothing was said. Terraform breaks its lines where it likes."""
    flat = re.sub(r"[\s│]+", " ", said)
    return [mistake for mistake in mistakes if mistake.said not in flat]


def test_nothing_is_wrong_before_a_mistake_is_planted(small: Workspace) -> None:
    assert broken(small.planned("prod")) == []


@pytest.mark.parametrize(
    "mistake", PLANTED["validate"], ids=lambda mistake: mistake.wrong.split()[0]
)
def test_a_wrong_name_or_type_is_found_without_a_plan(fresh: Copy, mistake: Mistake) -> None:
    workspace = fresh()
    plant(workspace, mistake)

    ended = workspace.run("validate")

    assert ended.code != 0
    assert unfound((mistake,), ended.said) == []


def test_a_value_that_does_not_fit_is_refused_with_a_sentence(fresh: Copy) -> None:
    workspace = fresh()
    plant(workspace, *PLANTED["plan"])

    ended = workspace.plan("prod", image=IMAGE.partition("@")[0] + ":latest")

    assert ended.code != 0
    assert unfound(PLANTED["plan"], ended.said) == []
    assert "image names a digest" in ended.said


# What hangs on the database is not looked at where that is refused.
@pytest.mark.parametrize(
    "mistakes", [PLANTED["precondition"][:1], PLANTED["precondition"][1:]], ids=len
)
def test_values_that_do_not_fit_each_other_are_refused(
    fresh: Copy, mistakes: tuple[Mistake, ...]
) -> None:
    workspace = fresh()
    manifest = workspace.folder / "functions/order_costing/function.yaml"
    manifest.write_text(manifest.read_text() + "enqueues: []\n")
    plant(workspace, *mistakes)

    ended = workspace.plan("prod")

    assert ended.code != 0
    assert unfound(mistakes, ended.said) == []


# Terraform knows them, and the offline provider does not.
TAKES_AWAY = {
    "address": "google_project_iam_binding.all",
    "type": "google_project_iam_binding",
    "mode": "managed",
    "change": {
        "after": {"role": "roles/run.invoker", "members": ["group:team@example.com"]},
        "after_unknown": {},
    },
}


def complaints() -> list[re.Pattern[str]]:
    """Everything that a rule may say, with anything in place of what it names."""
    trees = [ast.parse(inspect.getsource(module)) for module in (rights, rules)]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    yields = [node for node in nodes if isinstance(node, ast.Yield | ast.YieldFrom)]
    said = [text for node in yields for text in ast.walk(node) if isinstance(text, ast.JoinedStr)]
    plain = [node.value for node in yields if isinstance(node.value, ast.Constant)]
    patterns = {*("".join(map(_pattern, text.values)) for text in said), *map(_pattern, plain)}
    return [re.compile(pattern) for pattern in sorted(patterns)]


def _pattern(part: ast.expr) -> str:
    return re.escape(str(part.value)) if isinstance(part, ast.Constant) else ".*"


def test_what_terraform_would_take_is_found_by_the_rules(fresh: Copy) -> None:
    # Goal: whatever a rule may say, it says of some mistake; one that never speaks holds nothing.
    heard = broken(Plan({"resource_changes": [TAKES_AWAY], "output_changes": {}}))
    assert len(heard) == 1
    for found_by in ("rules", "rules_apart"):
        workspace = fresh()
        plant(workspace, *PLANTED[found_by])

        said = broken(workspace.planned("prod", pipeline={"repository": REPOSITORY}))

        assert unfound(PLANTED[found_by], "\n".join(said)) == []
        heard += said

    unheard = [one.pattern for one in complaints() if not any(map(one.fullmatch, heard))]
    assert unheard == []
