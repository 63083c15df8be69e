"""All tables: what is refused of a resource type, and which operations take the same members as a type has properties."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from preflight.aws import constraints
from preflight.aws.constraints import Constraint, Refused
from preflight.aws.refusals import (
    application_auto_scaling,
    cloud_map,
    cloudwatch,
    cloudwatch_logs,
    dhcp_options,
    ecr,
    ecs_capacity,
    efs,
    events,
    flow_logs,
    iam,
    kms,
    listener_rules,
    listeners,
    load_balancers,
    nat_gateways,
    network_acls,
    network_interfaces,
    prefix_lists,
    routes,
    s3,
    scheduler,
    secrets_manager,
    security_groups,
    sns,
    sqs,
    ssm,
    subnets,
    tags,
    target_groups,
    trust_stores,
    vpc,
    vpc_endpoints,
)

_SERVICES = (
    application_auto_scaling, cloud_map, cloudwatch, cloudwatch_logs, dhcp_options, ecr, ecs_capacity, efs, events,
    flow_logs, iam, kms, listener_rules, listeners, load_balancers, nat_gateways, network_acls, network_interfaces,
    prefix_lists, routes, s3, scheduler, secrets_manager, security_groups, sns, sqs, ssm, subnets, target_groups,
    trust_stores, vpc, vpc_endpoints,
)
TYPES: Mapping[str, tuple[Constraint, ...]] = {kind: table for service in _SERVICES for kind, table in service.TYPES.items()}
TAGS: Mapping[str, tuple[Constraint, ...]] = {kind: rows for kind in TYPES if (rows := tags.rows(kind))}
OPERATIONS: Mapping[str, Mapping[str, str]] = {
    name: {key: kind for service in _SERVICES if name == service.SERVICE for key, kind in service.OPERATIONS.items()}
    for name in {service.SERVICE for service in _SERVICES}
}


def of_resource(kind: str, properties: Mapping[str, Any]) -> Iterator[Refused]:
    """Yields what the service of a resource type refuses of properties, as far as they are known."""
    return constraints.refused((*TYPES.get(kind, ()), *TAGS.get(kind, ())), properties)


def unlisted(kind: str, properties: Mapping[str, Any]) -> Iterator[Refused]:
    """Yields the values of properties that are in no list of AWS's pages, which may be older than AWS."""
    return constraints.refused(TYPES.get(kind, ()), properties, is_certain=False)


def of_request(service: str, operation: str, members: Mapping[str, Any]) -> Iterator[Refused]:
    """Yields what a service, by its signing name, refuses of a request that creates a resource."""
    kind = OPERATIONS.get(service, {}).get(operation)
    return constraints.refused(TYPES.get(kind, ()), members) if kind is not None else iter(())


def of_reason(kind: str, reason: str) -> Constraint | None:
    """Returns the row of a resource type whose sentence a service's reason has, None without one."""
    return next((row for row in TYPES.get(kind, ()) if all(part in reason for part in row.sentence.split("{value}"))), None)
