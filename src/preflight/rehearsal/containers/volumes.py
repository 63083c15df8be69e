"""The folders of this machine behind the volumes of tasks: their files, their owners, and who may write to them."""

from __future__ import annotations

import functools
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

from preflight.container_engine import engine as engines
from preflight.container_engine.engine import Engine
from preflight.errors import ToolBrokeError
from preflight.rehearsal.containers.task_spec import FileSystem, Mount, TaskSpec
from preflight.system import processes

COPY_WITHIN = 300.0  # seconds in which the files of an image are copied


class Volumes:
    """Volumes of one run: each task has its own, those on EFS are the same for all tasks."""

    def __init__(self, engine: Engine, *, run: str, folder: Path) -> None:
        self._engine = engine
        self._label = f"--label={engines.RUN_LABEL}={run}"
        self._folder = folder

    def fill(self, folder: Path, task: TaskSpec, images: Mapping[str, str]) -> None:
        """Copy what images have at their own volumes into the task's volumes that are mounted there.

        Files, owners and modes are those of the image, of empty folders too. Every other volume is empty, and only
        root may write to it.
        Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/bind-mounts.html.
        """
        for spec in task.containers:
            mounts = [m for m in spec.mounts if m.volume not in task.file_systems]
            declared = self._volumes_of(images[spec.name]) if mounts else frozenset()
            for mount in mounts:
                path, source = mount.path.rstrip("/"), folder / mount.volume
                if path in declared and not source.exists():
                    self._copy(images[spec.name], path, source)

    @functools.cache  # noqa: B019 - an object lives as long as its run, and images do not change under a digest
    def _volumes_of(self, image: str) -> frozenset[str]:
        """Returns the paths that an image declares as volumes."""
        process = self._engine.run("image", "inspect", "--format", "{{json .Config.Volumes}}", image)
        volumes = json.loads(process.stdout or "null") if process.code == 0 else None
        return frozenset(path.rstrip("/") for path in volumes or ())

    def _copy(self, image: str, path: str, source: Path) -> None:
        """Copy from the volume that the engine itself fills for a container of the image, which does not run."""
        output = self._engine.must("create", "--pull=never", "--network=none", self._label, image, "none")
        container = output.splitlines()[-1]
        try:
            if self._engine.program == "podman":  # docker fills volumes when it creates a container
                self._engine.run("init", container)
            mounts = json.loads(self._engine.must("inspect", "--format", "{{json .Mounts}}", container))
            volume = next(mount["Source"] for mount in mounts if mount["Destination"].rstrip("/") == path)
            if not self._run_as_root("cp", "--archive", "--", volume, str(source)):
                source.mkdir()
                self._engine.run("cp", "--archive", f"{container}:{path}/.", str(source))
        finally:
            self._engine.run("rm", "--force", "--volumes", container)

    def option(self, folder: Path, mount: Mount, task: TaskSpec) -> str:
        """Returns the engine's option for a mount of a task whose own volumes are in `folder`.

        Raises:
            ToolBrokeError: the path is one that the engine would misunderstand.
        """
        if ":" in mount.path:  # the text after it would be options, some of which give access to this machine
            msg = f"the container path {mount.path} of volume {mount.volume} has a colon. Next: mount it elsewhere"
            raise ToolBrokeError(msg)
        shared = task.file_systems.get(mount.volume)
        source = self._own(folder / mount.volume) if shared is None else self._shared(shared)
        is_read_only = mount.is_read_only or (shared is not None and shared.is_read_only)
        return f"--volume={source}:{mount.path}{':ro' if is_read_only else ''}"

    @staticmethod
    def _own(source: Path) -> Path:
        if not source.exists():
            source.mkdir(parents=True)
            source.chmod(0o755)
        return source

    def _shared(self, file_system: FileSystem) -> Path:
        """Returns the folder of a file system; the first task that mounts it gives it its owner and mode."""
        folder = file_system.folder
        source = self._folder / "efs" / _folder_name(file_system.id) / _folder_name(folder.path)
        is_new = not source.exists()
        if is_new:
            source.mkdir(parents=True)
            self._run_as_root("chown", f"{folder.uid}:{folder.gid}", str(source))
        if is_new or folder.mode & 0o777 == 0o777:  # an access point opens it to the users of all containers
            self._run_as_root("chmod", f"{folder.mode:04o}", str(source))
        return source

    def _run_as_root(self, *args: str) -> bool:
        """Runs a program as the user that containers see as root; False if this user cannot be it."""
        if not self._engine.is_local:
            return False
        if os.geteuid() == 0:
            processes.run_checked(*args, timeout=COPY_WITHIN)
        elif self._engine.program == "podman":
            self._engine.must("unshare", *args, timeout=COPY_WITHIN)
        else:
            return False
        return True


def _folder_name(text: str) -> str:
    """Returns a text as the name of one folder, whatever characters it has."""
    return re.sub(r"[^A-Za-z0-9_-]", "~", text)
