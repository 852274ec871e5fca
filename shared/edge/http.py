"""Answers over HTTP. What went wrong is a problem document. Source: RFC 9457."""

import json

from flask import Response

from shared.kit.errors import DispatchError, Fault, Malformed, NotEnough, NotYet, Rejected, Stale
from shared.platform.auth import Unauthenticated

MOST_WRONG = 100  # wrong fields that a problem document names; nobody repairs more in one go
# The facts of an error that are for its caller; the others are for the log.
_SHOWN = ("field", "known_fingerprint", "fingerprint")


class NothingHere(Rejected):
    """There is nothing at this path, or this is not how to talk to it."""

    code = "not_found"


class TooLarge(Rejected):
    """The body is larger than any that makes sense."""

    code = "too_large"


def done() -> Response:
    """It is done, and there is nothing to say."""
    return Response(status=204)


def document(value: object, status: int = 200) -> Response:
    """A JSON document."""
    return Response(json.dumps(value), status=status, content_type="application/json")


def code_of(error: Exception) -> str:
    """The stable code of an error of ours; `fault` for any other."""
    return error.code if isinstance(error, DispatchError) else Fault.code


def failed(error: Exception) -> Response:
    """Not now (503), or we broke (500): what exactly is in the log, and not for the caller."""
    if isinstance(error, NotYet):
        return problem(error)
    return problem(Fault("something went wrong on our side"))


def problem(error: DispatchError, status: int | None = None) -> Response:
    """What went wrong: the code, the reason and every wrong field; never a stack trace.

    The status follows from the kind of error unless it is given: 401 for a caller who is not let
    in, 400 for a malformed body, 422 for any other refusal, 503 for not yet, 500 for a fault.
    """
    chosen = status if status is not None else _status(error)
    body: dict[str, object] = {
        "type": f"urn:dispatch:problem:{error.code}",
        "title": error.code.replace("_", " "),
        "status": chosen,
        "detail": str(error),
        "code": error.code,
    }
    body |= {name: error.facts[name] for name in _SHOWN if name in error.facts}
    if isinstance(error, Rejected) and error.wrong:
        body["errors"] = [
            {"field": fault.field, "detail": fault.reason} for fault in error.wrong[:MOST_WRONG]
        ]
    if isinstance(error, NotEnough):
        body["missing"] = dict(error.missing)
    if isinstance(error, Stale):
        body["changed"] = [change._asdict() for change in error.changed]
    answer = Response(json.dumps(body), status=chosen, content_type="application/problem+json")
    retry_after_s = error.facts.get("retry_after_s")
    if isinstance(error, NotYet) and retry_after_s is not None:
        answer.headers["Retry-After"] = str(retry_after_s)
    return answer


def _status(error: DispatchError) -> int:
    if isinstance(error, Unauthenticated):
        return 401
    if isinstance(error, Malformed):
        return 400
    if isinstance(error, Rejected):
        return 422
    return 503 if isinstance(error, NotYet) else 500
