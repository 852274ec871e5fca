"""Runbooks: what they name is there, and every statement in them runs."""

import re

import pytest

from shared.platform.db import Database
from shared.platform.sql import text
from tests.architecture.source import modules
from tests.infra.alerts import ALERTS, RUNBOOKS

STATEMENTS = re.findall(r"```sql\n(.+?)```", RUNBOOKS, re.DOTALL)
LINES = sorted(
    {
        line
        for lines in re.findall(r"lines = \[([^\]]+)\]", ALERTS)
        for line in re.findall(r'"([^"]+)"', lines)
    }
)


@pytest.mark.parametrize("statement", STATEMENTS, ids=lambda statement: statement.split()[1])
def test_a_statement_of_a_runbook_runs(database: Database, statement: str) -> None:
    database.statement(text(statement))


@pytest.mark.parametrize("line", LINES)
def test_a_line_that_is_counted_is_one_that_the_code_logs(line: str) -> None:
    # Goal: a renamed line must not leave an alert behind that never fires.
    code = "".join(module.text for module in modules("shared"))

    assert f'"{line}"' in code


def test_every_section_is_of_an_alert() -> None:
    sections = set(re.findall(r"^## (.+)$", RUNBOOKS, re.MULTILINE))
    alerts = set(re.findall(r"^    ([a-z-]+) = \{$", ALERTS, re.MULTILINE))

    assert sections == alerts


def test_facts_by_which_lines_are_told_apart_are_logged() -> None:
    code = "".join(module.text for module in modules("shared"))
    facts = {
        fact
        for labels in re.findall(r"labels = \[([^\]]+)\]", ALERTS)
        for fact in re.findall(r'"([^"]+)"', labels)
    }

    assert [fact for fact in facts if not re.search(rf'\b{fact}=|"{fact}":', code)] == []
