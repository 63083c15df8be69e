"""The rules that come with the program."""

from __future__ import annotations

from pathlib import Path


def folder() -> Path:
    """The folder of the rules: inside the installed package, or beside the sources of a checkout."""
    installed = Path(__file__).parents[1] / "rules"
    return installed if installed.is_dir() else Path(__file__).parents[3] / "rules"
