"""What a service refuses of a resource because of another one of the templates that it refers to.

For what the rehearsal does not model; of the rest, it asks the account.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from preflight.aws.constraints import ALWAYS, Condition, equal, get, items, known
from preflight.comply.cross_template_rules import violation
from preflight.comply.cross_template_rules.violation import Violation
from preflight.plan.cross_stack_references import ReferencedResource, ReferenceTracer, UnknownError
from preflight.plan.resolved_stacks import ResolvedStacks, ResolvedTemplate

Properties = Mapping[str, Any]
_ECS = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference"
_CLASSES = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CloudWatch_Logs_Log_Classes.html"
_STANDARD = "ValidationException: This operation is only supported on the Standard log class."


@dataclass(frozen=True)
class _Row:
    """Of a type, the property that refers to a resource of another one, and whether both fit."""

    kind: str
    name: str
    target: str
    fits: Callable[[Properties, Properties], bool]  # of both resources' properties
    message: str
    fix: str
    page: str
    when: Condition = ALWAYS


def _has_container(task_set: Properties, definition: Properties) -> bool:
    names = [known(container, "Name") if isinstance(container, dict) else None for container in items(definition, "ContainerDefinitions")]
    balancers = [balancer for balancer in items(task_set, "LoadBalancers") if isinstance(balancer, dict)]
    wanted = [known(balancer, "ContainerName") for balancer in balancers]
    return None in names or all(name is None or name in names for name in wanted)


def _is_standard(_properties: Properties, group: Properties) -> bool:
    return known(group, "LogGroupClass") not in {"INFREQUENT_ACCESS", "DELIVERY"}


def _is_protected(_properties: Properties, group: Properties) -> bool:
    value = get(group, "NewInstancesProtectedFromScaleIn")
    return isinstance(value, dict) or str(value).lower() == "true"


_ROWS = (
    _Row(
        "AWS::ECS::CapacityProvider",
        "AutoScalingGroupProvider.AutoScalingGroupArn",
        "AWS::AutoScaling::AutoScalingGroup",
        _is_protected,
        "ClientException: To enable managed termination protection for a capacity provider, the Auto Scaling group must have "
        "instance protection from scale in enabled",
        "Set NewInstancesProtectedFromScaleIn of the Auto Scaling group to true.",
        f"{_ECS}/API_AutoScalingGroupProvider.html",
        equal("AutoScalingGroupProvider.ManagedTerminationProtection", "ENABLED"),
    ),
    _Row(
        "AWS::ECS::TaskSet",
        "TaskDefinition",
        "AWS::ECS::TaskDefinition",
        _has_container,
        "InvalidParameterException: The container of LoadBalancers does not exist in the task definition.",
        "Name a container of the task definition.",
        f"{_ECS}/API_CreateTaskSet.html",
    ),
    *(
        _Row(kind, name, "AWS::Logs::LogGroup", _is_standard, _STANDARD, "Give the log group the class STANDARD.", _CLASSES)
        for kind, name in (
            ("AWS::Logs::LogAnomalyDetector", "LogGroupArnList"),
            ("AWS::Logs::MetricFilter", "LogGroupName"),
            ("AWS::Logs::SubscriptionFilter", "LogGroupName"),
            ("AWS::Logs::Transformer", "LogGroupIdentifier"),
        )
    ),
)


def check(stacks: ResolvedStacks) -> Iterator[Violation]:
    """The resources that do not fit another one that they refer to."""
    tracer = ReferenceTracer(stacks)
    for document in stacks.documents:
        for row in _ROWS:
            for logical, properties in document.of_type(row.kind):
                if row.when.holds(properties) and any(
                    target.kind == row.target and not row.fits(properties, target.properties)
                    for target in _targets(tracer, document, get(properties, row.name))
                ):
                    yield Violation(document, violation.at(logical, *row.name.split(".")), row.message, row.fix, source=row.page)


def _targets(tracer: ReferenceTracer, document: ResolvedTemplate, value: Any) -> list[ReferencedResource]:
    try:
        return tracer.all(document, value)
    except UnknownError:
        return []
