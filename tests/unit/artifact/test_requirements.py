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


def _section(beginning: str) -> str:
    """Returns the part of pyproject.toml from a line to the next empty line."""
    return (ROOT / "pyproject.toml").read_text().partition(f"\n{beginning}\n")[2].partition("\n\n")[0]


def test_the_bare_package_has_neither_the_rehearsal_nor_pytest() -> None:
    bare = set(re.findall(r'(?m)^  "([A-Za-z0-9-]+)', _section("dependencies = [")))

    assert "cfn-lint" in bare
    assert not bare & {"moto", "boto3", "pytest", "pytest-testinfra", "cryptography", "dnspython"}


def test_uvx_finds_a_command_with_the_name_of_the_package() -> None:
    assert 'fargate-preflight = "preflight.cli:main"' in _section("[project.scripts]")
