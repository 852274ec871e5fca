"""Files of others: bounded in time and size, from where they said and from nowhere else."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from shared.platform import downloads
from shared.platform.downloads import DownloadFailed, NoDownload, download
from tests.support.loopback import Answer, listening


@pytest.fixture
def serve() -> Iterator[Callable[..., str]]:
    """A server that answers one way; returns its address."""
    servers = ExitStack()

    def start(status: int, body: bytes = b"", **headers: str) -> str:
        address = servers.enter_context(listening(lambda _: Answer(status, body, headers)))
        return f"{address}/label.pdf?signed=secret"

    with servers:
        yield start


def test_a_file_is_fetched_as_it_is(serve: Callable[..., str]) -> None:
    assert download(serve(200, b"%PDF-\x00\xff"), may_be_plain=True) == b"%PDF-\x00\xff"


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (500, DownloadFailed),
        (503, DownloadFailed),
        (429, DownloadFailed),
        (408, DownloadFailed),
        (403, NoDownload),
        (404, NoDownload),
        (204, NoDownload),
    ],
)
def test_what_is_not_there_now_is_told_apart_from_what_is_not_there(
    serve: Callable[..., str], status: int, outcome: type[Exception]
) -> None:
    with pytest.raises(outcome) as caught:
        download(serve(status), may_be_plain=True)

    assert "signed" not in str(caught.value), "who knows the address has the file"


def test_nobody_is_followed_elsewhere(serve: Callable[..., str]) -> None:
    elsewhere = serve(200, b"%PDF-")

    with pytest.raises(NoDownload, match="HTTP 302"):
        download(serve(302, Location=elsewhere), may_be_plain=True)


def test_a_plain_address_is_for_stand_ins_alone(serve: Callable[..., str]) -> None:
    with pytest.raises(NoDownload, match="https"):
        download(serve(200, b"%PDF-"))
    with pytest.raises(NoDownload, match="https"):
        download("file:///etc/passwd", may_be_plain=True)


def test_a_file_has_an_end(serve: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "MOST_BYTES", 100_000)

    with pytest.raises(NoDownload, match="longer than 100000 bytes"):
        download(serve(200, b"x" * 100_001), may_be_plain=True)


def test_an_address_inside_is_not_called() -> None:
    with pytest.raises(DownloadFailed, match="forbidden_address"):
        download("https://127.0.0.1/label.pdf")


def test_whoever_does_not_answer_is_asked_later() -> None:
    with pytest.raises(DownloadFailed):
        download("http://127.0.0.1:1/", may_be_plain=True)
