"""What an engine says of itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from preflight.container_engine import engine_info
from preflight.container_engine.engine import Engine
from preflight.container_engine.engine_info import EngineInfo
from preflight.system.processes import CompletedProcess


@dataclass(frozen=True)
class Answering(Engine):
    """An engine with the answers to each time that it is asked."""

    answers: list[tuple[int, str]] = field(default_factory=list)

    def run(self, *args: str, **_options: Any) -> CompletedProcess:
        code, text = self.answers.pop(0)
        return CompletedProcess(args, code, text, "")


def test_podman_names_its_folder_and_what_manages_its_groups() -> None:
    assert engine_info.of(Answering("podman", "4", answers=[(0, "/var/lib/my containers\ncgroupfs\n")])) == EngineInfo("/var/lib/my containers", "cgroupfs")


def test_docker_names_its_folder_only() -> None:
    assert engine_info.of(Answering("docker", "20", answers=[(0, "/var/lib/docker\n")])) == EngineInfo("/var/lib/docker", "")


def test_it_is_asked_once_also_from_another_network() -> None:
    engine = Answering("podman", "4", answers=[(0, "/var/lib/containers\nsystemd\n")])

    assert engine_info.of(engine) == engine_info.of(engine.inside(Path("/proc/1/ns/net")))


def test_one_that_fails_is_asked_again() -> None:
    engine = Answering("podman", "4", answers=[(125, ""), (0, "/var/lib/containers\nsystemd\n")])

    assert [engine_info.of(engine).cgroup_manager for _ in range(2)] == ["", "systemd"]
