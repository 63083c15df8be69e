"""Containers of builds that were killed: podman keeps them, with all that the build wrote, and shows them as storage alone.

Each build of this program gets an argument with its process, which podman keeps in the file `buildah.json`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from preflight.container_engine import engine_info
from preflight.container_engine.engine import Engine
from preflight.system import run_folders

ARGUMENT = "preflight.owner"
STORAGE = "storage"  # the state of what podman knows as storage alone


def mark(engine: Engine) -> tuple[str, ...]:
    """Returns the option that marks a build with this process."""
    return (f"--build-arg={ARGUMENT}={run_folders.owner_name()}",) if engine.program == "podman" else ()


def remove(engine: Engine, *, has_own: bool = False) -> int:
    """Remove the containers of builds whose process is gone, and of this process if it `has_own`; how many these were."""
    if engine.program != "podman" or not engine.is_local:
        return 0
    owners = {run_folders.owner_name()} if has_own else set()
    left = [container for container, owner in _marked(engine) if owner in owners or not run_folders.is_owner_alive(owner)]
    if left:
        engine.run("rm", "--force", *left)
    return len(left)


def _marked(engine: Engine) -> Iterator[tuple[str, str]]:
    """Yields the id of each container of a build of this program, and what process started it."""
    listed = json.loads(engine.must("ps", "--all", "--external", "--format", "json") or "[]")
    containers = [str(one["Id"]) for one in listed if one["State"] == STORAGE]
    folders = engine_info.store(engine) if containers else Path()
    for container in containers:
        for file in folders.glob(f"*-containers/{container}/userdata/buildah.json"):
            owner = _owner(file)
            if owner:
                yield container, owner


def _owner(file: Path) -> str:
    try:
        arguments = json.loads(file.read_text(encoding="utf-8")).get("Args") or {}
    except (OSError, ValueError, AttributeError):
        return ""  # it is being made or removed
    return str(arguments.get(ARGUMENT, ""))
