"""Stand-in images for a registry that cannot be reached: built once, kept under names of their own.

A stand-in is a folder with a program `build`, which fills the folder it is given, and a `Dockerfile` that
turns that into an image. It is used only if the registry of the real image cannot be reached. The program
runs on this machine, so only the caller's options name stand-ins, never a plan alone.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from preflight.container_engine import image_names, image_pull, unfinished_builds
from preflight.container_engine.engine import Engine
from preflight.container_engine.scratch import scratch
from preflight.errors import ToolBrokeError, UsageError
from preflight.system import processes, run_folders

PREFIX = "localhost/preflight-standin/"
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}  # of the program, and nothing else
_UNREACHABLE = re.compile(
    r"no such host|i/o timeout|connection refused|network is unreachable|no route to host|"
    r"handshake timeout|temporary failure in name resolution|server misbehaving|proxyconnect|"
    r"connection reset|context deadline exceeded|request canceled|unexpected EOF|denied destination|403 \(Forbidden\)|"
    r"toomanyrequests",
    re.IGNORECASE,
)


class Standins:
    """Finds the image to run for a name: the real one, or its stand-in. `used` names the latter.

    `note` gets a sentence for each program that ran.
    """

    def __init__(
        self, engine: Engine, folders: Mapping[str, Path], note: Callable[[str], None] = lambda _text: None
    ) -> None:
        self._engine = engine
        self._note = note
        self._folders = dict(folders)
        self._found: dict[tuple[str, str | None], str] = {}
        self.used: dict[str, str] = {}

    def image(self, name: str, platform: str | None = None) -> str:
        """What to run, or to build on, where `name` is asked for: `name` itself, or the name of its stand-in.

        It is for `platform`, where one is asked for; else this machine runs it.

        Raises:
            LookupError: the registry answered that there is no such image; the text is what it said.
            ToolBrokeError: the registry cannot be reached, and there is no stand-in.
        """
        if not image_names.is_reference(name):
            msg = f"invalid reference format: {name}"
            raise LookupError(msg)
        if (name, platform) not in self._found:
            self._found[name, platform] = self._find(name, platform)
        return self._found[name, platform]

    def _find(self, name: str, platform: str | None) -> str:
        platforms = self._engine.platforms if platform is None else {platform}
        present = self._engine.platform_of(name)
        if present in platforms:
            return name
        pulled = platform or (None if present is None else self._engine.platform)  # another build left that of its own
        completed = image_pull.pull(self._engine, image_names.qualified(name), *(("--platform", pulled) if pulled else ()))
        if completed.code == 0:
            return image_names.qualified(name)
        output = (completed.stderr or completed.stdout).strip()
        if not _UNREACHABLE.search(output):
            raise LookupError(output.splitlines()[-1] if output else "the registry did not say why")
        folder = self._folder(name, output)
        self.used[name] = build(
            self._engine,
            repository(name),
            folder,
            platform,
            ran=lambda: self._note(f"{folder}/build ran on this machine, for the stand-in of {name}"),
        )
        return self.used[name]

    def _folder(self, name: str, output: str) -> Path:
        folder = self._folders.get(repository(name))
        if folder is None:
            msg = (
                f"the registry of {name} cannot be reached, and no stand-in for it is allowed. Next: `{self._engine.program} pull "
                f"{image_names.qualified(name)}` once it answers, or pass --allow-standins if the plan names one, or --standin {repository(name)}=FOLDER. "
                f"The engine said: {output[-300:]}"
            )
            raise ToolBrokeError(msg)
        return folder


def repository(image: str) -> str:
    """The repository of an image name as people write it: `nginx` for `docker.io/library/nginx:1`."""
    name = image.partition("@")[0]
    name = name.removeprefix("docker.io/").removeprefix("library/")
    head, slash, tail = name.rpartition("/")
    return head + slash + tail.partition(":")[0]


def build(
    engine: Engine, name: str, folder: Path, platform: str | None = None, *, ran: Callable[[], None] = lambda: None
) -> str:
    """Name of the stand-in's image, built from `folder` unless the store has it; calls `ran` if its program ran.

    Its programs are those of this machine, also where it is for another platform: tasks of that are not run.

    Raises:
        ToolBrokeError: it cannot be built.
    """
    foreign = platform if platform != engine.platform else None
    tail = f"-{foreign.replace('/', '-')}" if foreign else ""
    image = f"{PREFIX}{name}:{_fingerprint(folder)}{tail}"
    with run_folders.turn("standins"):  # another run may be building the same one
        if engine.run("image", "inspect", image).code != 0:
            ran()
            _build(engine, image, folder, foreign)
    return image


def _build(engine: Engine, image: str, folder: Path, platform: str | None) -> None:
    flat = ("--layers=false",) if engine.program == "podman" else ()  # or a build that is killed leaves an image of each layer
    options = (*unfinished_builds.mark(engine), *flat, *(("--no-cache", "--platform", platform) if platform else ()))
    with tempfile.TemporaryDirectory(dir=run_folders.cache()) as folder_name:
        root = Path(folder_name) / "rootfs"
        root.mkdir()
        processes.run_checked(str(folder / "build"), str(root), timeout=300, env=ENVIRONMENT, inherits_env=False)
        (Path(folder_name) / "Dockerfile").write_bytes((folder / "Dockerfile").read_bytes())
        with scratch(engine) as own:
            own.must("build", "--quiet", *options, "--tag", image, folder_name, timeout=300)


def _fingerprint(folder: Path) -> str:
    hashed = hashlib.sha256()
    for name in ("build", "Dockerfile"):
        path = folder / name
        if not path.is_file():
            msg = f"{folder}: a stand-in needs a file named {name}"
            raise UsageError(msg)
        hashed.update(path.read_bytes())
    return hashed.hexdigest()[:12]


def remove(engine: Engine) -> list[str]:
    """Remove every stand-in image and return their names."""
    listed = engine.must("images", "--format", "{{.Repository}}:{{.Tag}}").split()
    images = [image for image in listed if image.startswith(PREFIX)]
    if images:
        engine.must("rmi", "--force", *images)
    return images
