"""A machine that uses the API."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from shared.kit.ids import new_id
from tests.support import given

AUDIENCE = "https://api.dispatch.test"
PAGES_URL = "https://track.dispatch.test/orders"
MACHINES = ("shop@example.iam.gserviceaccount.com", "market@example.iam.gserviceaccount.com")


def order(order_id: str = "ord_1", **changes: object) -> dict[str, Any]:
    """The body of an order of two mugs, with other fields in place of some."""
    body: dict[str, Any] = json.loads(given.submitted(order_id, {"MUG": 2}).encode())
    return {**body, **changes}


@dataclass(frozen=True, slots=True)
class Machine:
    """Sends requests with its token; a key is a fresh one unless it is given."""

    client: FlaskClient
    token: str

    def post(
        self,
        path: str,
        body: object,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> TestResponse:
        """POST a JSON value, or bytes as they are."""
        return self.client.post(
            path,
            data=body if isinstance(body, bytes) else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self.token}",
                "Content-Type": "application/json",
                "Idempotency-Key": key or new_id("key"),
                **(headers or {}),
            },
        )

    def get(self, path: str) -> TestResponse:
        """GET with the token."""
        return self.client.get(path, headers={"Authorization": f"Bearer {self.token}"})
