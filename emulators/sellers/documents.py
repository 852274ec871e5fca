"""Documents to print: a blank picture, ZPL, and PDF files of one page with lines of text."""

import struct
import zlib
from collections.abc import Sequence

LABEL_POINTS = 288, 432  # 4 by 6 inches, at 72 points an inch
SHEET_POINTS = 595, 842  # A4
_MARGIN_POINTS = 24
_LEADING_POINTS = 15


def _chunk(kind: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)


def _blank(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)  # one bit a pixel, grey
    row = b"\x00" + b"\xff" * ((width + 7) // 8)
    pixels = zlib.compress(row * height)
    parts = _chunk(b"IHDR", header) + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


PNG = _blank(400, 600)


def zpl(tracking_code: str) -> str:
    """The label for a thermal printer: the code in bars and in letters."""
    return f"^XA^FO40,40^BY3^BCN,200,Y,N,N^FD{tracking_code}^FS^XZ"


def label_pdf(lines: Sequence[str]) -> bytes:
    """The label for an ordinary printer."""
    return _pdf(lines, *LABEL_POINTS)


def sheet_pdf(lines: Sequence[str]) -> bytes:
    """A page of text; what does not fit on it is left out."""
    return _pdf(lines, *SHEET_POINTS)


def _pdf(lines: Sequence[str], width: int, height: int) -> bytes:
    """A PDF file of one page, in the form of ISO 32000-1, annex H."""
    top = height - 2 * _MARGIN_POINTS
    shown = lines[: top // _LEADING_POINTS]
    said = "".join(f"({_escaped(line)}) Tj T*\n" for line in shown)
    drawn = f"BT /F1 11 Tf {_LEADING_POINTS} TL {_MARGIN_POINTS} {top} Td\n{said}ET".encode(
        "cp1252", "replace"
    )
    page = f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {width} {height}] /Contents 4 0 R"
    parts = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        f"{page} /Resources << /Font << /F1 5 0 R >> >> >>".encode(),
        b"<< /Length %d >>\nstream\n%b\nendstream" % (len(drawn), drawn),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Courier /Encoding /WinAnsiEncoding >>",
    ]
    made = bytearray(b"%PDF-1.4\n")
    starts = []
    for number, part in enumerate(parts, start=1):
        starts.append(len(made))
        made += b"%d 0 obj\n%b\nendobj\n" % (number, part)
    table = len(made)
    made += b"xref\n0 %d\n0000000000 65535 f \n" % (len(parts) + 1)
    made += b"".join(b"%010d 00000 n \n" % start for start in starts)
    made += b"trailer\n<< /Size %d /Root 1 0 R >>\n" % (len(parts) + 1)
    return bytes(made + b"startxref\n%d\n%%%%EOF\n" % table)


def _escaped(line: str) -> str:
    return "".join(f"\\{letter}" if letter in "\\()" else letter for letter in line)
