"""Pulls from registries that answer without end: what is bounded here, beside what the engines bound themselves."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from preflight.container_engine import disk_growth, engine_info, image_pull, scratch
from preflight.container_engine.engine import Engine
from preflight.errors import ToolBrokeError
from preflight.system import run_folders

pytestmark = pytest.mark.hostile


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """An engine whose pulls write to TMPDIR what a registry sends, and never end."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    program = tmp_path / "podman"
    program.write_text('#!/bin/sh\n[ "$1" = pull ] || exit 0\necho layer > "$TMPDIR/blob"\nexec sleep 60\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return Engine("podman", "5.0")


def pulled_files(tmp_path: Path) -> list[Path]:
    return list((tmp_path / "cache").rglob("blob"))


@pytest.mark.hostile(
    5,
    input="a registry sends a layer without end, or a layer that unpacks to more than the disk; a build fills the disk",
    happens="exit code 2, and the files are removed",
    limit="20 GiB, or what leaves the machine 4 GiB",
)
def test_a_layer_without_end_is_broken_off_before_the_disk_is_full(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = disk_growth.GIBIBYTE * 9
    monkeypatch.setattr(disk_growth, "free_bytes", lambda _folder: full - (full if pulled_files(tmp_path) else 0))

    with pytest.raises(ToolBrokeError, match=r"^big:1 was not pulled: .* took more than 5\.0 GiB of the disk\. Next: "):
        image_pull.pull(engine, "big:1")

    assert pulled_files(tmp_path) == []


@pytest.mark.hostile(
    5,
    input="a registry sends a byte a second",
    happens="exit code 2, and what to do",
    limit="600 s",
)
def test_a_registry_that_drips_is_broken_off(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_pull, "TIMEOUT", 0.5)

    with pytest.raises(ToolBrokeError, match=r"^slow:1 was not pulled: .* did not end within 0\.5 s\. Next: "):
        image_pull.pull(engine, "slow:1")

    assert pulled_files(tmp_path) == []


@pytest.mark.parametrize(
    ("free", "most"),
    [
        pytest.param(100, 20, id="as much as Fargate has"),
        pytest.param(12, 8, id="what leaves 4 GiB to the machine"),
        pytest.param(6, 3, id="half of little"),
    ],
)
def test_an_image_may_take_what_fargate_has_or_the_machine_can_spare(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, free: int, most: int
) -> None:
    left = [free * disk_growth.GIBIBYTE]
    monkeypatch.setattr(disk_growth, "free_bytes", lambda _folder: left[0])
    growth = disk_growth.DiskGrowth(engine_info.store(engine))

    left[0] -= most * disk_growth.GIBIBYTE
    assert growth.trouble() is None

    left[0] -= 1
    assert growth.trouble() is not None


def test_a_sweep_removes_what_pulls_left_that_were_killed(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "cache" / run_folders.NAME / "scratch" / "1:1-x"
    gone.mkdir(parents=True)

    with scratch.scratch(engine) as own:
        assert scratch.remove_unfinished() == 1
        assert not gone.exists()
        assert Path(own.env["TMPDIR"]).exists()


def test_a_folder_in_which_something_is_mounted_stays(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scratch, "MOUNTS", tmp_path / "mountinfo")

    with scratch.scratch(engine) as own:
        folder = Path(own.env["TMPDIR"])
        (tmp_path / "mountinfo").write_text(f"1 2 0:3 / {folder}/mnt rw - overlay overlay rw\n")

    assert folder.exists()
