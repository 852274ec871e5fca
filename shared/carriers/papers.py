"""Documents that vendors give an address of: fetched, and known by how they begin."""

from shared.carriers.types import BrokenAnswer, CarrierUnavailable, Document
from shared.platform.downloads import DownloadFailed, NoDownload, download

# Content-Type is what a vendor's store was told once; the first bytes are what printers go by.
_BEGINNINGS = {
    b"%PDF-": "application/pdf",
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"^XA": "application/zpl",
}


def fetch(url: str, vendor: str, *, may_be_plain: bool = False) -> Document:
    """The document under a vendor's address.

    Args:
        url: as the vendor gave it.
        vendor: its name, for people.
        may_be_plain: without it the address has to begin with https://.

    Raises:
        CarrierUnavailable: ask again later.
        BrokenAnswer: there is no document that a printer would take.
    """
    try:
        content = download(url, may_be_plain=may_be_plain)
    except DownloadFailed as error:
        raise CarrierUnavailable(f"{vendor}: {error}") from error
    except NoDownload as error:
        raise BrokenAnswer(f"{vendor}: {error}") from error
    for beginning, media_type in _BEGINNINGS.items():
        if content.startswith(beginning):
            return Document(content, media_type)
    raise BrokenAnswer(f"{vendor}: the file is no PDF, PNG or ZPL", field="content")
