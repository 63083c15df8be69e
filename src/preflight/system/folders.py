"""Compares folders."""

from __future__ import annotations

import os
from pathlib import Path


def are_same(one: Path, other: Path) -> bool:
    """Whether two folders hold the same files: names, contents, modes, and where links lead to."""
    if one == other:
        return True
    files = [sorted(path.relative_to(folder) for path in folder.rglob("*")) for folder in (one, other)]
    return files[0] == files[1] and all(_is_same(one / path, other / path) for path in files[0])


def _is_same(one: Path, other: Path) -> bool:
    if one.is_symlink() or other.is_symlink():
        return one.is_symlink() and other.is_symlink() and one.readlink() == other.readlink()
    if one.is_dir() or other.is_dir():
        return one.is_dir() and other.is_dir()
    if not (one.is_file() and other.is_file()):
        return False
    return os.access(one, os.X_OK) == os.access(other, os.X_OK) and one.read_bytes() == other.read_bytes()
