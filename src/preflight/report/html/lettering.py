"""How wide a text is, and how it is shortened: SVG breaks no lines."""

from __future__ import annotations

import unicodedata

AVERAGE, CAPITAL, FIXED = 0.56, 0.70, 0.61  # of the size of the font: a small letter, a capital or digit, and any one of a font for code
BOLD = 1.15  # how much wider bold letters are


def width(text: str, size: float, *, is_code: bool = False) -> float:
    """Returns about how wide a text is; letters of East Asia are as wide as high."""
    return size * sum(map(_width, text)) if not is_code else sum(size if _is_square(letter) else size * FIXED for letter in text)


def _width(letter: str) -> float:
    if _is_square(letter):
        return 1.0
    return CAPITAL if letter.isupper() or letter.isdigit() else AVERAGE


def _is_square(letter: str) -> bool:
    return unicodedata.east_asian_width(letter) in "WF"


def fit(text: str, room: float, size: float, *, is_code: bool = False) -> str:
    """Returns a text, with its middle left out if it is wider than the room."""
    if len(text) * size <= room or width(text, size, is_code=is_code) <= room:
        return text
    kept = int(len(text) * room / width(text, size, is_code=is_code)) - 1
    while kept > 1:
        head, tail = text[: (kept + 1) // 2], text[len(text) - kept // 2 :]
        if width(f"{head}…{tail}", size, is_code=is_code) <= room:
            return f"{head}…{tail}"
        kept -= 1
    return "…"
