"""Instructions of a Dockerfile that the container engine of this machine cannot build safely.

Source: CVE-2024-1753: in podman before 4.9.4 a bind mount of a build stage may follow a symbolic link to the host.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from preflight.container_engine.engine import Engine

MESSAGE = "a mount in a build could write to this machine through a symbolic link (CVE-2024-1753)"
SOURCE = "https://github.com/containers/podman/security/advisories/GHSA-874v-pj72-92f3"
FIX = "Install podman 4.9.4 or newer, or build without --mount."
FIXED = (4, 9, 4)  # the first version of podman without the flaw
_MOUNT = re.compile(r"^\s*(?:ONBUILD\s+)?RUN\s+(?:--\S+\s+)*--mount\b", re.IGNORECASE)
_STAGE = re.compile(r"^\s*FROM\s.*\sAS\s+(\S+)\s*$", re.IGNORECASE)
_FROM_OPTION = re.compile(r"^\s*(?:ONBUILD\s+)?(?:COPY|ADD)\s(?:--\S+\s+)*--from=(\S+)", re.IGNORECASE)
_CONTINUES = re.compile(r"[\\`]\s*$")  # a backslash, or a backtick if the Dockerfile asks for it


class UnsafeBuildError(Exception):
    """A build that this engine must not run; `line` is that of the Dockerfile, 1 for a base image's own instruction."""

    def __init__(self, engine: Engine, line: int, reason: str = "") -> None:
        super().__init__(f"{engine.name}: {MESSAGE}{reason}")
        self.line = line


def check(engine: Engine, text: str) -> None:
    """Check that an engine can build a Dockerfile safely.

    Raises:
        UnsafeBuildError: it cannot.
    """
    for line in mounts(text) if is_flawed(engine) else ():
        raise UnsafeBuildError(engine, line)


def check_base(engine: Engine, image: str) -> None:
    """Check what a base image adds to the build of an image on it.

    Raises:
        UnsafeBuildError: one of its ONBUILD instructions mounts something.
    """
    if not is_flawed(engine):
        return
    done = engine.run("image", "inspect", "--format", "{{json .Config.OnBuild}}", image)
    triggers = json.loads(done.stdout.strip() or "null") if done.code == 0 else None
    if any(_MOUNT.search(str(trigger)) for trigger in triggers or ()):
        raise UnsafeBuildError(engine, 1, f", in an ONBUILD instruction of {image}")


def sources(text: str) -> Iterator[str]:
    """Yields the name of each image that an instruction takes files from, but for stages of the build itself."""
    stages = {"scratch"}
    for _, instruction in instructions(text):
        if stage := _STAGE.search(instruction):
            stages.add(stage[1].lower())
        for name in _FROM_OPTION.findall(instruction):
            if name.lower() not in stages and not name.isdigit():
                yield name


def is_flawed(engine: Engine) -> bool:
    """Whether a build on this engine may write to the host through a mount; a version of another form counts as old."""
    numbers = tuple(int(number) for number in re.findall(r"\d+", engine.version)[:3])
    return engine.program == "podman" and numbers < FIXED


def mounts(text: str) -> Iterator[int]:
    """Yields the line of each instruction that mounts something into a build."""
    for line, instruction in instructions(text):
        if _MOUNT.search(instruction):
            yield line


def instructions(text: str) -> Iterator[tuple[int, str]]:
    """Yields each instruction with its first line; continuation lines are joined, comments between them left out."""
    start = 0
    parts: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("#") or (parts and not line.strip()):
            continue
        start = start if parts else number
        parts.append(_CONTINUES.sub(" ", line))
        if not _CONTINUES.search(line):
            yield start, "".join(parts)
            parts = []
    if parts:
        yield start, "".join(parts)
