"""Documents: a folder and a bucket keep the same promises, the bucket through Google's own client.

The bucket is answered by a few lines of the JSON API of Cloud Storage:
https://cloud.google.com/storage/docs/json_api/v1/objects
"""

import json
import re
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from google.cloud.storage._bucket_metadata_cache import BucketMetadataCache

from shared.platform.config import Config, Misconfigured
from shared.platform.documents import (
    Bucket,
    Documents,
    DocumentsUnavailable,
    Folder,
    NoSuchDocument,
    Stored,
    documents_of,
    key_of,
)
from tests.support.loopback import Answer, Request, listening


class _Storage:
    """One bucket, `papers`, in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, Stored] = {}
        self.broken = False

    def answer(self, request: Request) -> Answer:
        return self._upload(request) if request.method == "POST" else self._download(request)

    def _upload(self, request: Request) -> Answer:
        """With metadata, as multipart/related."""
        address = urlsplit(request.path)
        assert address.path == "/upload/storage/v1/b/papers/o"
        assert parse_qs(address.query)["uploadType"] == ["multipart"]
        head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
        _, metadata, content = message_from_bytes(head + request.body).walk()
        named = json.loads(_payload(metadata))
        if not self.broken:
            kept = Stored(_payload(content), content.get_content_type())
            self.kept[named["name"]] = kept
        return Answer(503 if self.broken else 200, json.dumps(named).encode())

    def _download(self, request: Request) -> Answer:
        path = urlsplit(request.path).path
        found = re.fullmatch(r"/download/storage/v1/b/papers/o/([^/]+)", path)
        stored = self.kept.get(unquote(found[1])) if found else None
        if self.broken or stored is None:
            return Answer(503 if self.broken else 404, b"no")
        return Answer(200, stored.content)


def _payload(part: Message) -> bytes:
    payload = part.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload


@pytest.fixture(autouse=True)
def _nothing_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client asks about its bucket beside its work, in a thread that outlives the test.

    It asks again and again for two minutes, at random moments, and a test that makes up examples
    meanwhile finds somebody else at its random numbers.
    """
    monkeypatch.setattr(BucketMetadataCache, "get_or_queue_fetch", lambda *_: None)


@pytest.fixture
def storage(monkeypatch: pytest.MonkeyPatch) -> Iterator[_Storage]:
    """A stand-in for Cloud Storage where Google's client looks for one."""
    storage = _Storage()
    with listening(storage.answer) as address:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", address)
        yield storage


@pytest.fixture(params=["folder", "bucket"])
def documents(request: pytest.FixtureRequest, storage: _Storage, tmp_path: Path) -> Documents:
    if request.param == "folder":
        return Folder(tmp_path / "documents")
    return Bucket("papers", project="shop")


LABEL = "labels/lab_1.pdf"
PDF = "application/pdf"


def test_what_was_kept_is_found_as_it_was(documents: Documents) -> None:
    content = b"%PDF-\x00\xff\r\n--boundary"
    documents.put(LABEL, content, PDF)

    assert documents.get(LABEL) == Stored(content, PDF)
    assert documents.get("labels/lab_2.pdf") is None


def test_keeping_it_twice_is_keeping_it_once(documents: Documents) -> None:
    documents.put(LABEL, b"%PDF-1", PDF)
    documents.put(LABEL, b"%PDF-2", PDF)

    assert documents.get(LABEL) == Stored(b"%PDF-2", PDF)


@pytest.mark.parametrize("key", ["../etc/passwd", "labels/../x.pdf", "labels/a.exe", "a.pdf", ""])
def test_a_key_names_a_document_and_nothing_else(documents: Documents, key: str) -> None:
    with pytest.raises(NoSuchDocument):
        documents.put(key, b"", PDF)
    with pytest.raises(NoSuchDocument):
        documents.get(key)


def test_a_key_ends_as_its_document_does(documents: Documents) -> None:
    assert key_of("labels", "lab_1", "image/png") == "labels/lab_1.png"
    with pytest.raises(NoSuchDocument, match=r"labels/lab_1\.pdf does not end as image/png does"):
        documents.put(LABEL, b"", "image/png")
    with pytest.raises(NoSuchDocument):
        key_of("labels", "lab_1", "text/html")


def test_the_bucket_is_told_what_a_document_is(storage: _Storage) -> None:
    Bucket("papers", project="shop").put("labels/lab_1.png", b"\x89PNG", "image/png")

    assert storage.kept == {"labels/lab_1.png": Stored(b"\x89PNG", "image/png")}


def test_a_bucket_that_does_not_answer_is_asked_later(storage: _Storage) -> None:
    # Goal: at once; the client's own repeating would sleep in the midst of our work.
    storage.broken = True
    documents = Bucket("papers", project="shop")

    with pytest.raises(DocumentsUnavailable):
        documents.put(LABEL, b"%PDF-", PDF)
    with pytest.raises(DocumentsUnavailable):
        documents.get(LABEL)


def test_without_a_connection_it_is_asked_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "http://127.0.0.1:1")

    with pytest.raises(DocumentsUnavailable):
        Bucket("papers", project="shop").put(LABEL, b"%PDF-", PDF)


def test_a_folder_that_cannot_be_written_is_asked_later(tmp_path: Path) -> None:
    (tmp_path / "labels").write_text("a file, where a folder is wanted")

    with pytest.raises(DocumentsUnavailable):
        Folder(tmp_path).put(LABEL, b"%PDF-", PDF)


def test_the_settings_say_which_it_is(config: Config, tmp_path: Path) -> None:
    in_folder = config.model_copy(update={"documents_folder": str(tmp_path)})
    in_bucket = config.model_copy(update={"documents_bucket": "papers"})

    assert isinstance(documents_of(in_folder), Folder)
    assert isinstance(documents_of(in_bucket), Bucket)
    with pytest.raises(Misconfigured, match="DISPATCH_DOCUMENTS_BUCKET"):
        documents_of(config)
