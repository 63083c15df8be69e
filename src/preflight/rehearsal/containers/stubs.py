"""Sidecars that phone home, replaced by containers that do nothing.

A stub is the pause program: it runs for ever, or ends with 0 at once where another container waits
for its end.
"""

from __future__ import annotations

import dataclasses
import fnmatch

from preflight.container_engine import pause_image
from preflight.rehearsal.containers.task_spec import ContainerSpec, TaskSpec

ENDED = ("COMPLETE", "SUCCESS")


class Stubs:
    """The images that are stubbed, by pattern."""

    def __init__(self, patterns: tuple[str, ...]) -> None:
        self._patterns = patterns

    def has(self, image: str) -> bool:
        """Whether an image, as a task definition names it, is stubbed."""
        name = image.partition("@")[0]
        head, slash, tail = name.rpartition("/")
        bare = head + slash + tail.partition(":")[0]
        return any(fnmatch.fnmatchcase(text, pattern) for pattern in self._patterns for text in (image, name, bare))

    def stubbed(self, spec: TaskSpec) -> TaskSpec:
        """The spec with every stubbed container replaced."""
        ends = {name for c in spec.containers for name, condition in c.depends_on if condition in ENDED}
        replaced = tuple(_stub(c, ends=c.name in ends) if self.has(c.image) else c for c in spec.containers)
        return dataclasses.replace(spec, containers=replaced)


def _stub(spec: ContainerSpec, *, ends: bool) -> ContainerSpec:
    command = ("/pause", "stub") if ends else ("/pause",)
    return dataclasses.replace(
        spec, image=pause_image.IMAGE, command=command, entry_point=None, options=(), mounts=(), restart=None, is_stub=True
    )
