"""Replaces containers, such as agents of monitoring services, by stubs that do nothing.

A stub runs the pause program: for ever, or to an exit code of 0 at once if another container waits for its end.
"""

from __future__ import annotations

import dataclasses

from preflight.container_engine import pause_image
from preflight.rehearsal.containers import image_patterns
from preflight.rehearsal.containers.task_spec import ContainerSpec, TaskSpec

END_CONDITIONS = ("COMPLETE", "SUCCESS")


class Stubs:
    """The patterns of images that are stubbed."""

    def __init__(self, patterns: tuple[str, ...]) -> None:
        self._patterns = patterns

    def has(self, image: str) -> bool:
        """Whether an image, as a task definition names it, is stubbed."""
        return any(image_patterns.matches(pattern, image) for pattern in self._patterns)

    def stubbed(self, spec: TaskSpec) -> TaskSpec:
        """Returns the spec with a stub for every container whose image is stubbed."""
        ends = {name for c in spec.containers for name, condition in c.depends_on if condition in END_CONDITIONS}
        containers = tuple(_stub(c, ends=c.name in ends) if self.has(c.image) else c for c in spec.containers)
        return dataclasses.replace(spec, containers=containers)


def _stub(spec: ContainerSpec, *, ends: bool) -> ContainerSpec:
    command = ("/pause", "stub") if ends else ("/pause",)
    return dataclasses.replace(
        spec,
        image=pause_image.IMAGE,
        command=command,
        entry_point=None,
        options=(),
        mounts=(),
        restart=None,
        is_stub=True,
    )
