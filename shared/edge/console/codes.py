"""What a telephone reads from a screen: geometry for the SVG of a template. Pure."""

from dataclasses import dataclass

import segno

_QUIET = 4  # modules around it that stay light; ISO/IEC 18004:2015, 5.3.8


@dataclass(frozen=True, slots=True)
class Code:
    """A QR code: how wide and high it is, in modules, and the outline of the dark ones."""

    size: int
    path: str


def qr_code(text: str) -> Code:
    """The text as a QR code that is read even where some 15 % of it cannot be seen."""
    rows = [list(row) for row in segno.make_qr(text, error="m").matrix_iter(border=_QUIET)]
    dark = [
        f"M{x} {y}h1v1h-1z" for y, row in enumerate(rows) for x, module in enumerate(row) if module
    ]
    return Code(len(rows), "".join(dark))
