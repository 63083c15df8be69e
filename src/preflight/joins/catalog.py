"""All checks in Python, by the name they have in `joins.yaml`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from preflight import estate
from preflight.joins import (
    container_resources,
    execution_role,
    load_balancer_target,
    log_group,
    offence,
    stack_parameters,
    subnet_route,
)

CHECKS: Mapping[str, Callable[[estate.Estate], Iterator[offence.Offence]]] = {
    "CFN_STACK_PARAMETERS_MATCH": stack_parameters.check,
    "EC2_PUBLIC_SUBNET_ROUTE": subnet_route.check,
    "ECS_CONTAINER_AWSLOGS_GROUP_DECLARED": log_group.check,
    "ECS_SERVICE_LB_TARGET_MATCHES_TASKDEF": load_balancer_target.check,
    "ECS_TASKDEF_CONTAINER_RESOURCES_FIT": container_resources.check,
    "IAM_ECS_ROLE_TRUST_ECS_TASKS": execution_role.check_trust,
    "IAM_EXECUTION_ROLE_POLICY_ATTACHED": execution_role.check_policy,
}
