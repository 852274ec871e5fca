"""Which doors the settings open: secrets, addresses of keys, and vendors that are described."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shared import wiring
from shared.edge.hooks import Hook
from shared.platform.config import Misconfigured, read
from shared.platform.signatures import BadSignature, Sent
from tests.platform.test_published_keys import publishing
from tests.tracking.lab.cases import shipengine
from tests.tracking.lab.cases.case import Scan, case_insensitive
from tests.tracking.lab.cases.table import CASES, SETTING

ENVIRONMENT = {
    "DISPATCH_ENV": "test",
    "DISPATCH_PROJECT": "dispatch-test",
    "DISPATCH_LOCATION": "europe-west1",
    "DISPATCH_DATABASE_URL": "postgresql+pg8000://nobody@127.0.0.1:1/none",
    "DISPATCH_OIDC_AUDIENCE": "https://dispatch.test",
    "DISPATCH_OIDC_CALLER": "caller@dispatch-test.iam.gserviceaccount.com",
}
T0 = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    builders = [thing for thing in vars(wiring).values() if hasattr(thing, "cache_clear")]
    for builder in builders:
        builder.cache_clear()
    yield
    for builder in builders:
        builder.cache_clear()


def hooks(monkeypatch: pytest.MonkeyPatch, **settings: str) -> Mapping[str, Hook]:
    environment = {**ENVIRONMENT, **{f"DISPATCH_{n}": value for n, value in settings.items()}}
    monkeypatch.setattr(wiring, "config", lambda: read(environment))
    return wiring.hooks()


def test_every_door_is_shut_until_a_setting_opens_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert {hook.is_open for hook in hooks(monkeypatch).values()} == {False}


@pytest.mark.parametrize("vendor", ["easypost", "shippo", "aftership", "17track"])
def test_a_secret_opens_its_vendors_door_and_no_other(
    monkeypatch: pytest.MonkeyPatch, vendor: str
) -> None:
    found = hooks(monkeypatch, **{f"{vendor.upper()}_WEBHOOK_SECRET": "new, old"})

    assert [name for name, hook in found.items() if hook.is_open] == [vendor]
    body = CASES[vendor].body("1", [Scan(*CASES[vendor].moving, T0)])
    for secret in ("new", "old"):
        headers = case_insensitive(CASES[vendor].sign(body, secret, T0))
        found[vendor].vendor.scheme.verify(Sent(body, headers, T0), found[vendor].trust)


def test_an_empty_secret_opens_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not hooks(monkeypatch, EASYPOST_WEBHOOK_SECRET=" , ")["easypost"].is_open


def test_the_keys_under_an_address_prove_shipengine(monkeypatch: pytest.MonkeyPatch) -> None:
    (vector,) = shipengine.CASE.vectors
    with publishing() as publisher:
        publisher.document = shipengine.JWKS
        hook = hooks(monkeypatch, SHIPENGINE_WEBHOOK_KEYS_URL=publisher.url)["shipengine"]

        for _ in range(3):
            hook.vendor.scheme.verify(vector.sent(), hook.trust)
        assert publisher.asked == 1

        headers = {**vector.headers, "x-shipengine-timestamp": "2026-03-02T11:00:00Z"}
        late = Sent(vector.body, case_insensitive(headers), vector.received_at)
        with pytest.raises(BadSignature):
            hook.vendor.scheme.verify(late, hook.trust)
        assert publisher.asked == 1


def test_an_old_message_with_an_unknown_key_makes_us_ask_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (vector,) = shipengine.CASE.vectors
    with publishing() as publisher:
        hook = hooks(monkeypatch, SHIPENGINE_WEBHOOK_KEYS_URL=publisher.url)["shipengine"]
        sent = vector.sent()
        with pytest.raises(BadSignature) as caught:
            hook.vendor.scheme.verify(
                Sent(sent.body, sent.header, sent.received_at + timedelta(hours=1)), hook.trust
            )

    assert (caught.value.reason, publisher.asked) == ("stale", 0)


@pytest.mark.parametrize(
    "settings",
    [
        {"EASYPSOT_WEBHOOK_SECRET": "hunter2"},
        {"FEDEX_WEBHOOK_KEYS_URL": "http://127.0.0.1:1/hunter2"},
        {"SHIPENGINE_WEBHOOK_SECRET": "hunter2"},
        {"EASYPOST_WEBHOOK_KEYS_URL": "http://127.0.0.1:1/hunter2"},
    ],
    ids=lambda settings: next(iter(settings)),
)
def test_a_setting_of_a_vendor_that_is_none_or_signs_otherwise_is_named(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, str]
) -> None:
    with pytest.raises(Misconfigured) as caught:
        hooks(monkeypatch, **settings)

    assert next(iter(settings)).partition("_")[0] in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_keys_are_fetched_over_tls_outside_of_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Misconfigured, match="https"):
        hooks(monkeypatch, ENV="prod", SHIPENGINE_WEBHOOK_KEYS_URL="http://keys.example/jwks")


def test_a_vendor_that_a_setting_describes_is_one_like_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = hooks(monkeypatch, WEBHOOK_VENDORS=SETTING, LOGGI_WEBHOOK_SECRET="s")

    assert [name for name, hook in found.items() if hook.is_open] == ["loggi"]
    assert wiring.vendors().keys() == found.keys()


def described(**changes: object) -> str:
    """The vendor of the lab, with parts replaced; a path's parts have __ between."""
    document = json.loads(SETTING)
    for path, value in changes.items():
        *parents, name = ("loggi", *path.split("__"))
        place = document
        for parent in parents:
            place = place[parent]
        place[name] = value
    return json.dumps(document)


@pytest.mark.parametrize(
    ("setting", "field"),
    [
        ("not json", "DISPATCH_WEBHOOK_VENDORS"),
        ("[]", "DISPATCH_WEBHOOK_VENDORS"),
        (described(signature__algorithm="md5"), "loggi.signature.algorithm"),
        (described(signature__header="X Loggi"), "loggi.signature.header"),
        (described(signature__secret="hunter2"), "loggi.signature.secret"),
        (described(fields__status=""), "loggi.fields.status"),
        (described(fields__city="a..b"), "loggi.fields.city"),
        (described(statuses={}), "loggi.statuses"),
        (described(statuses={"A": {"status": "lost"}}), "loggi.statuses.A.status"),
        (described(details={"A": {"B": {"status": "on_hold", "reason": "?"}}}), "A.B.reason"),
        (SETTING.replace('"loggi"', '"Loggi Ltd"', 1), "Loggi Ltd"),
        (SETTING.replace('"loggi"', '"easypost"', 1), "easypost: the name is taken"),
    ],
)
def test_a_description_that_is_wrong_is_refused_by_the_name_of_its_field(
    monkeypatch: pytest.MonkeyPatch, setting: str, field: str
) -> None:
    with pytest.raises(Misconfigured) as caught:
        hooks(monkeypatch, WEBHOOK_VENDORS=setting)

    assert field in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_the_readme_shows_the_description_that_the_lab_uses() -> None:
    readme = (Path(__file__).parents[2] / "shared/tracking/README.md").read_text()

    assert "tests/tracking/lab/configured.json" in readme
