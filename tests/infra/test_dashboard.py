"""What is charted and what wakes somebody asks for figures that functions tell, and how they do."""

import ast
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from infra.policy.plan import Plan
from shared.platform.metrics import METRICS
from tests.architecture.source import modules
from tests.infra.conftest import Plans

OWN = re.compile(r'\{"(dispatch\.[\w.]+)"([^}]*)\}')
MATCHED = re.compile(r'(\w+)[!=~]+"')
GROUPED = re.compile(r"\bby \(([^)]+)\) \(")
LOGGED = re.compile(r"logging_googleapis_com:user_(\w+)")


def told() -> Mapping[str, set[str]]:
    """Figure -> the labels that the code tells it with, by `metrics.measure(name, value, …)`."""
    found: dict[str, set[str]] = defaultdict(set)
    for module in modules("shared"):
        for call in ast.walk(module.tree):
            if isinstance(call, ast.Call) and ast.unparse(call.func) == "metrics.measure":
                labels = [word.arg for word in call.keywords]
                assert None not in labels, f"{module.path}: labels are written out"
                found[ast.literal_eval(call.args[0])].update(filter(None, labels))
    return found


TOLD = told()


def charts(plan: Plan) -> Iterator[tuple[str, str]]:
    """Title and query of every chart."""
    (dashboard,) = plan.of("google_monitoring_dashboard")
    layout: Mapping[str, Any] = json.loads(dashboard.values["dashboard_json"])["mosaicLayout"]
    for tile in layout["tiles"]:
        for shown in tile["widget"]["xyChart"]["dataSets"]:
            yield tile["widget"]["title"], shown["timeSeriesQuery"]["prometheusQuery"]


def alarms(plan: Plan) -> Iterator[tuple[str, str]]:
    """Name and query of every alert."""
    for alert in plan.of("google_monitoring_alert_policy"):
        for condition in alert.values["conditions"]:
            for asked in condition["condition_prometheus_query_language"]:
                yield alert.values["display_name"], asked["query"]


def grouped_by(query: str, place: int) -> set[str]:
    """The labels by which what stands at a place is grouped."""
    labels: set[str] = set()
    for group in GROUPED.finditer(query[:place]):
        between = query[group.end() : place]
        if all(
            between[:end].count(")") <= between[:end].count("(") for end in range(len(between) + 1)
        ):
            labels |= {label.strip() for label in group[1].split(",")}
    return labels - {"le"}


def wrong(query: str) -> list[str]:
    """What of a query no figure of ours can answer."""
    complaints = []
    for found in OWN.finditer(query):
        asked, matchers = found.groups()
        name = asked.removesuffix("_bucket")
        metric = METRICS.get(name)
        if metric is None:
            complaints.append(f"nothing tells {name}")
            continue
        if asked.endswith("_bucket") != (metric.kind == "histogram"):
            complaints.append(f"{name} is a {metric.kind}")
        is_counted = re.search(rf'(rate|increase)\({{"{re.escape(asked)}"[^}}]*}}\[', query)
        if bool(is_counted) != (metric.kind != "gauge"):
            complaints.append(f"{name} is a {metric.kind}")
        labels = set(MATCHED.findall(matchers)) | grouped_by(query, found.start())
        complaints += [f"{name} is not told by {label}" for label in sorted(labels - TOLD[name])]
    return complaints


def test_every_figure_is_one_that_the_code_tells() -> None:
    assert set(METRICS) == set(TOLD)


def test_every_figure_has_a_chart(plans: Plans) -> None:
    asked = {
        name.removesuffix("_bucket")
        for _, query in charts(plans["prod"])
        for name, _ in OWN.findall(query)
    }

    assert asked == set(METRICS)


def test_every_chart_and_every_alert_asks_for_what_is_told(plans: Plans) -> None:
    asked = {**dict(charts(plans["prod"])), **dict(alarms(plans["prod"]))}
    complaints = {name: found for name, query in asked.items() if (found := wrong(query))}

    assert complaints == {}


def test_every_chart_of_lines_is_of_lines_that_are_counted(plans: Plans) -> None:
    counted = set(plans["prod"].by_name("google_logging_metric"))
    asked = {name for _, query in charts(plans["prod"]) for name in LOGGED.findall(query)}

    assert "dispatch_not_ours" in asked
    assert asked <= counted


def test_where_functions_tell_google_nothing_nobody_asks_for_it(plans: Plans) -> None:
    def own(environment: str) -> list[str]:
        return [name for _, query in charts(plans[environment]) for name, _ in OWN.findall(query)]

    assert own("dev") == []
    assert own("prod") != []


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_whom_an_alert_wakes_does_not_hang_on_where_figures_go(
    plans: Plans, environment: str
) -> None:
    # Goal: what functions tell of themselves may go elsewhere than to Google, or nowhere.
    asked = dict(alarms(plans[environment]))

    assert {"outbox-old", "orders-wait", "destination-refuses"} <= set(asked)
    assert [name for name, query in asked.items() if OWN.search(query)] == []


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ('max({"dispatch.outbox.aeg"})', "nothing tells dispatch.outbox.aeg"),
        ('max by (lane) ({"dispatch.outbox.age"})', "dispatch.outbox.age is not told by lane"),
        (
            'max by (state) ({"dispatch.orders"}) / max by (state) ({"dispatch.letters"})',
            "dispatch.letters is not told by state",
        ),
        ('max({"dispatch.orders",stat="placed"})', "dispatch.orders is not told by stat"),
        ('sum({"dispatch.attempts"})', "dispatch.attempts is a counter"),
        ('sum(rate({"dispatch.orders"}[5m]))', "dispatch.orders is a gauge"),
        ('sum(rate({"dispatch.event.age"}[5m]))', "dispatch.event.age is a histogram"),
    ],
)
def test_a_query_that_finds_nothing_is_found(query: str, said: str) -> None:
    assert wrong(query) == [said]
