"""What this program installs and runs that others made: named, pinned, and checked before it runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from preflight.commands import doctor

pytestmark = pytest.mark.hostile
ROOT = Path(__file__).parents[2]


@pytest.mark.hostile(
    18,
    input="a package of the index that was replaced",
    happens="pip refuses it: each requirement has its version and hashes, which the action and the workflow ask for",
)
def test_every_requirement_has_a_hash() -> None:
    entries = re.split(r"\n(?=\S)", (ROOT / "requirements.txt").read_text().strip())

    assert not [entry for entry in entries if not re.match(r"[a-z0-9._\[\]-]+==\S+[^\n]*\n +--hash=sha256:[0-9a-f]{64}", entry)]


def test_whoever_installs_from_the_requirements_asks_for_hashes() -> None:
    files = [ROOT / "action.yml", *sorted((ROOT / ".github" / "workflows").glob("*.yml"))]
    lines = [line for file in files for line in file.read_text().splitlines() if "requirements.txt" in line and "install" in line]

    assert lines
    assert not [line for line in lines if "--require-hashes" not in line]


@pytest.mark.parametrize("package", doctor.PACKAGES)
def test_every_package_of_apt_is_in_the_docs_with_its_reason(package: str) -> None:
    assert f"\n| {package} | " in (ROOT / "docs" / "dependencies.md").read_text()
