"""Every resource type that is modelled, with its handler."""

from __future__ import annotations

from collections.abc import Mapping

from preflight.rehearsal.resources import ec2, ecr, ecs, iam, logs
from preflight.rehearsal.resources.handler import Handler


def types() -> Mapping[str, Handler]:
    """Handlers by resource type; nested stacks are the engine's own."""
    return {**ec2.TYPES, **ecr.TYPES, **ecs.TYPES, **iam.TYPES, **logs.TYPES}
