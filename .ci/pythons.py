"""Says which Pythons the jobs of CI run on: the oldest and the newest one of pyproject.toml, as outputs of a step."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[1] / "pyproject.toml"


def supported(text: str) -> list[str]:
    """The versions among the classifiers of a project, oldest first."""
    found = re.findall(r'"Programming Language :: Python :: (\d+\.\d+)"', text)
    return sorted(found, key=lambda version: tuple(map(int, version.split("."))))


def main() -> None:
    """Write the outputs `ends` (a JSON list) and `newest`."""
    versions = supported(PROJECT.read_text(encoding="utf-8"))
    ends = list(dict.fromkeys((versions[0], versions[-1])))
    sys.stdout.write(f"ends={json.dumps(ends)}\nnewest={versions[-1]}\n")


if __name__ == "__main__":
    main()
