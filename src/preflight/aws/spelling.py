"""Names that are no more than a slip away from a known one, and so are that one misspelt."""

from __future__ import annotations

import re
from collections.abc import Collection

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_SHORT = 4  # letters


def is_misspelt(name: str, frequent: Collection[str]) -> bool:
    """Whether a name is none of the frequent ones, and differs from one of them by one letter."""
    return name not in frequent and any(_differ_by_one(name, other) for other in frequent)


def is_near(text: str, known: Collection[str]) -> bool:
    """Whether a text is none of the known ones, but one of them but for its case, its punctuation or one letter.

    Digits count, and so do the letters of short words: GPU is no CPU misspelt.
    """
    return text not in known and any(_plain(text) == _plain(other) or _is_slip(text, other) for other in known)


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


def _is_slip(text: str, known: str) -> bool:
    if not _differ_by_one(text, known) or re.sub(r"\D", "", text) != re.sub(r"\D", "", known):
        return False
    place = next((n for n, (one, other) in enumerate(zip(text, known, strict=False)) if one != other), len(known))
    return len(text) != len(known) or any(word.start() <= place < word.end() and len(word[0]) > _SHORT for word in _WORD.finditer(known))


def _differ_by_one(one: str, other: str) -> bool:
    """Whether two texts differ by one letter that is missing, added or another one."""
    short, long = sorted((one, other), key=len)
    if len(long) - len(short) > 1 or short == long:
        return False
    same = next((n for n, letter in enumerate(short) if letter != long[n]), len(short))
    return short[same + (len(short) == len(long)) :] == long[same + 1 :]
