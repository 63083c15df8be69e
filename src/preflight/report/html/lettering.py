"""How wide a text is, and how it is shortened: SVG breaks no lines."""

from __future__ import annotations

import unicodedata

AVERAGE, FIXED = 0.56, 0.61  # of the size of the font: an average letter, and one of a font for code


def width(text: str, size: float, *, is_code: bool = False) -> float:
    """Returns about how wide a text is; letters of East Asia are as wide as high."""
    narrow = FIXED if is_code else AVERAGE
    return sum(size if unicodedata.east_asian_width(letter) in "WF" else size * narrow for letter in text)


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
