"""Resource names of Pub/Sub."""

import re

from emulators.google.rpc import invalid

DELETED_TOPIC = "_deleted-topic_"

_NAME = re.compile(
    r"projects/[^/]+/(?P<kind>topics|subscriptions)/(?!goog)[A-Za-z][A-Za-z0-9._~+%-]{2,254}"
)


def check(name: str, kind: str) -> None:
    """Refuse a name that is not projects/{project}/{kind}/{id}; kind is topics or subscriptions.

    Raises:
        Refused: INVALID_ARGUMENT.
    """
    found = _NAME.fullmatch(name)
    if found is None or found["kind"] != kind:
        raise invalid(f"Invalid resource name given (name={name}).")


def project_of(name: str) -> str:
    return name.split("/")[1]


def short(name: str) -> str:
    return name.rsplit("/", 1)[-1]
