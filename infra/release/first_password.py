"""Keeps the first admin's password as a version of a secret, which the platform team reads.

A log is read by more people, and for longer. The account that writes the version may add one to
this secret and can read none, of this secret or another.
Source: https://cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets/addVersion
"""

import base64
import json
import urllib.error
import urllib.request
from dataclasses import dataclass

SETTING = "FIRST_PASSWORD_SECRET"  # the variable that names the secret: projects/…/secrets/…
API = "https://secretmanager.googleapis.com/v1"
TIMEOUT_S = 30


class NotKept(Exception):
    """The password is not kept, and nobody was let in."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """The secret, and as whom it is written to."""

    secret: str
    token: str

    def keep(self, password: str) -> str:
        """Add a version; returns its name.

        Raises:
            NotKept: Secret Manager did not take it; says its status, and never the password.
        """
        body = {"payload": {"data": base64.b64encode(password.encode()).decode()}}
        request = urllib.request.Request(
            f"{API}/{self.secret}:addVersion",
            data=json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
                version: str = json.load(answer)["name"]
        except urllib.error.HTTPError as refused:
            refused.close()
            raise NotKept(f"{self.secret}: Secret Manager answered {refused.code}") from None
        except OSError as error:
            raise NotKept(f"{self.secret}: Secret Manager did not answer: {error}") from None
        return version
