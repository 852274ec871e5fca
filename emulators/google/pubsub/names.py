"""Resource names and labels of Pub/Sub."""

import re
from collections.abc import Mapping

from emulators.google.rpc import invalid

DELETED_TOPIC = "_deleted-topic_"
MAX_LABELS = 64

_NAME = re.compile(
    r"projects/[^/]+/(?P<kind>topics|subscriptions|snapshots|schemas)"
    r"/(?!goog)[A-Za-z][A-Za-z0-9._~+%-]{2,254}"
)
_LABEL_KEY = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_LABEL_VALUE = re.compile(r"[a-z0-9_-]{0,63}")


def check(name: str, kind: str) -> None:
    """Refuse a name that is not projects/{project}/{kind}/{id}.

    `kind` is topics, subscriptions, snapshots or schemas.

    Raises:
        Refused: INVALID_ARGUMENT.
    """
    found = _NAME.fullmatch(name)
    if found is None or found["kind"] != kind:
        raise invalid(f"Invalid resource name given (name={name}).")


def check_labels(labels: Mapping[str, str]) -> None:
    """Refuse labels that production would refuse; of its letters we know the Latin ones only.

    Raises:
        Refused: INVALID_ARGUMENT.
    """
    if len(labels) > MAX_LABELS:
        raise invalid(f"A resource has at most {MAX_LABELS} labels.")
    for key, value in labels.items():
        if not _LABEL_KEY.fullmatch(key) or not _LABEL_VALUE.fullmatch(value):
            raise invalid(f"The label {key!r}: {value!r} is invalid.")


def project_of(name: str) -> str:
    return name.split("/")[1]


def short(name: str) -> str:
    return name.rsplit("/", 1)[-1]
