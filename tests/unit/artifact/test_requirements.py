"""requirements.txt, which is installed with hashes, has what constraints.txt names."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
_PIN = re.compile(r"(?m)^([A-Za-z0-9_.-]+)(?:\[[^]]*\])?==([^\s;\\]+)")


def _pins(name: str) -> set[tuple[str, str]]:
    found = _PIN.findall((ROOT / name).read_text())
    return {(re.sub(r"[-_.]+", "-", package).lower(), version) for package, version in found}


def test_every_version_is_that_of_the_constraints() -> None:
    assert _pins("requirements.txt") <= _pins("constraints.txt")


def test_every_package_has_a_hash() -> None:
    entries = re.split(r"(?m)^(?=[A-Za-z])", (ROOT / "requirements.txt").read_text())

    assert not [entry for entry in entries if "==" in entry and "--hash=sha256:" not in entry]
