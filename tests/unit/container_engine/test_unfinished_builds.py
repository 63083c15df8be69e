"""What builds left that were killed goes, and what others are building stays."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from preflight.container_engine import engine as engines
from preflight.container_engine import engine_info, unfinished_builds
from preflight.system import run_folders
from preflight.system.processes import CompletedProcess

CONTAINERS = {"own": run_folders.owner_name(), "of-a-dead-run": "1:1", "of-no-run": None, "being-made": "1:1"}


@dataclass(frozen=True)
class Listing(engines.Engine):
    """An engine that lists containers."""

    program: str = "podman"
    version: str = "1"
    asked: list[tuple[str, ...]] = field(default_factory=list)

    def run(self, *args: str, **_options: Any) -> CompletedProcess:
        self.asked.append(args)
        listed = [{"Id": name, "State": "storage"} for name in CONTAINERS] + [{"Id": "running", "State": "running"}]
        return CompletedProcess(args, 0, json.dumps(listed), "")

    def must(self, *args: str, **options: Any) -> str:
        return self.run(*args, **options).stdout


@pytest.mark.parametrize(
    ("has_own", "removed"),
    [
        pytest.param(False, ["of-a-dead-run"], id="by a sweep"),
        pytest.param(True, ["own", "of-a-dead-run"], id="after a build that was broken off"),
    ],
)
def test_only_containers_of_killed_builds_of_this_program_are_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, has_own: bool, removed: list[str]
) -> None:
    monkeypatch.setattr(engine_info, "store", lambda _engine: tmp_path)
    for name, owner in {**CONTAINERS, "running": "1:1"}.items():
        folder = tmp_path / "overlay-containers" / name / "userdata"
        folder.mkdir(parents=True)
        arguments = {} if owner is None else {unfinished_builds.ARGUMENT: owner}
        text = json.dumps({"Args": arguments})
        (folder / "buildah.json").write_text(text[:9] if name == "being-made" else text)
    engine = Listing()

    assert unfinished_builds.remove(engine, has_own=has_own) == len(removed)
    assert [args for args in engine.asked if args[0] == "rm"] == [("rm", "--force", *removed)]
