"""What a task finds in its volumes: the files, owners and modes of its images, and of folders of EFS."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from preflight.aws.efs_access import Folder
from preflight.container_engine import engine as engines
from preflight.container_engine.engine import Engine
from preflight.rehearsal.containers import task_spec
from preflight.rehearsal.containers.task_spec import FileSystem, Mount, TaskSpec
from preflight.rehearsal.containers.volumes import Volumes

RUN = "volumes"
DOCKERFILE = """\
FROM scratch
COPY --chown=1000:1001 root /
VOLUME ["/empty", "/full/"]
"""
pytestmark = [
    pytest.mark.containers,
    pytest.mark.skipif(os.geteuid() != 0, reason="the owners of files are others to a user that is not root"),
]


@pytest.fixture(scope="module")
def engine() -> Engine:
    return engines.find()


@pytest.fixture(scope="module")
def image(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An image with volumes that user 1000 owns."""
    folder = tmp_path_factory.mktemp("image")
    for name in ("empty", "full", "undeclared"):
        (folder / "root" / name).mkdir(parents=True)
        (folder / "root" / name).chmod(0o750)
    (folder / "root" / "full" / "page").write_text("from the image", encoding="utf-8")
    (folder / "Dockerfile").write_text(DOCKERFILE, encoding="utf-8")
    name = "localhost/preflight-test-volumes:1"
    engine.must("build", "--quiet", f"--label={engines.RUN_LABEL}={RUN}", "--tag", name, str(folder))
    yield name
    engines.remove_run(engine, RUN)


@pytest.fixture
def volumes(engine: Engine, tmp_path: Path) -> Volumes:
    return Volumes(engine, run=RUN, folder=tmp_path)


def task(*paths: str, **more: object) -> TaskSpec:
    """A task with a container for each path, at which the volume `v` is mounted."""
    mounts = [[{"sourceVolume": "v", "containerPath": path}] for path in paths]
    containers = [{"name": f"c{n}", "image": "i", "mountPoints": mounts[n]} for n in range(len(paths))]
    definition = {"family": "f", "revision": 1, "containerDefinitions": containers, "volumes": [{"name": "v"}], **more}
    return task_spec.from_task_definition(definition)


def filled(volumes: Volumes, folder: Path, spec: TaskSpec, image: str) -> Path:
    """Returns the folder behind the volume, once the task's containers may start."""
    volumes.fill(folder, spec, {container.name: image for container in spec.containers})
    volumes.option(folder, spec.containers[0].mounts[0], spec)
    return folder / "v"


@pytest.mark.parametrize("path", ["/empty", "/full", "/full/"])
def test_a_volume_of_the_image_keeps_its_owner_and_mode(volumes: Volumes, tmp_path: Path, image: str, path: str) -> None:
    status = filled(volumes, tmp_path, task(path), image).stat()

    assert status.st_uid == 1000
    assert status.st_gid == 1001
    assert status.st_mode & 0o7777 == 0o750


def test_a_volume_of_the_image_keeps_its_files(volumes: Volumes, tmp_path: Path, image: str) -> None:
    page = filled(volumes, tmp_path, task("/full"), image) / "page"

    assert page.read_text(encoding="utf-8") == "from the image"
    assert page.stat().st_uid == 1000


def test_a_volume_that_the_image_does_not_declare_is_empty_and_roots(
    volumes: Volumes, tmp_path: Path, image: str
) -> None:
    source = filled(volumes, tmp_path, task("/undeclared"), image)

    assert list(source.iterdir()) == []
    assert source.stat().st_uid == 0
    assert source.stat().st_mode & 0o7777 == 0o755


def test_a_volume_is_filled_before_the_container_that_does_not_declare_it_starts(
    volumes: Volumes, tmp_path: Path, image: str
) -> None:
    assert [path.name for path in filled(volumes, tmp_path, task("/served", "/full"), image).iterdir()] == ["page"]


@pytest.mark.parametrize("is_read_only", [True, False])
def test_a_folder_of_efs_has_its_owner_and_is_mounted_as_it_may_be_used(
    volumes: Volumes, tmp_path: Path, *, is_read_only: bool
) -> None:
    shared = FileSystem(
        "fs-1", "/", "fsap-1", has_iam=False, folder=Folder("/a/b", 1000, 1001, 0o2775), is_read_only=is_read_only
    )
    spec = TaskSpec("f", 1, 0.25, 512, shares_processes=False, file_systems={"v": shared}, containers=())

    option = volumes.option(tmp_path, Mount("v", "/data", is_read_only=False), spec)

    status = (tmp_path / "efs" / "fs-1" / "~a~b").stat()
    assert status.st_uid == 1000
    assert status.st_gid == 1001
    assert status.st_mode & 0o7777 == 0o2775
    assert option.endswith(":ro") == is_read_only
