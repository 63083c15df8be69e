"""Every resource type that is modelled, with its handler."""

from __future__ import annotations

from collections.abc import Mapping

from preflight.rehearsal.cloudformation.resources import (
    application_autoscaling as scaling,
)
from preflight.rehearsal.cloudformation.resources import (
    awslambda as functions,
)
from preflight.rehearsal.cloudformation.resources import (
    ec2_addresses as ec2_blocks,
)
from preflight.rehearsal.cloudformation.resources import (
    ec2_gateways,
    ecr,
    ecs,
    elbv2,
    iam_policies,
    logs,
)
from preflight.rehearsal.cloudformation.resources import (
    ec2_network as ec2,
)
from preflight.rehearsal.cloudformation.resources import (
    ec2_security as ec2_filters,
)
from preflight.rehearsal.cloudformation.resources import (
    efs as files,
)
from preflight.rehearsal.cloudformation.resources import (
    iam_roles as iam,
)
from preflight.rehearsal.cloudformation.resources import (
    kms as keys,
)
from preflight.rehearsal.cloudformation.resources import (
    route53 as names,
)
from preflight.rehearsal.cloudformation.resources import (
    s3 as buckets,
)
from preflight.rehearsal.cloudformation.resources import (
    sns as messages,
)
from preflight.rehearsal.cloudformation.resources import (
    ssm as values,
)
from preflight.rehearsal.cloudformation.resources.handler import Handler

FILES = (
    *(buckets, ec2, ec2_blocks, ec2_filters, ec2_gateways, ecr, ecs, elbv2, files, functions),
    *(iam, iam_policies, keys, logs, messages, names, scaling, values),
)


def types() -> Mapping[str, Handler]:
    """Handlers by resource type; nested stacks are the engine's own."""
    return {kind: handler for file in FILES for kind, handler in file.TYPES.items()}
