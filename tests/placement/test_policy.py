"""Whose policy holds when."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.placement.policy import DEFAULT, NoSuchPolicy, Policy, PolicyBook, Version

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)


def version(policy_id: str, channel: str, day: int) -> Version:
    return Version(Policy(policy_id), channel, 1, MONDAY + timedelta(days=day), "ada", "a test")


BOOK = PolicyBook([version("web-2", "web", 2), version("all-1", "", 1), version("web-1", "web", 0)])


@pytest.mark.parametrize(
    ("channel", "day", "policy_id"),
    [
        ("web", -1, "default"),
        ("web", 0, "web-1"),
        ("web", 1, "web-1"),
        ("web", 2, "web-2"),
        ("shop", 0, "default"),
        ("shop", 1, "all-1"),
    ],
)
def test_the_own_one_goes_before_that_of_all_and_the_newer_before_the_older(
    channel: str, day: int, policy_id: str
) -> None:
    assert BOOK.valid_at(MONDAY + timedelta(days=day), channel).policy_id == policy_id


def test_a_version_is_found_by_its_name_for_ever() -> None:
    assert BOOK.named("web-1").policy_id == "web-1"
    assert BOOK.named("default") is DEFAULT
    with pytest.raises(NoSuchPolicy, match="no policy is called web-9"):
        BOOK.named("web-9")


def test_a_carrier_or_one_service_of_it_is_excluded() -> None:
    policy = Policy("p", excluded_services=frozenset({"jadlog", "correios/air"}))

    assert policy.excludes("jadlog", "any")
    assert policy.excludes("correios", "air")
    assert not policy.excludes("correios", "road")
