"""Which file says what the operations of a service ask for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from preflight.rehearsal.iam.actions import (
    application_autoscaling,
    cloudformation,
    ec2,
    ecr,
    ecs,
    elbv2,
    iam,
    kms,
    logs,
    secretsmanager,
    ssm,
    sts,
)
from preflight.rehearsal.iam.actions.request import ApiRequest, Permissions, RequiredPermission, no_resource

# Services that sign their requests by another name than the one their actions begin with.
PREFIXES: Mapping[str, str] = {"monitoring": "cloudwatch", "tagging": "tag"}
_TABLES: Mapping[str, Mapping[str, Permissions]] = {
    "application-autoscaling": application_autoscaling.TABLE,
    "cloudformation": cloudformation.TABLE,
    "ecr": ecr.TABLE,
    "ecs": ecs.TABLE,
    "kms": kms.TABLE,
    "logs": logs.TABLE,
    "secretsmanager": secretsmanager.TABLE,
    "ssm": ssm.TABLE,
    "sts": sts.TABLE,
    "tag": {"GetResources": no_resource, "GetTagKeys": no_resource, "GetTagValues": no_resource},
}
_FUNCTIONS: Mapping[str, Callable[[str], Permissions | None]] = {"ec2": ec2.of, "elasticloadbalancing": elbv2.of, "iam": iam.of}


def prefix_of(service: str) -> str:
    """What the actions of a service begin with, by the name that it signs requests with."""
    return PREFIXES.get(service, service)


def targets(request: ApiRequest) -> Iterator[RequiredPermission]:
    """Returns the permissions that a call needs; an unknown operation needs its action on an unknown resource."""
    if request.prefix in _FUNCTIONS:
        ask = _FUNCTIONS[request.prefix](request.name)
    else:
        ask = _TABLES.get(request.prefix, {}).get(request.name)
    yield from ask(request) if ask is not None else (RequiredPermission(request.action, None),)
