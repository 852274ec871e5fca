"""OIDC tokens as Google's own library verifies them."""

import time
from typing import Any

import pytest
import requests
from google.auth import jwt

from emulators.google.tokens import TokenIssuer
from tests.conformance.cloud import LOCATION, Cloud, unique
from tests.conformance.recorder import Recorder

ACCOUNT = "event-caller@demo.iam.gserviceaccount.com"


def _claims(cloud: Cloud, authorization: str, audience: str) -> Any:
    certificates = requests.get(f"{cloud.http}/oauth2/v1/certs", timeout=30)
    assert certificates.headers["Cache-Control"] == "public, max-age=3600"
    scheme, _, token = authorization.partition(" ")
    assert scheme == "Bearer"
    return jwt.decode(  # type: ignore[no-untyped-call]
        token, certs=certificates.json(), audience=audience
    )


def test_a_push_carries_a_token_for_its_endpoint(
    cloud: Cloud, recorder: Recorder, path: str
) -> None:
    topic = cloud.topic()
    token = {"oidc_token": {"service_account_email": ACCOUNT}}
    cloud.subscribe(topic, recorder.url(path), push_config=token)

    cloud.publish(topic, {"data": b"x"})

    (seen,) = recorder.wait(path, 1)
    claims = _claims(cloud, seen.headers["Authorization"], recorder.url(path))
    assert claims["iss"] == "https://accounts.google.com"
    assert (claims["email"], claims["email_verified"]) == (ACCOUNT, True)
    assert claims["sub"].isdecimal()
    assert claims["exp"] - claims["iat"] == 3600
    assert claims["iat"] == pytest.approx(time.time(), abs=10)


def test_an_audience_can_be_named(cloud: Cloud, recorder: Recorder, path: str) -> None:
    topic = cloud.topic()
    token = {"oidc_token": {"service_account_email": ACCOUNT, "audience": "mine"}}
    cloud.subscribe(topic, recorder.url(path), push_config=token)

    cloud.publish(topic, {"data": b"x"})

    (seen,) = recorder.wait(path, 1)
    assert _claims(cloud, seen.headers["Authorization"], "mine")["aud"] == "mine"
    with pytest.raises(ValueError, match="audience"):
        _claims(cloud, seen.headers["Authorization"], "other")


def test_without_an_account_there_is_no_token(cloud: Cloud, recorder: Recorder, path: str) -> None:
    topic = cloud.topic()
    cloud.subscribe(topic, recorder.url(path))

    cloud.publish(topic, {"data": b"x"})

    assert "Authorization" not in recorder.wait(path, 1)[0].headers


def test_a_task_carries_the_token_it_asks_for(cloud: Cloud, recorder: Recorder, path: str) -> None:
    token = {"service_account_email": ACCOUNT}

    cloud.task(cloud.queue(), recorder.url(path), http={"oidc_token": token})

    (seen,) = recorder.wait(path, 1)
    assert _claims(cloud, seen.headers["Authorization"], recorder.url(path))["email"] == ACCOUNT


def test_the_token_of_the_queue_comes_before_that_of_the_task(
    cloud: Cloud, recorder: Recorder, path: str
) -> None:
    token = {"service_account_email": ACCOUNT, "audience": "service"}
    queue = cloud.queue(http_target={"oidc_token": token})
    other = {"service_account_email": "other@demo.iam.gserviceaccount.com"}

    cloud.task(queue, recorder.url(path), http={"oidc_token": other})

    (seen,) = recorder.wait(path, 1)
    assert _claims(cloud, seen.headers["Authorization"], "service")["email"] == ACCOUNT


def test_a_scheduled_job_carries_a_token(cloud: Cloud, recorder: Recorder, path: str) -> None:
    name = f"{LOCATION}/jobs/{unique('token')}"
    target = {"uri": recorder.url(path), "oidcToken": {"serviceAccountEmail": ACCOUNT}}
    job = {"name": name, "schedule": "0 3 * * *", "httpTarget": target}
    requests.post(f"{cloud.http}/v1/{LOCATION}/jobs", json=job, timeout=30).raise_for_status()

    requests.post(f"{cloud.http}/v1/{name}:run", timeout=30).raise_for_status()

    (seen,) = recorder.wait(path, 1)
    assert _claims(cloud, seen.headers["Authorization"], recorder.url(path))["email"] == ACCOUNT


def test_a_token_is_signed_once_and_again_before_it_ends() -> None:
    clock_s = [1_000_000.0]
    issuer = TokenIssuer(now_s=lambda: clock_s[0])
    first = issuer.bearer(ACCOUNT, "a")
    assert issuer.bearer(ACCOUNT, "b") != first

    clock_s[0] += 3_200
    assert issuer.bearer(ACCOUNT, "a") == first
    clock_s[0] += 200

    assert issuer.bearer(ACCOUNT, "a") != first
