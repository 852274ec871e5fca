"""The filter language, and what a filter does to a subscription."""

import pytest

from emulators.google.pubsub.filters import BadFilter, parse
from tests.conformance.cloud import Cloud


@pytest.mark.parametrize(
    ("expression", "matching", "other"),
    [
        ("attributes:a", {"a": ""}, {"b": ""}),
        ('attributes:"ce-type"', {"ce-type": "x"}, {"type": "x"}),
        ("attributes:ce-type", {"ce-type": "x"}, {"ce": "x"}),
        ('attributes.a = "x"', {"a": "x"}, {"a": "X"}),
        ('attributes."a b"="x"', {"a b": "x"}, {"a": "x"}),
        ('attributes.a != "x"', {"a": "y"}, {"a": "x"}),
        ('attributes.a != "x"', {}, {"a": "x"}),
        ('hasPrefix(attributes.a, "or")', {"a": "order"}, {"a": "border"}),
        ('hasPrefix(attributes.a, "")', {"a": ""}, {}),
        ("NOT attributes:a", {}, {"a": "1"}),
        ('NOT attributes."ce-priority" = "express"', {}, {"ce-priority": "express"}),
        (
            'NOT attributes."ce-priority" = "express"',
            {"ce-priority": "x"},
            {"ce-priority": "express"},
        ),
        ("-attributes:a", {}, {"a": "1"}),
        ("attributes:a AND attributes:b", {"a": "", "b": ""}, {"a": ""}),
        ("attributes:a OR attributes:b", {"b": ""}, {"c": ""}),
        ("attributes:a AND NOT attributes:b", {"a": ""}, {"a": "", "b": ""}),
        ("attributes:a AND (attributes:b OR attributes:c)", {"a": "", "c": ""}, {"c": ""}),
        ("NOT (attributes:a OR attributes:b)", {"c": ""}, {"b": ""}),
        ("attributes:a AND attributes:b AND attributes:c", dict.fromkeys("abc", ""), {"a": ""}),
        (r'attributes.a = "say \"hi\" \\ é\x41\101"', {"a": 'say "hi" \\ éAA'}, {"a": "say"}),
        ('attributes.a = "AND"', {"a": "AND"}, {"a": "OR"}),
    ],
)
def test_a_filter_tells_messages_apart(
    expression: str, matching: dict[str, str], other: dict[str, str]
) -> None:
    matches = parse(expression)

    assert matches(matching)
    assert not matches(other)


@pytest.mark.parametrize(
    "expression",
    [
        "attributes",
        "attributes.a",
        "attributes.a = x",
        "attributes.a = 'x'",
        'attributes.a > "x"',
        'data = "x"',
        "attributes:a attributes:b",
        "attributes:a and attributes:b",
        "attributes:a AND attributes:b OR attributes:c",
        "(attributes:a",
        "attributes:a)",
        "NOT",
        "attributes:AND",
        'hasPrefix(attributes:a, "x")',
        'hasSuffix(attributes.a, "x")',
        'attributes.a = "open',
        f'attributes.a = "{"x" * 256}"',
    ],
)
def test_what_is_not_in_the_language_is_refused(expression: str) -> None:
    with pytest.raises(BadFilter):
        parse(expression)


def test_and_beside_or_is_told_to_use_parentheses() -> None:
    with pytest.raises(BadFilter, match="parentheses"):
        parse("attributes:a AND attributes:b OR attributes:c")


def test_what_does_not_match_is_dropped_and_the_rest_arrives(cloud: Cloud) -> None:
    topic = cloud.topic()
    name = cloud.subscribe(topic, filter='attributes:"ce-needsplacement"')

    cloud.publish(
        topic,
        {"data": b"no", "attributes": {"ce-type": "x"}},
        {"data": b"yes", "attributes": {"ce-needsplacement": "true"}},
    )

    assert [each.message.data for each in cloud.pull(name)] == [b"yes"]
    assert cloud.stats()["subscriptions"][name]["backlog"] == 1
