"""Codes that a telephone reads from the screen."""

import re

import segno

from shared.edge.console.codes import Code, qr_code

URI = "otpauth://totp/Dispatch:ada%40example.org?secret=ABCDEFGH&issuer=Dispatch"
FINDER = ["1111111", "1000001", "1011101", "1011101", "1011101", "1000001", "1111111"]
_MODULE = re.compile(r"M(\d+) (\d+)h1v1h-1z")


def dark(code: Code) -> set[tuple[int, int]]:
    """Where it is dark: (x, y)."""
    assert _MODULE.sub("", code.path) == ""
    return {(int(x), int(y)) for x, y in _MODULE.findall(code.path)}


def test_a_code_has_its_marks_in_three_corners_and_light_around_it() -> None:
    code = qr_code(URI)
    modules, end = dark(code), code.size - 4

    for left, top in ((4, 4), (end - 7, 4), (4, end - 7)):
        for y, row in enumerate(FINDER):
            assert [str(int((left + x, top + y) in modules)) for x in range(7)] == list(row)
    assert all(4 <= x < end and 4 <= y < end for x, y in modules)


def test_what_is_drawn_is_what_was_made_of_the_text() -> None:
    code = qr_code(URI)
    made = segno.make(URI, error="m", micro=False)

    rows = made.matrix
    expected = {
        (x + 4, y + 4) for y, row in enumerate(rows) for x, is_on in enumerate(row) if is_on
    }
    assert dark(code) == expected
    assert dark(qr_code(f"{URI}&digits=6")) != expected
