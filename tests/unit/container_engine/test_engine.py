from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from unittest import mock

import pytest

from preflight.container_engine import engine as engines
from preflight.container_engine.engine import Engine
from preflight.errors import StopRequested, ToolBrokeError
from preflight.system import processes, run_folders
from preflight.system.processes import CompletedProcess

REMOVING = CompletedProcess(("podman",), 125, "", 'unknown FS magic on "/run/netns/netns-1": ef53')
REMOVED = CompletedProcess(("podman",), 125, "", "Error: determining buildah container for container d32a: container not known")
IMAGE_GONE = "Error: retrieving size of image 61884588cc57: you may need to remove the image to resolve the error: locating image with ID 61884588cc57: image not known"
UNTAGGED = CompletedProcess(("podman",), 125, "", IMAGE_GONE)
LISTED = CompletedProcess(("podman",), 0, "0123456789ab\n", "")


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "PAUSE", 0.0)


@pytest.mark.parametrize(
    "passing",
    [
        pytest.param(REMOVING, id="network namespace of a container"),
        pytest.param(REMOVED, id="container, between two reads"),
        pytest.param(UNTAGGED, id="image, between two reads"),
    ],
)
def test_what_is_being_removed_is_waited_for(monkeypatch: pytest.MonkeyPatch, passing: CompletedProcess) -> None:
    monkeypatch.setattr(processes, "run", mock.Mock(side_effect=[passing, passing, LISTED]))

    assert Engine("podman", "4.3.1").must("ps") == "0123456789ab"


def test_a_network_namespace_that_stays_broken_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "run", mock.Mock(return_value=REMOVING))

    with pytest.raises(ToolBrokeError, match="unknown FS magic"):
        Engine("podman", "4.3.1").must("ps")


@pytest.mark.parametrize(
    ("is_in_container", "advice"),
    [
        pytest.param(True, "Next: start this container with --privileged, or go on without containers: --containers off", id="in a container"),
        pytest.param(False, f"Next: {engines.ADVICE}", id="on a machine"),
    ],
)
def test_an_engine_that_does_not_work_comes_with_what_to_do_next(monkeypatch: pytest.MonkeyPatch, *, is_in_container: bool, advice: str) -> None:
    monkeypatch.setenv("PREFLIGHT_ENGINE", "podman")
    monkeypatch.setattr(engines, "_is_in_container", lambda: is_in_container)
    monkeypatch.setattr(engines, "_proved", mock.Mock(side_effect=ToolBrokeError("read-only file system")))

    with pytest.raises(ToolBrokeError) as broke:
        engines.find()

    assert str(broke.value) == f"no working container engine: read-only file system. {advice}"


def test_a_probe_that_is_stopped_while_it_starts_is_removed_by_its_name() -> None:
    @dataclass(frozen=True)
    class Stopping(Engine):
        calls: list[tuple[str, ...]] = field(default_factory=list)

        def run(self, *args: str, **_options: Any) -> CompletedProcess:
            self.calls.append(args)
            if args[0] == "run":
                raise StopRequested(130)
            return CompletedProcess(args, 0, "", "")

    stopping = Stopping("podman", "4")
    with pytest.raises(StopRequested):
        engines._is_local(stopping)

    started, removed = stopping.calls
    assert f"--name={removed[-1]}" in started
    assert f"--label={engines.OWNER_LABEL}={run_folders.owner_name()}" in started
