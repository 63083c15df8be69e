"""How Application Auto Scaling names what it scales: namespaces, dimensions and the form of a resource ID."""

from __future__ import annotations

import re
from collections.abc import Iterator

from preflight.aws.constraints import Constraint, Fault, Object, Test, known

_UNSUPPORTED = "Unsupported service namespace, resource type or scalable dimension"
# The form of a resource ID by the beginning of its dimension; custom-resource takes any.
_FORMS = {
    "appstream:fleet:": r"fleet/[^/]+",
    "cassandra:table:": r"keyspace/[^/]+/table/[^/]+",
    "comprehend:document-classifier-endpoint:": r"arn:[^:]+:comprehend:[^:]+:\d{12}:document-classifier-endpoint/.+",
    "comprehend:entity-recognizer-endpoint:": r"arn:[^:]+:comprehend:[^:]+:\d{12}:entity-recognizer-endpoint/.+",
    "dynamodb:index:": r"table/[^/]+/index/[^/]+",
    "dynamodb:table:": r"table/[^/]+",
    "ec2:spot-fleet-request:": r"spot-fleet-request/[^/]+",
    "ecs:service:": r"service/[^/]+/[^/]+",
    "elasticache:cache-cluster:": r"cache-cluster/[^/]+",
    "elasticache:replication-group:": r"replication-group/[^/]+",
    "elasticmapreduce:instancegroup:": r"instancegroup/[^/]+/[^/]+",
    "kafka:broker-storage:": r"arn:[^:]+:kafka:[^:]+:\d{12}:cluster/.+",
    "lambda:function:": r"function:[^:]+:(?!\$LATEST$)[^:]+",
    "neptune:cluster:": r"cluster:[^:]+",
    "rds:cluster:": r"cluster:[^:]+",
    "sagemaker:inference-component:": r"inference-component/[^/]+",
    "sagemaker:variant:": r"endpoint/[^/]+/variant/[^/]+",
    "workspaces:workspacespool:": r"workspacespool/[^/]+",
}


def target(part: Object) -> tuple[str, str]:
    """Returns the resource ID and the dimension, also of a policy that names its target by the target's Id."""
    resource, dimension, _ = (*str(known(part, "ScalingTargetId") or "").split("|"), "", "", "")[:3]
    return str(known(part, "ResourceId") or resource), str(known(part, "ScalableDimension") or dimension)


def _wrong_form(part: Object) -> Iterator[Fault]:
    resource, dimension = target(part)
    form = next((form for beginning, form in _FORMS.items() if dimension.startswith(beginning)), None)
    if resource and form and not re.fullmatch(form, resource):
        yield Fault(("ResourceId",), resource)


def _other_namespace(part: Object) -> Iterator[Fault]:
    namespace, dimension = known(part, "ServiceNamespace"), target(part)[1]
    if namespace and dimension and not dimension.startswith(f"{namespace}:"):
        yield Fault(("ScalableDimension",), dimension)


def _named(resource: str, dimension: str) -> Object:
    return {"ResourceId": resource, "ScalableDimension": dimension}


_FORM = Test(
    _wrong_form,
    taken=(
        _named("service/c/s", "ecs:service:DesiredCount"),
        _named("table/t/index/i", "dynamodb:index:ReadCapacityUnits"),
        _named("cluster:c", "rds:cluster:ReadReplicaCount"),
        _named("function:f:live", "lambda:function:ProvisionedConcurrency"),
        _named("endpoint/e/variant/v", "sagemaker:variant:DesiredInstanceCount"),
        _named("anything", "custom-resource:ResourceType:Property"),
    ),
    refused=(
        _named("cluster/c/s", "ecs:service:DesiredCount"),
        _named("service/c", "ecs:service:DesiredCount"),
        _named("service/c/s/x", "ecs:service:DesiredCount"),
        _named("arn:aws:ecs:eu-west-1:123456789012:service/c/s", "ecs:service:DesiredCount"),
        _named("t", "dynamodb:table:ReadCapacityUnits"),
        _named("table/t", "dynamodb:index:ReadCapacityUnits"),
        _named("cluster/c", "rds:cluster:ReadReplicaCount"),
        _named("function:f", "lambda:function:ProvisionedConcurrency"),
        _named("function:f:$LATEST", "lambda:function:ProvisionedConcurrency"),
    ),
)
_NAMESPACE = Test(
    _other_namespace,
    taken=({"ServiceNamespace": "ecs", "ScalableDimension": "ecs:service:DesiredCount"}, {"ServiceNamespace": "ecs"}),
    refused=({"ServiceNamespace": "ecs", "ScalableDimension": "dynamodb:table:ReadCapacityUnits"},),
)


def rows(page: str) -> tuple[Constraint, ...]:
    """Returns what is refused of the three members that name a scalable target."""
    cure = "Take a dimension of the service namespace and a resource ID of its form: service/CLUSTER/SERVICE for ECS, no ARN."
    return tuple(Constraint(test, "ValidationException", _UNSUPPORTED, page, cure=cure) for test in (_NAMESPACE, _FORM))
