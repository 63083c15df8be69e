"""Patterns as AWS writes them, in Java's syntax: one that cannot be read here, or takes too long, decides nothing."""

from __future__ import annotations

import functools

import regex


def fits(pattern: str, text: str, *, timeout: float, is_whole: bool = True, is_ascii: bool = False) -> bool:
    """Whether a text has a pattern, as a whole or somewhere, within `timeout` seconds; with `is_ascii`, letters are those of ASCII."""
    compiled = _compiled(pattern, is_ascii=is_ascii)
    if compiled is None:
        return True
    try:
        return (compiled.fullmatch if is_whole else compiled.search)(text, timeout=timeout) is not None
    except TimeoutError:
        return True


@functools.cache
def _compiled(pattern: str, *, is_ascii: bool) -> regex.Pattern[str] | None:
    try:
        return regex.compile(pattern, regex.ASCII if is_ascii else 0)
    except regex.error:
        return None
