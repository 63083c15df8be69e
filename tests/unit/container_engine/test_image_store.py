"""A store with an image that a killed commit left: podman lists none of its images any more."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from preflight.container_engine import engine as engines
from preflight.container_engine import engine_info, image_store
from preflight.errors import ToolBrokeError
from preflight.system import waiting
from preflight.system.processes import CompletedProcess

pytestmark = pytest.mark.hostile
ONE, TWO = "a" * 64, "b" * 64
MANIFEST = 'Error: retrieving label for image "{0}": you may need to remove the image to resolve the error: locating item named "manifest" for image with ID "{0}" (consider removing the image to resolve the issue): file does not exist'
DANGLING = 'Error: checking if image "{0}" is dangling: locating item named "manifest" for image with ID "{0}" (consider removing the image to resolve the issue): file does not exist'
LAYER = 'level=warning msg="Top layer of image not found"\nError: retrieving label for image "{0}": you may need to remove the image to resolve the error: layer not known'
LOGGED = 'time="…" level=error msg="Image x exists in local storage but may be corrupted (remove the image to resolve the issue): locating item named \\"manifest\\" for image with ID \\"{0}\\" (consider"\nError: x'


@dataclass(frozen=True)
class Store(engines.Engine):
    """An engine whose store has images without their parts; one is whole again after `heals` lists."""

    program: str = "podman"
    version: str = "4.3.1"
    broken: list[str] = field(default_factory=list)
    said: str = MANIFEST
    heals: list[int] = field(default_factory=list)
    asked: list[tuple[str, ...]] = field(default_factory=list)

    def run(self, *args: str, **_options: Any) -> CompletedProcess:
        self.asked.append(args)
        if args[0] == "rmi":
            self.broken.remove(args[-1])
        if self.heals and args[0] == "images":
            self.heals[0] -= 1
            if self.heals[0] < 0:
                self.broken.clear()
        error = self.said.format(self.broken[0]) if self.broken and args[0] == "images" else ""
        return CompletedProcess(args, 125 if error else 0, "", error)


def named(folder: Path, monkeypatch: pytest.MonkeyPatch, names: list[str]) -> None:
    monkeypatch.setattr(engine_info, "store", lambda _engine: folder)
    (folder / "overlay-images").mkdir()
    (folder / "overlay-images" / "images.json").write_text(json.dumps([{"id": ONE, "names": names}, {"id": TWO}]))


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_store, "SETTLED", 0.0)
    monkeypatch.setattr(waiting, "pause", lambda _seconds: None)


@pytest.mark.hostile(
    17,
    input="`podman commit`, `import` or a build is killed, and leaves an image without its manifest, configuration or layer",
    happens="`preflight sweep` removes it and `preflight doctor` says so; one with a name is named, with the command that removes it",
)
@pytest.mark.parametrize("said", [MANIFEST, DANGLING, LAYER, LOGGED], ids=["manifest", "manifest of an image without a name", "layer", "in the log"])
def test_images_without_their_parts_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    named(tmp_path, monkeypatch, [])
    engine = Store(broken=[ONE, TWO], said=said)
    lines: list[str] = []

    assert image_store.repair(engine, lines.append) == 2
    assert engine.broken == []
    assert lines[0].startswith("removing image aaaaaaaaaaaa, which a killed commit left")


def test_an_image_with_a_name_is_not_removed_but_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named(tmp_path, monkeypatch, ["docker.io/library/mine:1"])
    engine = Store(broken=[ONE])

    with pytest.raises(ToolBrokeError, match=r"\(docker\.io/library/mine:1\) .* Next: podman rmi --force aaaaaaaaaaaa"):
        image_store.repair(engine, lambda _line: None)

    assert engine.broken == [ONE]


def test_a_dry_run_removes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named(tmp_path, monkeypatch, [])
    engine = Store(broken=[ONE])

    assert image_store.repair(engine, lambda _line: None, is_dry=True) == 1
    assert engine.broken == [ONE]


def test_an_image_whose_parts_are_on_their_way_stays() -> None:
    engine = Store(broken=[ONE], heals=[1])

    assert image_store.corrupt_image(engine) is None
    assert not [args for args in engine.asked if args[0] == "rmi"]


@pytest.mark.parametrize("program", ["podman", "docker"])
def test_another_error_is_no_corrupt_image(program: str) -> None:
    engine = Store(program=program, broken=[ONE], said="Error: {0:.0}cannot connect to the socket")

    assert image_store.corrupt_image(engine) is None


def test_a_command_that_fails_for_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ToolBrokeError, match=r"\. Next: preflight sweep$"):
        Store(broken=[ONE]).must("images")
