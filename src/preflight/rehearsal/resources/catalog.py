"""Every resource type that is modelled, with its handler."""

from __future__ import annotations

from collections.abc import Mapping

from preflight.rehearsal.resources import (
    buckets,
    ec2,
    ec2_blocks,
    ec2_filters,
    ec2_gateways,
    ecr,
    ecs,
    elbv2,
    files,
    functions,
    iam,
    iam_policies,
    keys,
    logs,
    messages,
    names,
    scaling,
    values,
)
from preflight.rehearsal.resources.handler import Handler

FILES = (
    *(buckets, ec2, ec2_blocks, ec2_filters, ec2_gateways, ecr, ecs, elbv2, files, functions),
    *(iam, iam_policies, keys, logs, messages, names, scaling, values),
)


def types() -> Mapping[str, Handler]:
    """Handlers by resource type; nested stacks are the engine's own."""
    return {kind: handler for file in FILES for kind, handler in file.TYPES.items()}
