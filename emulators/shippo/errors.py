"""Shippo's error documents: problems by field, or a detail.

Source: https://docs.goshippo.com/docs/api_concepts/apihttpstatuscodes; the shapes from the reports
of its clients' users.
"""

from typing import Any, NoReturn

from emulators.sellers.refusals import Refusal, Words

REQUIRED = "This field is required."

WORDS = Words(
    no_json=lambda: Refusal(400, {"detail": "JSON parse error"}),
    failed=lambda text: Refusal(500, {"detail": text}),
    too_many=lambda: Refusal(429, {"detail": "Request was throttled."}),
    no_key=lambda: Refusal(401, {"detail": "Invalid token."}),
)


def refuse(problems: Any) -> NoReturn:
    """Refuse a request; `problems` lie as deep as the fields that they are about."""
    raise Refusal(400, problems)


def not_found() -> NoReturn:
    """Refuse an id that nobody knows."""
    raise Refusal(404, {"detail": "Not found."})
