from __future__ import annotations

from typing import Any

import pytest

from preflight.container_engine import pause_image
from preflight.rehearsal.containers import task_spec
from preflight.rehearsal.containers.stubs import Stubs
from preflight.rehearsal.containers.task_spec import TaskSpec


def spec(*containers: dict[str, Any], **more: Any) -> TaskSpec:
    definitions = [{"image": "i", **container} for container in containers]
    return task_spec.from_task_definition(
        {"family": "f", "revision": 3, "cpu": "256", "memory": "512", "containerDefinitions": definitions, **more}
    )


@pytest.mark.parametrize(
    ("pattern", "image", "has"),
    [
        pytest.param("datadog/agent", "datadog/agent:7", True, id="without its tag"),
        pytest.param("*/agent", "public.ecr.aws/datadog/agent:7", True, id="by a wildcard"),
        pytest.param("agent:7", "agent:8", False, id="another tag"),
        pytest.param("agent", "my/agent:1", False, id="another repository"),
        pytest.param("agent", "agent@sha256:00", True, id="by digest"),
    ],
)
def test_images_are_stubbed_by_pattern(pattern: str, image: str, *, has: bool) -> None:
    assert Stubs((pattern,)).has(image) is has


def test_a_stub_ends_where_another_container_waits_for_its_end() -> None:
    task = spec(
        {"name": "waits", "image": "x"},
        {"name": "init", "image": "x"},
        {"name": "app", "dependsOn": [{"containerName": "init", "condition": "SUCCESS"}]},
    )

    stubbed = Stubs(("x",)).stubbed(task)

    assert [(c.image, c.command, c.is_stub) for c in stubbed.containers] == [
        (pause_image.IMAGE, ("/pause",), True),
        (pause_image.IMAGE, ("/pause", "stub"), True),
        ("i", None, False),
    ]
