"""Packages that only some commands need, and that an extra of this package installs."""

from __future__ import annotations

import importlib.util

from preflight.errors import ToolMissingError

# Modules that each extra installs and nothing else of this project does, and their packages.
MODULES = {
    "rehearsal": {"moto": "moto[server]", "cryptography": "cryptography", "dns": "dnspython"},
    "pytest": {"testinfra": "pytest-testinfra"},
}


def missing(extra: str) -> list[str]:
    """Returns the packages of an extra that cannot be imported."""
    return [package for module, package in MODULES[extra].items() if importlib.util.find_spec(module) is None]


def command(extra: str) -> str:
    """Returns the command that installs an extra."""
    return f"pip install 'fargate-preflight[{extra}]'"


def require(extra: str, purpose: str) -> None:
    """Check that an extra is installed; `purpose` says what needs it, as the subject of a sentence.

    Raises:
        ToolMissingError: it is not.
    """
    packages = missing(extra)
    if packages:
        msg = f"{purpose} needs Python packages that are not installed here ({', '.join(packages)}). Next: {command(extra)}"
        raise ToolMissingError(msg)
