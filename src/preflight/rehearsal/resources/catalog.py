"""Every resource type that is modelled, with its handler."""

from __future__ import annotations

from collections.abc import Mapping

from preflight.rehearsal.resources import (
    ec2,
    ec2_filters,
    ec2_gateways,
    ecr,
    ecs,
    elbv2,
    iam,
    iam_policies,
    logs,
    values,
)
from preflight.rehearsal.resources.handler import Handler


def types() -> Mapping[str, Handler]:
    """Handlers by resource type; nested stacks are the engine's own."""
    files = (ec2, ec2_filters, ec2_gateways, ecr, ecs, elbv2, iam, iam_policies, logs, values)
    return {kind: handler for file in files for kind, handler in file.TYPES.items()}
