"""Instructions of a Dockerfile that the container engine of this machine cannot build safely.

Source: CVE-2024-1753: in podman before 4.9.4 a bind mount of a build stage may follow a symbolic link to the host.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from preflight.container_engine import image_names
from preflight.container_engine.engine import Engine
from preflight.deploy import dockerfile

MESSAGE = "a mount in a build could write to this machine through a symbolic link (CVE-2024-1753)"
SOURCE = "https://github.com/containers/podman/security/advisories/GHSA-874v-pj72-92f3"
FIX = "Install podman 4.9.4 or newer, or build without --mount."
TRANSPORTS = "https://github.com/containers/image/blob/main/docs/containers-transports.5.md"
NO_FILES = "Build on images of registries only."
PREDEFINED = {f"{prefix}{part}": "x" for prefix in ("TARGET", "BUILD") for part in ("PLATFORM", "OS", "ARCH", "VARIANT")}
FIXED = (4, 9, 4)  # the first version of podman without the flaw


class UnsafeBuildError(Exception):
    """A build that this engine must not run; `line` is that of the Dockerfile, 1 for a base image's own instruction."""

    def __init__(self, engine: Engine, line: int, reason: str = "", *, is_flaw: bool = True) -> None:
        super().__init__(f"{engine.name}: {MESSAGE}{reason}" if is_flaw else reason)
        self.line = line
        self.fix, self.source = (FIX, SOURCE) if is_flaw else (NO_FILES, TRANSPORTS)


def check(engine: Engine, text: str) -> None:
    """Check that an engine can build a Dockerfile safely.

    Raises:
        UnsafeBuildError: it cannot.
    """
    for line in sorted(mounts(text)) if is_flawed(engine) else ():
        raise UnsafeBuildError(engine, line)


def check_base(engine: Engine, image: str) -> None:
    """Check what a base image adds to the build of an image on it.

    Raises:
        UnsafeBuildError: one of its ONBUILD instructions mounts something, or takes files of this machine.
    """
    if engine.program != "podman":
        return
    completed = engine.run("image", "inspect", "--format", "{{json .Config.OnBuild}}", image)
    triggers = json.loads(completed.stdout.strip() or "null") if completed.code == 0 else None
    text = "\n".join(map(str, triggers or ()))
    if is_flawed(engine) and mounts(text):
        raise UnsafeBuildError(engine, 1, f", in an ONBUILD instruction of {image}")
    for name in files(text):
        raise UnsafeBuildError(engine, 1, f"an ONBUILD instruction of {image} takes files from {name}, which is no image of a registry", is_flaw=False)


def files(text: str) -> list[str]:
    """Returns the names of a Dockerfile that stand where images do, and are none of a registry: podman reads them as files."""
    names = [*base_names(text, PREDEFINED), *source_names(text)]
    return [name for name in dict.fromkeys(names) if not image_names.is_reference(name)]


def source_names(text: str) -> list[str]:
    """Returns the names of the images that some builder could take files from."""
    return list(dict.fromkeys(name for read in dockerfile.readings(text) for name in dockerfile.sources(read)))


def base_names(text: str, predefined: Mapping[str, str]) -> list[str]:
    """Returns the names of the images that some builder could build on."""
    reads = [(read, has_late) for read in dockerfile.readings(text) for has_late in (False, True)]
    names = (base.name for read, has_late in reads for base in dockerfile.bases(read, predefined, has_late=has_late))
    return list(dict.fromkeys(names))


def is_flawed(engine: Engine) -> bool:
    """Whether a build on this engine may write to the host through a mount; a version of another form counts as old."""
    numbers = tuple(int(number) for number in re.findall(r"\d+", engine.version)[:3])
    return engine.program == "podman" and numbers < FIXED


def mounts(text: str) -> set[int]:
    """Returns the lines of instructions that mount something into a build."""
    every = (one for read in dockerfile.readings(text) for one in read)
    return {one.line for one in every if one.keyword == "RUN" and any(flag.lower().startswith("--mount") for flag in one.flags)}
