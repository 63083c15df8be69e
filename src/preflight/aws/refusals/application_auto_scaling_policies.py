"""What Application Auto Scaling refuses of target tracking and predictive scaling policies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from preflight.aws.constraints import (
    Condition,
    Constraint,
    Fault,
    Object,
    Predicate,
    Test,
    as_number,
    between,
    count,
    equal,
    has,
    known,
    lacks,
    matches,
    needs,
    present,
    unequal,
    value,
    without,
)
from preflight.aws.refusals import application_auto_scaling_resources as resources
from preflight.aws.refusals import application_auto_scaling_steps as steps
from preflight.aws.refusals import metric_queries

_API = "https://docs.aws.amazon.com/autoscaling/application/APIReference"
_POLICY = f"{_API}/API_PutScalingPolicy.html"
_TRACKING = f"{_API}/API_TargetTrackingScalingPolicyConfiguration.html"
_PREDEFINED = f"{_API}/API_PredefinedMetricSpecification.html"
_CUSTOMIZED = f"{_API}/API_CustomizedMetricSpecification.html"
_QUERY = f"{_API}/API_TargetTrackingMetricDataQuery.html"
_PREDICTIVE = f"{_API}/API_PredictiveScalingPolicyConfiguration.html"
_RESOURCE = "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-applicationautoscaling-scalingpolicy.html"
_INVALID = "ValidationException"
_TARGETS = "TargetTrackingScalingPolicyConfiguration"
_METRIC = f"{_TARGETS}.PredefinedMetricSpecification"
_CUSTOM = f"{_TARGETS}.CustomizedMetricSpecification"
_FORECAST = "PredictiveScalingPolicyConfiguration"
_CONFIGURATIONS = {
    "TargetTrackingScaling": _TARGETS,
    "StepScaling": steps.AT,
    "PredictiveScaling": _FORECAST,
}
_NOT_FOR = {
    "TargetTrackingScaling": ("elasticmapreduce",),
    "StepScaling": ("dynamodb", "comprehend", "lambda", "cassandra", "kafka", "elasticache", "neptune"),
}
_REQUESTS = "ALBRequestCountPerTarget"
# The dimensions that a predefined metric is for, by the beginnings of both.
_METRICS = {
    _REQUESTS: ("ecs:service:", "ec2:spot-fleet-request:"),
    "AppStream": ("appstream:",),
    "CassandraRead": ("cassandra:table:Read",),
    "CassandraWrite": ("cassandra:table:Write",),
    "Comprehend": ("comprehend:",),
    "DynamoDBRead": ("dynamodb:table:Read", "dynamodb:index:Read"),
    "DynamoDBWrite": ("dynamodb:table:Write", "dynamodb:index:Write"),
    "EC2SpotFleetRequest": ("ec2:spot-fleet-request:",),
    "ECSService": ("ecs:service:",),
    "ElastiCache": ("elasticache:",),
    "Kafka": ("kafka:",),
    "Lambda": ("lambda:",),
    "Neptune": ("neptune:",),
    "RDSReader": ("rds:",),
    "SageMakerInferenceComponent": ("sagemaker:inference-component:",),
    "SageMakerVariant": ("sagemaker:variant:",),
    "WorkSpaces": ("workspaces:",),
}


def _other_dimension(part: Object) -> Iterator[Fault]:
    metric, dimension = known(part, f"{_METRIC}.PredefinedMetricType"), resources.target(part)[1]
    fitting = next((value for start, value in _METRICS.items() if str(metric).startswith(start)), ())
    if fitting and dimension and not dimension.startswith(fitting):
        yield Fault((*_METRIC.split("."), "PredefinedMetricType"), metric)


def _not_supported(part: Object) -> Iterator[Fault]:
    kind, namespace = known(part, "PolicyType"), resources.target(part)[1].partition(":")[0]
    if namespace and (namespace in _NOT_FOR.get(str(kind), ()) or (kind == "PredictiveScaling" and namespace != "ecs")):
        yield Fault(("PolicyType",), kind)


def _policy(dimension: str, **members: Any) -> Object:
    return {"ScalableDimension": dimension, **members}


def _tracking(dimension: str, metric: str) -> Object:
    return _policy(dimension, **{_TARGETS: {"PredefinedMetricSpecification": {"PredefinedMetricType": metric}}})


_FITTING_METRIC = Test(
    _other_dimension,
    taken=(
        _tracking("ecs:service:DesiredCount", "ECSServiceAverageCPUUtilization"),
        _tracking("ecs:service:DesiredCount", _REQUESTS),
        _tracking("dynamodb:index:WriteCapacityUnits", "DynamoDBWriteCapacityUtilization"),
    ),
    refused=(
        _tracking("ecs:service:DesiredCount", "DynamoDBReadCapacityUtilization"),
        _tracking("dynamodb:table:ReadCapacityUnits", "DynamoDBWriteCapacityUtilization"),
        _tracking("lambda:function:ProvisionedConcurrency", _REQUESTS),
    ),
)
_FITTING_TYPE = Test(
    _not_supported,
    taken=(
        _policy("ecs:service:DesiredCount", PolicyType="PredictiveScaling"),
        _policy("dynamodb:table:ReadCapacityUnits", PolicyType="TargetTrackingScaling"),
    ),
    refused=(
        _policy("dynamodb:table:ReadCapacityUnits", PolicyType="StepScaling"),
        _policy("elasticmapreduce:instancegroup:InstanceCount", PolicyType="TargetTrackingScaling"),
        _policy("rds:cluster:ReadReplicaCount", PolicyType="PredictiveScaling"),
    ),
)


_VALUE = Predicate(
    lambda actual: (number := as_number(actual)) is not None and abs(number) <= 2.0**360,
    (70, "0.5", 2.0**360),
    (2.0**361, "nan"),
)
_LABEL = matches(
    r"app/[^/]+/[^/]+/targetgroup/[^/]+/[^/]+",
    taken=("app/web/778d41231b141a0f/targetgroup/web/943f017f100becff",),
    refused=("my-alb/my-tg", "app/web/778d41231b141a0f", "loadbalancer/app/a/b/targetgroup/c/d"),
)


def _configurations() -> Iterator[Constraint]:
    for kind, name in _CONFIGURATIONS.items():
        others = [other for other in _CONFIGURATIONS.values() if other != name]
        of_kind = equal("PolicyType", kind)
        yield Constraint(needs(name), _INVALID, f"{name} must be specified for policy type {kind}", _POLICY, when=of_kind)
        yield Constraint(
            lacks(*others), _INVALID, f"Only {name} can be specified for policy type {kind}", _POLICY, when=of_kind
        )


def _tracking_rows() -> Iterator[Constraint]:
    is_requests = equal("PredefinedMetricType", _REQUESTS)
    yield Constraint(
        present(1, 1, "PredefinedMetricSpecification", "CustomizedMetricSpecification"),
        _INVALID,
        "Exactly one of PredefinedMetricSpecification and CustomizedMetricSpecification must be specified",
        _TRACKING,
        _TARGETS,
    )
    yield Constraint(value("TargetValue", _VALUE), _INVALID, "Target value {value} is out of range", _TRACKING, _TARGETS)
    for name in ("ScaleInCooldown", "ScaleOutCooldown"):
        sentence = f"{name} cannot be less than 0"
        yield Constraint(value(name, between(0, 2**31 - 1)), _INVALID, sentence, _TRACKING, _TARGETS)
    for test, verb, when in (
        (needs("ResourceLabel"), "should", is_requests),
        (lacks("ResourceLabel"), "cannot", _other_metric()),
    ):
        sentence = f"Resource label {verb} be specified for predefined metric type "
        sentence += _REQUESTS if when is is_requests else f"other than {_REQUESTS}"
        yield Constraint(test, _INVALID, sentence, _PREDEFINED, _METRIC, when)
    yield Constraint(
        value("ResourceLabel", _LABEL),
        _INVALID,
        "Resource label {value} is not of the form app/<load-balancer-name>/<load-balancer-id>/targetgroup/<target-group-name>/<target-group-id>",
        _PREDEFINED,
        _METRIC,
        is_requests,
        cure="Join the LoadBalancerFullName and the TargetGroupFullName with a slash.",
    )


def _other_metric() -> Condition:
    return unequal("PredefinedMetricType", _REQUESTS, example="ECSServiceAverageCPUUtilization")


_MATH = (
    Constraint(
        needs("MetricName", "Namespace", "Statistic"),
        _INVALID,
        "MetricName, Namespace and Statistic must be specified for a customized metric without Metrics",
        _CUSTOMIZED,
        _CUSTOM,
        without("Metrics"),
    ),
    Constraint(
        lacks("MetricName", "Namespace", "Statistic", "Dimensions", "Unit"),
        _INVALID,
        "MetricName, Namespace, Statistic, Dimensions and Unit cannot be specified together with Metrics",
        _CUSTOMIZED,
        _CUSTOM,
        has("Metrics"),
    ),
    *metric_queries.rows(_INVALID, _QUERY, _CUSTOM),
)
_BREACH = equal("MaxCapacityBreachBehavior", "IncreaseMaxCapacity")
_FORECASTS = (
    Constraint(
        count("MetricSpecifications", 1, 1), _INVALID, "Exactly one metric specification is supported", _PREDICTIVE, _FORECAST
    ),
    Constraint(
        needs("MaxCapacityBuffer"),
        _INVALID,
        "MaxCapacityBuffer must be specified if MaxCapacityBreachBehavior is IncreaseMaxCapacity",
        _PREDICTIVE,
        _FORECAST,
        _BREACH,
    ),
    Constraint(
        lacks("MaxCapacityBuffer"),
        _INVALID,
        "MaxCapacityBuffer can be specified only if MaxCapacityBreachBehavior is IncreaseMaxCapacity",
        _PREDICTIVE,
        _FORECAST,
        unequal("MaxCapacityBreachBehavior", "IncreaseMaxCapacity", default="HonorMaxCapacity"),
    ),
)
ROWS: tuple[Constraint, ...] = (
    Constraint(
        present(1, 1, "ScalingTargetId", "ResourceId"),
        _INVALID,
        "Either ScalingTargetId or ResourceId, ScalableDimension and ServiceNamespace must be specified, but not both",
        _RESOURCE,
    ),
    *resources.rows(_POLICY),
    *_configurations(),
    Constraint(_FITTING_TYPE, _INVALID, "Policy type {value} is not supported for the scalable dimension", _POLICY),
    Constraint(
        _FITTING_METRIC,
        _INVALID,
        "Predefined metric type {value} is not supported for the scalable dimension",
        _PREDEFINED,
        cure="Take a metric of the service that is scaled, such as ECSServiceAverageCPUUtilization for ECS.",
    ),
    *_tracking_rows(),
    *_MATH,
    *steps.ROWS,
    *_FORECASTS,
)
