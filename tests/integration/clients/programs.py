"""Programs of others, installed by name into a folder of the test; what cannot be installed is skipped, loudly."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from preflight.errors import PreflightError
from preflight.system import processes
from tests.integration.emulator import REGION, Emulator


def from_pypi(folder: Path, *packages: str) -> Path:
    """Install packages into a virtual environment, and return the folder of their programs."""
    _install(packages, sys.executable, "-m", "venv", str(folder))
    _install(packages, str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", *packages)
    return folder / "bin"


def from_npm(folder: Path, *packages: str) -> Path:
    """Install packages, and return the folder of their modules."""
    _install(packages, "npm", "install", "--silent", "--no-audit", "--prefix", str(folder), *packages)
    return folder / "node_modules"


def _install(packages: tuple[str, ...], *command: str) -> None:
    try:
        processes.run_checked(*command, timeout=900, env={"PIP_CONSTRAINT": ""})
    except PreflightError as error:
        pytest.skip(f"{', '.join(packages)} cannot be installed: {error}")


def environment(account: Emulator, home: Path) -> dict[str, str]:
    """Returns what `preflight serve` prints for clients, and a home folder without settings of the user."""
    return {
        "AWS_ENDPOINT_URL": account.endpoint,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "any",
        "AWS_SECRET_ACCESS_KEY": "any",
        "CDK_DOCKER": account.docker,
        "HOME": str(home),
    }
