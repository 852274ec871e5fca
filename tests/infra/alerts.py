"""What alerts.tf counts and asks, read from the file, and a filter of Cloud Logging's language."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from emulators.laptop.stack import ROOT

ALERTS = (ROOT / "infra/alerts.tf").read_text()
RUNBOOKS = (ROOT / "infra/runbooks.md").read_text()
VARIABLES = (ROOT / "infra/variables.tf").read_text()

Line = Mapping[str, Any]

_CLAUSE = re.compile(r'^(NOT )?jsonPayload\.(\w+)(=~|=|>)(\(.+\)|"[^"]*"|\d+)$')
_METRIC = re.compile(
    r"^    (?P<name>\w+) += \{ lines = \[(?P<lines>[^\]]+)\],"
    r'(?: where = "(?P<where>(?:\\.|[^"\\])*)",)? labels = ',
    re.MULTILINE,
)
_ALERT = re.compile(r"^    ([a-z-]+) = \{\n(.+?)\n    \}", re.MULTILINE | re.DOTALL)
_COUNTED = re.compile(r"local\._counted\.(\w+)")


@dataclass(frozen=True, slots=True)
class Alert:
    """A query of alerts.tf, with what stands for it in Terraform's language filled in."""

    query: str

    @property
    def metric(self) -> str:
        """The metric of log lines that it asks for.

        Raises:
            ValueError: it asks for none, or for several.
        """
        (name,) = set(_COUNTED.findall(self.query))
        return str(name)

    @property
    def bound(self) -> float:
        """What the figure has to be above."""
        return float(self.query.rpartition(">")[2].strip(" )"))


def setting(name: str) -> float:
    """What an environment has for `alerting.NAME`, where it does not say."""
    found = re.search(rf"^    {name} += optional\(number, ([\d.]+)\)", VARIABLES, re.MULTILINE)
    assert found is not None, name
    return float(found[1])


def log_filters() -> Mapping[str, str]:
    """The filter of each metric of log lines, as modules/alerts makes it."""
    return {
        found["name"]: " AND ".join(
            filter(
                None,
                (
                    'resource.type="cloud_run_revision"',
                    f"jsonPayload.message=({' OR '.join(re.findall(_QUOTED, found['lines']))})",
                    _filled((found["where"] or "").replace('\\"', '"')),
                ),
            )
        )
        for found in _METRIC.finditer(ALERTS)
    }


def alerts() -> Mapping[str, Alert]:
    """Every alert by its name."""
    return {
        name: Alert(_filled(query[1].replace('\\"', '"')))
        for name, body in _ALERT.findall(ALERTS)
        if (query := re.search(r'query += "(.+)"$', body, re.MULTILINE)) is not None
    }


def section(name: str) -> str:
    """What a runbook says of an alert."""
    return RUNBOOKS.partition(f"## {name}\n")[2].partition("\n## ")[0]


def statements(name: str) -> list[str]:
    """The SQL of a runbook."""
    return re.findall(r"```sql\n(.+?)```", section(name), re.DOTALL)


def counts(wanted: str, line: Line) -> bool:
    """Whether a filter of the forms that ours have takes a line of a function.

    Raises:
        ValueError: it has another form.
    """
    where, *clauses = wanted.split(" AND ")
    if where != 'resource.type="cloud_run_revision"':
        raise ValueError(f"lines are those of Cloud Run, got {where}")
    return all(_holds(clause, line) for clause in clauses)


_QUOTED = re.compile(r'"[^"]+"')


def _filled(text: str) -> str:
    return re.sub(r"\$\{var\.alerting\.(\w+)\}", lambda found: f"{setting(found[1]):g}", text)


def _holds(clause: str, line: Line) -> bool:
    found = _CLAUSE.match(clause)
    if found is None:
        raise ValueError(f"not understood: {clause}")
    negated, field, operator, operand = found.groups()
    value = line.get(field)
    if value is None:  # what is not there equals nothing
        return bool(negated)
    holds: bool
    match operator:
        case ">":
            holds = bool(value > float(operand))
        case "=~":
            holds = re.search(operand.strip('"'), str(value)) is not None
        case _:
            holds = str(value) in re.findall(r'"([^"]*)"', operand)
    return holds != bool(negated)
