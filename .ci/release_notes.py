"""Prints the changelog's section of a tag; ends with 1 if tag, version and changelog do not agree."""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def section(changelog: str, version: str) -> str | None:
    """Returns what a changelog says of a version, or None if it has no heading for it."""
    match = re.search(rf"(?ms)^## \[?{re.escape(version)}\b[^\n]*\n(.*?)(?=^## |\Z)", changelog)
    return match[1].strip() if match else None


def main() -> int:
    """Print the section, and return the exit code."""
    tag = sys.argv[1]
    version = re.findall(r'__version__ = "(.+)"', (ROOT / "src" / "preflight" / "__init__.py").read_text(encoding="utf-8"))[0]
    notes = section((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), version)
    if tag != f"v{version}":
        sys.stderr.write(f"the tag is {tag}, and src/preflight/__init__.py says {version}\n")
    elif not notes:
        sys.stderr.write(f"CHANGELOG.md has no section {version}\n")
    else:
        sys.stdout.write(f"{notes}\n")
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
