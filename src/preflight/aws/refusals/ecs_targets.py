"""Tasks of ECS as the target of an EventBridge rule or of a schedule."""

from __future__ import annotations

import dataclasses

from preflight.aws.constraints import (
    Condition,
    Constraint,
    count,
    equal,
    has,
    known,
    lacks,
    matches,
    needs,
    present,
    value,
)

_API = "https://docs.aws.amazon.com/eventbridge/latest/APIReference"
_ECS = f"{_API}/API_EcsParameters.html"
_NETWORK = f"{_API}/API_AwsVpcConfiguration.html"
_TARGET = f"{_API}/API_Target.html"
_INVALID = "ValidationException"
_CLUSTER = r"arn:[^:]+:ecs:[^:]*:\d{12}:cluster/.+"
_A_CLUSTER = "arn:aws:ecs:eu-west-1:123456789012:cluster/c"
_IS_CLUSTER = Condition(
    lambda part: matches(_CLUSTER, taken=(), refused=()).fits(known(part, "Arn") or ""), {"Arn": _A_CLUSTER}
)
_PARAMETERS = "EcsParameters"
_VPC = f"{_PARAMETERS}.NetworkConfiguration.AwsVpcConfiguration"  # of rules; schedules spell it another way
_VPC_OF_SCHEDULES = f"{_PARAMETERS}.NetworkConfiguration.AwsvpcConfiguration"
_ROWS = (
    Constraint(
        needs("EcsParameters"), _INVALID, "EcsParameters must be specified for a target of ECS", _TARGET, when=_IS_CLUSTER
    ),
    Constraint(
        value("Arn", matches(_CLUSTER, taken=(_A_CLUSTER,), refused=("arn:aws:lambda:eu-west-1:123456789012:function:f",))),
        _INVALID,
        "EcsParameters are for targets of ECS alone, whose ARN is that of a cluster: {value}",
        _TARGET,
        when=has("EcsParameters"),
    ),
    Constraint(
        needs("RoleArn"),
        _INVALID,
        "RoleArn is required for a target of ECS",
        _TARGET,
        when=_IS_CLUSTER,
        cure="Name a role that EventBridge assumes (events.amazonaws.com, scheduler.amazonaws.com) and that may run the task.",
    ),
    Constraint(
        present(0, 1, "LaunchType", "CapacityProviderStrategy"),
        _INVALID,
        "If a capacityProviderStrategy is specified, the launchType parameter must be omitted",
        _ECS,
        _PARAMETERS,
    ),
    Constraint(
        needs("NetworkConfiguration"),
        _INVALID,
        "Parameter NetworkConfiguration must be specified for the target when launch type is FARGATE",
        _ECS,
        _PARAMETERS,
        equal("LaunchType", "FARGATE"),
        cure="Set NetworkConfiguration with the subnets and security groups of the task.",
    ),
    Constraint(
        lacks("PlatformVersion"),
        _INVALID,
        "The platform version must be null when specifying an EC2 launch type.",
        _ECS,
        _PARAMETERS,
        equal("LaunchType", "EC2", "EXTERNAL"),
    ),
    Constraint(
        value("PlatformVersion", matches(r"LATEST|\d+\.\d+\.\d+", taken=("LATEST", "1.4.0"), refused=("latest", "1.4"))),
        _INVALID,
        "The platform version {value} is not valid: specify its numeric portion, such as 1.4.0",
        _ECS,
        _PARAMETERS,
    ),
    *(
        Constraint(test, _INVALID, sentence, _NETWORK, at)
        for at in (_VPC, _VPC_OF_SCHEDULES)
        for test, sentence in (
            (count("Subnets", 1, 16), "A task can have from 1 to 16 subnets"),
            (count("SecurityGroups", 0, 5), "A task can have at most 5 security groups"),
        )
    ),
)


def rows(at: str) -> tuple[Constraint, ...]:
    """Returns what is refused of the targets at a path."""
    return tuple(dataclasses.replace(row, at=f"{at}.{row.at}".removesuffix(".")) for row in _ROWS)
