"""What ECS refuses of capacity providers and of task sets, which are not modelled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from preflight.aws.constraints import (
    Constraint,
    Fault,
    Object,
    Test,
    as_number,
    between,
    equal,
    known,
    lacks,
    matches,
    no,
    one_of,
    present,
    value,
)

SERVICE = "ecs"
_API = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference"
_PROVIDER, _SCALING = f"{_API}/API_CreateCapacityProvider.html", f"{_API}/API_ManagedScaling.html"
_GROUP = f"{_API}/API_AutoScalingGroupProvider.html"
_SET = f"{_API}/API_CreateTaskSet.html"
_INVALID, _CLIENT = "InvalidParameterException", "ClientException"
_AT = "AutoScalingGroupProvider.ManagedScaling"
_LOW, _HIGH = "MinimumScalingStepSize", "MaximumScalingStepSize"


def _steps(part: Object) -> Iterator[Fault]:
    low, high = as_number(known(part, _LOW)), as_number(known(part, _HIGH))
    if low is not None and high is not None and low > high:
        yield Fault((_LOW,), known(part, _LOW))


TYPES: Mapping[str, tuple[Constraint, ...]] = {
    "AWS::ECS::CapacityProvider": (
        Constraint(
            value("Name", no(matches(r"(aws|ecs|fargate).*", taken=("aws-a", "ecsa", "fargate"), refused=("mine", "my-ecs", "ECSa")))),
            _CLIENT,
            "The specified capacity provider name is invalid. {value} begins with aws, ecs or fargate.",
            _PROVIDER,
        ),
        Constraint(
            Test(_steps, ({_LOW: 1, _HIGH: 1}, {_LOW: 2}), ({_LOW: 2, _HIGH: 1},)),
            _CLIENT,
            "The minimum or maximum scaling step size value is invalid.",
            _SCALING,
            _AT,
        ),
        *(
            Constraint(value(name, between(low, high)), _CLIENT, f"{name} must be between {low} and {high}", _SCALING, _AT)
            for name, low, high in ((_LOW, 1, 10000), (_HIGH, 1, 10000), ("TargetCapacity", 1, 100), ("InstanceWarmupPeriod", 0, 10000))
        ),
        Constraint(
            value("ManagedTerminationProtection", no(one_of("ENABLED"))),
            _CLIENT,
            "Managed termination protection needs managed scaling: the status of ManagedScaling is DISABLED",
            _GROUP,
            "AutoScalingGroupProvider",
            when=equal("ManagedScaling.Status", "DISABLED"),
        ),
    ),
    "AWS::ECS::TaskSet": (
        Constraint(
            lacks("PlatformVersion"),
            _INVALID,
            "The platform version must be null when specifying an EC2 launch type.",
            _SET,
            when=equal("LaunchType", "EC2"),
        ),
        Constraint(
            present(0, 1, "LaunchType", "CapacityProviderStrategy"),
            _INVALID,
            "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.",
            _SET,
        ),
        Constraint(value("Scale.Value", between(0, 100)), _INVALID, "The scale of a task set is between 0 and 100 percent", f"{_API}/API_Scale.html"),
    ),
}
OPERATIONS: Mapping[str, str] = {}
