"""What Elastic Load Balancing refuses."""

from __future__ import annotations

from collections.abc import Mapping

from preflight.aws.constraints import Constraint, between, equal, lacks, length, matches, value

SERVICE = "elasticloadbalancing"
_API = "https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference"
_GROUP = f"{_API}/API_CreateTargetGroup.html"

_TARGET_GROUP = (
    Constraint(
        value("Name", length(1, 32)),
        "ValidationError",
        "The target group name '{value}' cannot be longer than '32' characters",
        _GROUP,
    ),
    Constraint(
        value("Name", matches(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?", taken=("a", "a-1"), refused=("-a", "a-", "a_b"))),
        "ValidationError",
        "The target group name '{value}' can only contain characters that are alphanumeric characters and hyphens(-), and cannot begin or end with a hyphen",
        _GROUP,
    ),
    Constraint(
        value("HealthCheckIntervalSeconds", between(5, 300)),
        "ValidationError",
        "Health check interval must be between 5 and 300 seconds",
        _GROUP,
    ),
    Constraint(
        lacks("VpcId"),
        "ValidationError",
        "VPC ID cannot be specified for target groups with target type 'lambda'",
        _GROUP,
        when=equal("TargetType", "lambda"),
        cure="Remove VpcId.",
    ),
)

TYPES: Mapping[str, tuple[Constraint, ...]] = {"AWS::ElasticLoadBalancingV2::TargetGroup": _TARGET_GROUP}
OPERATIONS: Mapping[str, str] = {"CreateTargetGroup": "AWS::ElasticLoadBalancingV2::TargetGroup"}
