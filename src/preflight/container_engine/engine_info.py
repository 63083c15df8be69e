"""What an engine says of itself, asked once a run: it takes podman almost half a second to answer."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from preflight.errors import PreflightError

if TYPE_CHECKING:
    from preflight.container_engine.engine import Engine

# https://docs.podman.io/en/v4.3/markdown/podman-info.1.html, https://docs.docker.com/reference/cli/docker/system/info/
_TEMPLATES = {"podman": "{{.Store.GraphRoot}}\n{{.Host.CgroupManager}}", "docker": "{{.DockerRootDir}}"}


@dataclass(frozen=True)
class EngineInfo:
    """The folder of an engine's images, and what manages the control groups of its containers; "" if it does not say."""

    folder: str = ""
    cgroup_manager: str = ""


@dataclass
class KeptInfo:
    """What an engine said, for everyone who asks in this process."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    info: EngineInfo | None = None


def of(engine: Engine) -> EngineInfo:
    """Returns what an engine says; nothing if it fails, and then it is asked again."""
    with engine.kept.lock:
        if engine.kept.info is None:
            completed = engine.run("info", "--format", _TEMPLATES.get(engine.program, ""))
            if completed.code != 0:
                return EngineInfo()
            engine.kept.info = EngineInfo(*completed.stdout.splitlines()[:2])
        return engine.kept.info


def ask_ahead(engine: Engine) -> None:
    """Ask an engine in the background, before the first task needs to know; an error is for the task that needs it."""

    def ask() -> None:
        with contextlib.suppress(PreflightError):
            of(engine)

    threading.Thread(target=ask, daemon=True, name="engine-info").start()


def store(engine: Engine) -> Path:
    """Returns the folder of an engine's images; the root folder if they are not on this machine."""
    folder = Path(of(engine).folder or "/") if engine.is_local else Path("/")
    return folder if folder.is_dir() else Path("/")
