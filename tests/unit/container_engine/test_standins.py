from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from preflight.container_engine import engine as engines
from preflight.container_engine import standins
from preflight.container_engine.standins import Standins
from preflight.system.processes import CompletedProcess

HERE = engines.Engine("podman", "1").platform
OTHER = "linux/s390x"


@dataclass(frozen=True)
class Engine(engines.Engine):
    """An engine whose store has images by name and platform, and a registry that has every image or does not answer."""

    program: str = "podman"
    version: str = "1"
    store: Mapping[str, str] = field(default_factory=dict)
    is_reachable: bool = True
    asked: list[tuple[str, ...]] = field(default_factory=list)

    def run(self, *args: str, **_options: Any) -> CompletedProcess:
        self.asked.append(args)
        if args[:2] == ("image", "inspect"):
            found = self.store.get(args[-1])
            return CompletedProcess(args, 0 if found else 125, found or "", "")
        is_refused = args[0] == "pull" and not self.is_reachable
        return CompletedProcess(args, 125, "", "i/o timeout") if is_refused else CompletedProcess(args, 0, "", "")

    def must(self, *args: str, **_options: Any) -> str:
        return self.run(*args).stdout

    def commands(self, name: str) -> list[tuple[str, ...]]:
        return [args for args in self.asked if args[0] == name]


@pytest.mark.parametrize(
    ("store", "platform", "pulled"),
    [
        pytest.param({"nginx:1": HERE}, None, [], id="it is here"),
        pytest.param({}, None, [("pull", "--quiet", "docker.io/library/nginx:1")], id="it is not here"),
        pytest.param({"nginx:1": OTHER}, None, [("pull", "--quiet", "--platform", HERE, "docker.io/library/nginx:1")], id="a build for another platform left its own"),
        pytest.param({"nginx:1": OTHER}, OTHER, [], id="it is here for the platform that is asked for"),
        pytest.param({"nginx:1": HERE}, OTHER, [("pull", "--quiet", "--platform", OTHER, "docker.io/library/nginx:1")], id="it is here, but for this machine"),
    ],
)  # fmt: skip
def test_an_image_is_pulled_for_the_platform_that_is_asked_for(
    store: dict[str, str], platform: str | None, pulled: list[tuple[str, ...]]
) -> None:
    engine = Engine(store=store)

    Standins(engine, {}).image("nginx:1", platform)

    assert engine.commands("pull") == pulled


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in whose program fills nothing."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / "build").write_text("#!/bin/sh\n")
    (tmp_path / "build").chmod(0o755)
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY rootfs /\n")
    return tmp_path


@pytest.mark.parametrize(
    ("platform", "options", "tail"),
    [
        pytest.param(None, [], "", id="for whatever runs here"),
        pytest.param(HERE, [], "", id="for this machine"),
        pytest.param(OTHER, ["--no-cache", "--platform", OTHER], "-linux-s390x", id="for another"),
    ],
)
def test_a_stand_in_is_built_for_the_platform_that_is_asked_for(
    folder: Path, platform: str | None, options: list[str], tail: str
) -> None:
    engine = Engine(is_reachable=False)

    image = Standins(engine, {"nginx": folder}).image("nginx:1", platform)

    built = [list(args[4:-3]) for args in engine.commands("build")]
    assert built == [options]
    assert image.rpartition(":")[2][12:] == tail


def test_stand_ins_for_two_platforms_are_two_images(folder: Path) -> None:
    base = Standins(Engine(is_reachable=False), {"nginx": folder})

    assert base.image("nginx:1", HERE) != base.image("nginx:1", OTHER)


@pytest.mark.hostile
def test_the_program_of_a_stand_in_gets_no_variable_but_the_path(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The environment of a run holds tokens, and the program comes from the checkout."""
    monkeypatch.setenv("MY_CI_TOKEN", "secret")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "build").write_text(f"#!/bin/sh\nenv > {tmp_path}/environment\n")
    (tmp_path / "build").chmod(0o755)
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    ran: list[str] = []
    engine = mock.Mock(platform="linux/amd64")
    engine.run.return_value.code = 1

    standins.build(engine, "nginx", tmp_path, ran=lambda: ran.append("nginx"))

    names = {line.partition("=")[0] for line in (tmp_path / "environment").read_text().splitlines()}
    assert names - {"PWD", "SHLVL", "_"} == {"PATH"}
    assert ran == ["nginx"]
