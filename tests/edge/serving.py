"""Functions as they are served, and the requests with which Google and others call them."""

import base64
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import functions_framework
from flask import Flask, Request, Response, request
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from shared.edge.services import Services

FUNCTIONS = Path(__file__).parents[2] / "functions"


def served(handler: Callable[[Request], Response]) -> FlaskClient:
    """A client of a handler that takes every path and method."""
    app = Flask("tests")
    rule = {"methods": ["GET", "POST", "PUT"]}
    app.add_url_rule("/", "root", lambda: handler(request), **rule)  # type: ignore[arg-type]
    app.add_url_rule("/<path:_path>", "path", lambda _path: handler(request), **rule)  # type: ignore[arg-type]
    return app.test_client()


def function(name: str) -> FlaskClient:
    """A client of a deployed function under the real functions-framework."""
    source = str(FUNCTIONS / name / "main.py")
    places = list(sys.path)
    app: Flask = functions_framework.create_app(name, source)  # type: ignore[no-untyped-call]
    # The framework adds the function's folder each time, and Flask looks through all of them.
    sys.path[:] = places
    return app.test_client()


@dataclass(frozen=True, slots=True)
class Caller:
    """Posts as Google's services do, with a token of theirs."""

    services: Services
    authorization: str

    def push(
        self,
        client: FlaskClient,
        data: bytes,
        attributes: Mapping[str, str],
        *,
        message_id: str = "1",
        attempt: int | None = None,
        subscription: str = "order_intake-orders",
    ) -> TestResponse:
        """One Pub/Sub push."""
        message = {
            "data": base64.b64encode(data).decode(),
            "attributes": dict(attributes),
            "messageId": message_id,
            "message_id": message_id,
            "publishTime": "2026-03-02T12:00:00Z",
        }
        envelope: dict[str, Any] = {
            "message": message,
            "subscription": f"projects/dispatch-test/subscriptions/{subscription}",
        }
        if attempt is not None:
            envelope["deliveryAttempt"] = attempt
        return self.post(client, "/", json.dumps(envelope).encode())

    def task(
        self,
        client: FlaskClient,
        body: bytes,
        *,
        name: str = "task_1",
        retries: int = 0,
        max_attempts: int | None = 3,
        kind: str = "",
    ) -> TestResponse:
        """One attempt of a Cloud Task; where there are several kinds of work it says which."""
        headers = {
            "X-CloudTasks-TaskName": name,
            "X-CloudTasks-QueueName": "placement-standard",
            "X-CloudTasks-TaskRetryCount": str(retries),
            "ce-correlationid": "evt_origin",
        }
        if kind:
            headers["ce-type"] = kind
        if max_attempts is not None:
            headers["X-Dispatch-Max-Attempts"] = str(max_attempts)
        return self.post(client, "/", body, headers)

    def post(
        self, client: FlaskClient, path: str, body: bytes, headers: Mapping[str, str] | None = None
    ) -> TestResponse:
        """Any request with the token."""
        return client.post(
            path,
            data=body,
            headers={
                "Content-Type": "application/json",
                "Authorization": self.authorization,
                **(headers or {}),
            },
        )


@contextmanager
def failing(error: Exception) -> Iterator[Callable[..., None]]:
    """A flow that raises `error`."""

    def fail(raised: Exception, *_args: object) -> None:
        raise raised

    yield partial(fail, error)
