"""Where documents lie that are to be printed: a folder of this machine, or a bucket.

A document is named by whom it belongs to and is written anew as a whole, so that keeping it twice
is keeping it once. What it is can be seen from the ending of its key.
"""

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from shared.kit.errors import Fault, NotYet
from shared.platform.config import Config, Misconfigured

TIMEOUT_S = 10.0
_ENDINGS = {
    "application/pdf": ".pdf",
    "image/png": ".png",
    "application/zpl": ".zpl",
}
MEDIA_TYPES = tuple(_ENDINGS)
_KEY = re.compile(r"[a-z]+/[A-Za-z0-9_-]+(\.[a-z]{3})")


@dataclass(frozen=True, slots=True)
class Stored:
    """A document as it is kept. It has personal data in it."""

    content: bytes = field(repr=False)
    media_type: str


class DocumentsUnavailable(NotYet):
    """The place of the documents does not answer."""

    code = "documents_unavailable"


class NoSuchDocument(Fault):
    """A key or a kind of document that cannot be ours."""

    code = "no_such_document"


class Documents(Protocol):
    """Keeps documents by their keys. One instance serves all threads."""

    def put(self, key: str, content: bytes, media_type: str) -> None:
        """Keep it, or replace what is kept under this key.

        Raises:
            DocumentsUnavailable: ask again later.
            NoSuchDocument: the key is not one of `key_of` for this kind.
        """

    def get(self, key: str) -> Stored | None:
        """What is kept under this key; None where there is nothing any more.

        Raises:
            DocumentsUnavailable: ask again later.
            NoSuchDocument: the key is not one of `key_of`.
        """


def key_of(kind: str, name: str, media_type: str) -> str:
    """The key of a document, such as `labels/lab_5f2c.pdf`.

    Raises:
        NoSuchDocument: nothing like it is kept.
    """
    key = f"{kind}/{name}{_ENDINGS.get(media_type, '')}"
    _media_type_of(key)
    return key


def documents_of(config: Config) -> Documents:
    """The place that the settings name.

    Raises:
        Misconfigured: they name none.
    """
    if config.documents_bucket is not None:
        return Bucket(config.documents_bucket, project=config.project)
    if config.documents_folder is not None:
        return Folder(Path(config.documents_folder))
    raise Misconfigured(
        "DISPATCH_DOCUMENTS_BUCKET: needed to keep documents; DISPATCH_DOCUMENTS_FOLDER on a laptop"
    )


class Folder:
    """`Documents` in a folder of this machine."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, key: str, content: bytes, media_type: str) -> None:
        """See `Documents.put`. Who reads meanwhile finds the old one or the new one."""
        _check(key, media_type)
        path = self._root / key
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as fresh:
                fresh.write(content)
            Path(fresh.name).replace(path)
        except OSError as error:
            raise DocumentsUnavailable(f"the folder cannot be written: {error.strerror}") from error

    def get(self, key: str) -> Stored | None:
        """See `Documents.get`."""
        media_type = _media_type_of(key)
        try:
            return Stored((self._root / key).read_bytes(), media_type)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise DocumentsUnavailable(f"the folder cannot be read: {error.strerror}") from error


class Bucket:
    """`Documents` in a bucket of Cloud Storage.

    Google's client is imported with the first document: a third of a second.
    """

    def __init__(self, bucket: str, *, project: str) -> None:
        self._name = bucket
        self._project = project

    def put(self, key: str, content: bytes, media_type: str) -> None:
        """See `Documents.put`."""
        _check(key, media_type)
        with _told_plainly():
            # The queue does the repeating, so the client must not sleep in the midst of our work.
            self._bucket.blob(key).upload_from_string(
                content, content_type=media_type, timeout=TIMEOUT_S, retry=None
            )

    def get(self, key: str) -> Stored | None:
        """See `Documents.get`."""
        from google.api_core.exceptions import NotFound  # noqa: PLC0415, see above

        media_type = _media_type_of(key)
        with _told_plainly():
            try:
                content = self._bucket.blob(key).download_as_bytes(timeout=TIMEOUT_S, retry=None)
            except NotFound:
                return None
        return Stored(content, media_type)

    @cached_property
    def _bucket(self) -> Any:
        from google.cloud.storage import Client  # noqa: PLC0415, see above

        return Client(project=self._project).bucket(self._name)


@contextmanager
def _told_plainly() -> Iterator[None]:
    from google.api_core.exceptions import GoogleAPIError  # noqa: PLC0415, see Bucket
    from google.auth.exceptions import GoogleAuthError  # noqa: PLC0415

    try:
        yield
    except (GoogleAPIError, GoogleAuthError, OSError) as error:  # the last: no connection
        raise DocumentsUnavailable(
            f"Cloud Storage does not answer as it should ({type(error).__name__})"
        ) from error


def _check(key: str, media_type: str) -> None:
    if _media_type_of(key) != media_type:
        raise NoSuchDocument(f"{key} does not end as {media_type} does")


def _media_type_of(key: str) -> str:
    found = _KEY.fullmatch(key)
    for media_type, ending in _ENDINGS.items():
        if found is not None and found[1] == ending:
            return media_type
    raise NoSuchDocument(f"{key!r} names no document that is kept")
