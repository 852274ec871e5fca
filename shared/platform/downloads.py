"""Files that somebody else has made for us, fetched by the address that they gave."""

from http import HTTPStatus

from shared.kit.errors import Fault, NotYet
from shared.platform.http import BadUrl, Http, NoAnswer, Reach

TIMEOUT_S = 20.0
MOST_BYTES = 10_000_000  # a label is some kilobytes, a long manifest some hundred
_PASSING = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})

_CLIENTS = {reach: Http(reach, timeout_s=TIMEOUT_S, most_bytes=MOST_BYTES + 1) for reach in Reach}


class DownloadFailed(NotYet):
    """No answer, or not now."""

    code = "download_failed"


class NoDownload(Fault):
    """What is there is not what was promised: nothing, too much, or under an address inside."""

    code = "no_download"


def download(url: str, *, may_be_plain: bool = False) -> bytes:
    """What is found under the address. Nobody is followed elsewhere.

    Args:
        url: as it was given; what it holds is for those who know it, so it is not logged.
        may_be_plain: without it an address has to begin with https:// and to be a public one.

    Raises:
        DownloadFailed: ask again later.
        NoDownload: somebody has to look.
    """
    try:
        answer = _CLIENTS[Reach.ANYWHERE if may_be_plain else Reach.PUBLIC].get(url)
    except BadUrl as error:
        raise NoDownload(f"the address of the file cannot be called: {error}") from None
    except NoAnswer as error:
        raise DownloadFailed(f"the file was not sent ({error.reason})") from None
    _check(answer.status)
    if len(answer.body) > MOST_BYTES:
        raise NoDownload(f"the file is longer than {MOST_BYTES} bytes")
    return answer.body


def _check(status: int) -> None:
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _PASSING:
        raise DownloadFailed(f"the file is not to be had now (HTTP {status})", status=status)
    if status != HTTPStatus.OK:
        raise NoDownload(f"the file is not there (HTTP {status})", status=status)
