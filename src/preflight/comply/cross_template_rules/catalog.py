"""All checks in Python, by the name they have in `python_rules.yaml`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from preflight.comply.cross_template_rules import (
    bucket_deletion,
    container_resources,
    default_quotas,
    execution_role,
    load_balancer_target,
    log_group,
    repository_deletion,
    scheduled_task,
    service_refusals,
    stack_parameters,
    state_machine_task,
    subnet_route,
    undeclared_order,
    unlisted_values,
)
from preflight.comply.cross_template_rules.violation import Violation
from preflight.plan.resolved_stacks import ResolvedStacks

CHECKS: Mapping[str, Callable[[ResolvedStacks], Iterator[Violation]]] = {
    "CFN_DEFAULT_QUOTAS": default_quotas.check,
    "CFN_STACK_PARAMETERS_MATCH": stack_parameters.check,
    "CFN_SERVICE_LISTS_VALUES": unlisted_values.check,
    "CFN_SERVICE_TAKES_PROPERTIES": service_refusals.check,
    **undeclared_order.CHECKS,
    "EC2_PUBLIC_SUBNET_ROUTE": subnet_route.check,
    "ECR_REPOSITORY_DELETABLE": repository_deletion.check_declared,
    "ECR_REPOSITORY_EMPTY_ON_DELETE": repository_deletion.check_default,
    "ECS_CONTAINER_AWSLOGS_GROUP_DECLARED": log_group.check,
    "ECS_SERVICE_LB_TARGET_MATCHES_TASKDEF": load_balancer_target.check,
    "ECS_TASKDEF_CONTAINER_RESOURCES_FIT": container_resources.check,
    "EVENTS_ECS_TARGET_STARTS": scheduled_task.check,
    "IAM_ECS_ROLE_TRUST_ECS_TASKS": execution_role.check_trust,
    "IAM_EXECUTION_ROLE_POLICY_ATTACHED": execution_role.check_policy,
    "S3_BUCKET_DELETABLE": bucket_deletion.check,
    "SFN_ECS_TASK_STARTS": state_machine_task.check,
}
