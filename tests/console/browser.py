"""A browser without scripts, and a machine with a key, at the console."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from shared.kit.ids import new_id
from shared.people import proofs

ADDRESS = "http://localhost"
_HIDDEN = re.compile(r'<input type="hidden" name="(token|key|seen)" value="([^"]*)">')
_FORM = re.compile(r'<form method="post" action="([^"]+)"[^>]*>(.*?)</form>', re.DOTALL)


@dataclass(slots=True)
class Browser:
    """Keeps cookies, and fills in the forms of the page that it has got last."""

    client: FlaskClient
    page: str = ""
    headers: dict[str, str] = field(
        default_factory=lambda: {"Accept": "text/html", "Sec-Fetch-Site": "same-origin"}
    )

    def carry(self, token: str) -> None:
        """Have the cookie of a session."""
        self.client.set_cookie("dispatch_session", token)

    def get(self, path: str) -> TestResponse:
        """Look at a page."""
        return self._seen(self.client.get(path, headers=self.headers))

    def post(
        self, path: str, said: Mapping[str, object] | None = None, **also: object
    ) -> TestResponse:
        """Send the form of the page with this address, filled in."""
        forms = {action: dict(_HIDDEN.findall(body)) for action, body in _FORM.findall(self.page)}
        return self._seen(
            self.client.post(
                path,
                data={**forms.get(path, {}), **(said or {}), **also},
                headers={"Origin": ADDRESS, **self.headers},
            )
        )

    def sign_in(self, email: str, password: str, following: str | None = None) -> TestResponse:
        """By the form."""
        self.get("/sign-in")
        more = {} if following is None else {"next": following}
        return self.post("/sign-in", more, email=email, password=password)

    def _seen(self, answer: TestResponse) -> TestResponse:
        self.page = answer.get_data(as_text=True)
        return answer


@dataclass(frozen=True, slots=True)
class Machine:
    """Sends a key, or the token of a session with that of its forms."""

    client: FlaskClient
    key: str = ""
    session: str = ""

    def get(self, path: str) -> TestResponse:
        """GET below the API."""
        return self.client.get(f"/api/v1{path}", headers=self._headers())

    def post(
        self,
        path: str,
        body: object,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> TestResponse:
        """POST a JSON value below the API, under a fresh key unless it is given."""
        return self.client.post(
            f"/api/v1{path}",
            data=json.dumps(body),
            headers={
                **self._headers(),
                "Content-Type": "application/json",
                "Idempotency-Key": key or new_id("key"),
                **(headers or {}),
            },
        )

    def _headers(self) -> dict[str, Any]:
        if self.key:
            return {"Authorization": f"Bearer {self.key}"}
        self.client.set_cookie("dispatch_session", self.session)
        return {"X-CSRF-Token": proofs.form_token(self.session)}
