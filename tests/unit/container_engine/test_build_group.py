"""The control group of a build: how many processes it may have, and that none outlives it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from preflight.container_engine import build_group
from preflight.container_engine.engine import Engine
from preflight.system import processes
from preflight.system.processes import CompletedProcess

pytestmark = pytest.mark.hostile


class Managed(Engine):
    """An engine whose groups are managed by `version`."""

    def run(self, *args: str, **_options: Any) -> CompletedProcess:
        return CompletedProcess(args, 0, f"/var/lib\n{self.version}\n", "")


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build_group, "PATIENCE", 0.0)  # a folder of files is never removed as a group is


@pytest.mark.hostile(
    5,
    input="a RUN instruction starts processes without end, or leaves some running",
    happens="the build fails, and all of them end with it",
    limit="4096 processes, 4096 MB, 900 s",
)
@pytest.mark.parametrize("controller", [pytest.param("pids", id="version 1"), pytest.param(".", id="version 2")])
def test_a_build_has_a_bounded_number_of_processes(tmp_path: Path, controller: str) -> None:
    (tmp_path / controller).mkdir(exist_ok=True)

    with build_group.bounded(Managed("podman", "cgroupfs"), "r1", root=tmp_path) as options:
        limit = (tmp_path / controller / "preflight-build-r1" / "pids.max").read_text()

    assert options == ("--cgroup-parent=/preflight-build-r1/build",)
    assert limit == "4096"


def test_a_build_under_systemd_has_its_bound(tmp_path: Path) -> None:
    with build_group.bounded(Managed("podman", "systemd"), "r1", root=tmp_path) as options:
        assert options == ()


def test_a_machine_without_groups_builds_all_the_same(tmp_path: Path) -> None:
    with build_group.bounded(Managed("podman", "cgroupfs"), "r1", root=tmp_path / "none") as options:
        assert options == ()


def test_what_a_build_left_running_is_killed(tmp_path: Path) -> None:
    sleeping = processes.start("sleep", "60")
    group = tmp_path / "pids" / "preflight-build-r1" / "build"
    group.mkdir(parents=True)
    (group / "cgroup.procs").write_text(f"0\n{sleeping.pid}\n")

    build_group.remove("r1", root=tmp_path)

    assert sleeping.result(timeout=10).code == -9


def test_groups_of_other_runs_stay(tmp_path: Path) -> None:
    other = tmp_path / "pids" / "preflight-build-r2"
    other.mkdir(parents=True)
    (tmp_path / "pids" / "preflight-build-r1").mkdir()

    build_group.remove("r1", root=tmp_path)

    assert list((tmp_path / "pids").iterdir()) == [other]
