from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from preflight.rehearsal.containers import task_spec
from preflight.rehearsal.ecs.state import Definition
from preflight.rehearsal.tasks.container_backend import ContainerBackend


class FakePulls:
    """Images, one of which comes through a cache."""

    def is_elsewhere(self, name: str) -> bool:
        return name == "cached"


def backend(*platforms: str) -> ContainerBackend:
    runner: Any = SimpleNamespace(engine=SimpleNamespace(platforms=platforms))
    pulls: Any = FakePulls()
    unused: Any = None
    return ContainerBackend(runner, pulls, unused, unused, unused)


@pytest.mark.parametrize(
    ("image", "platform", "obstacle"),
    [
        pytest.param("own", "linux/amd64", None, id="image in the registry"),
        pytest.param(
            "cached",
            "linux/amd64",
            "task definition f:1 gets cached through a pull-through cache, and its upstream registry is not contacted here",
            id="image behind a pull-through cache",
        ),
        pytest.param(
            "own",
            "linux/arm64",
            "task definition f:1 wants linux/amd64, which this machine cannot run",
            id="another platform",
        ),
    ],
)
def test_a_task_that_this_machine_cannot_run_has_an_obstacle(image: str, platform: str, obstacle: str | None) -> None:
    api = {"family": "f", "revision": 1, "containerDefinitions": [{"name": "app", "image": image}]}

    assert backend(platform).obstacle(Definition("d", api, []), task_spec.from_task_definition(api)) == obstacle
