"""What people are told about policies is right."""

import json
import re

from emulators.laptop.stack import ROOT
from shared.contracts.policies import PolicyDocument

TEXT = (ROOT / "shared/placement/README.md").read_text()
SECTION = TEXT.partition("## Policies\n")[2].partition("\n## ")[0]


def test_its_example_can_be_published_and_says_everything() -> None:
    (example,) = re.findall(r'^    (\{"channel".*?\]\})$', SECTION, re.DOTALL | re.MULTILINE)

    said = PolicyDocument.model_validate_json(example)

    assert said.channel == "web"
    assert {*json.loads(example), "most_nodes"} == PolicyDocument.model_fields.keys()


def test_every_field_is_explained_with_what_it_is_where_nothing_is_said() -> None:
    rows = re.findall(r"^\| (`.+?) \| .+ \| (.+) \|$", SECTION, re.MULTILINE)
    told = {name: default for names, default in rows for name in re.findall(r"`(\w+)`", names)}
    usual = {
        name: str(value) if isinstance(value, int) else "none"
        for name, value in PolicyDocument().model_dump().items()
    }

    assert told == {name: value for name, value in usual.items() if name != "channel"}
