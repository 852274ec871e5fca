"""Label documents: a blank picture, and ZPL with the tracking code in it."""

import struct
import zlib


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
