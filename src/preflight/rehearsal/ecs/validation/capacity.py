"""Where tasks are to run: launch type, capacity provider strategy, platform version, placement. Pure.

Sources: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CapacityProviderStrategyItem.html,
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html,
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-capacity-providers.html and
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/platform-fargate.html.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from preflight.rehearsal.ecs.validation import Request, runtime_platform

FARGATE_PROVIDERS = ("FARGATE", "FARGATE_SPOT")
MAX_PROVIDERS = 20
MAX_CONSTRAINTS = 10
MAX_STRATEGIES = 5
# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_PlacementStrategy.html
_SPREAD = re.compile(r"instanceId|host|attribute:.+", re.IGNORECASE)
NOT_ASSOCIATED = (
    "The specified capacity provider strategy cannot contain a capacity provider that is not "
    "associated with the cluster. Associate the capacity provider with the cluster and try again."
)
UNKNOWN_PLATFORM = "PlatformUnknownException"
LATEST = "LATEST"
# 1.4.0 of Linux and 1.0.0 of Windows, and what AWS may have added since; 1.3.0 was retired on 2026-03-16.
_NEWER = r"1\.([5-9]|1\d)\.\d+|2\.\d+\.\d+"
VERSIONS = {"LINUX": re.compile(rf"{LATEST}|1\.4\.\d+|{_NEWER}"), "WINDOWS": re.compile(rf"{LATEST}|1\.0\.\d+|{_NEWER}")}


def is_on_fargate(request: Request, cluster: Request) -> bool:
    """Whether tasks go to Fargate: by launch type, by strategy, or by the default of the cluster."""
    if request.get("launchType"):
        return bool(request["launchType"] == "FARGATE")
    items = request.get("capacityProviderStrategy") or cluster.get("defaultCapacityProviderStrategy") or []
    return any(item["capacityProvider"] in FARGATE_PROVIDERS for item in items)


def strategy(items: Sequence[Request], providers: Sequence[str]) -> Iterator[str]:
    """What is wrong with a capacity provider strategy on a cluster with these providers."""
    if len(items) > MAX_PROVIDERS:
        yield f"A capacity provider strategy can contain a maximum of {MAX_PROVIDERS} capacity providers."
    if any(item["capacityProvider"] not in providers for item in items):
        yield NOT_ASSOCIATED
    if sum(1 for item in items if item.get("base")) > 1:
        yield "There are multiple capacity providers in the specified capacity provider strategy with a base value defined"
    if items and not _has_weight(items):
        yield "There are no capacity providers in the capacity provider strategy with a weight value greater than zero"


def _has_weight(items: Sequence[Request]) -> bool:
    """The default weight is 0, which matters only among several providers."""
    is_alone = len(items) == 1 and items[0].get("weight") is None
    return is_alone or any(item.get("weight") or item.get("base") for item in items)


def launch(request: Request, definition: Request, cluster: Request) -> Iterator[str]:
    """What is wrong between a request, its task definition and the cluster it names."""
    items = request.get("capacityProviderStrategy") or []
    if request.get("launchType") and items:
        yield "Specifying both a launch type and capacity provider strategy is not supported"
    if request.get("launchType") == "MANAGED_INSTANCES":
        yield "To use Amazon ECS Managed Instances, specify a capacity provider strategy and omit the launch type."
    yield from strategy(items, cluster.get("capacityProviders") or [])
    if is_on_fargate(request, cluster):
        if "FARGATE" not in definition["compatibilities"]:
            yield "Task definition does not support launch_type FARGATE."
        if request.get("placementConstraints") or request.get("placementStrategy"):
            yield "Placement strategies and constraints are not supported with the FARGATE launch type"
        return
    if request.get("platformVersion"):
        yield "The platform version must be null when specifying an EC2 launch type"
    awsvpc = (request.get("networkConfiguration") or {}).get("awsvpcConfiguration") or {}
    if awsvpc.get("assignPublicIp") == "ENABLED":
        yield "Assign public IP is not supported for this launch type."
    yield from _placement(request)


def _placement(request: Request) -> Iterator[str]:
    """https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_PlacementConstraint.html and API_PlacementStrategy."""
    constraints, strategies = request.get("placementConstraints") or [], request.get("placementStrategy") or []
    if len(constraints) > MAX_CONSTRAINTS:
        yield f"placement constraints can have at most {MAX_CONSTRAINTS} items."
    if len(strategies) > MAX_STRATEGIES:
        yield f"placement strategy can have at most {MAX_STRATEGIES} items."
    for constraint in constraints:
        if constraint.get("type") == "distinctInstance" and constraint.get("expression"):
            yield "distinctInstance expression should not be specified"
        if constraint.get("type") == "memberOf" and not constraint.get("expression"):
            yield "memberOf expression should be specified"
    for item in strategies:
        if item.get("type") == "random" and item.get("field"):
            yield "The random placement strategy does not take a field."
        if item.get("type") == "binpack" and str(item.get("field")).lower() not in {"cpu", "memory"}:
            yield "The field of the binpack placement strategy must be cpu or memory."
        if item.get("type") == "spread" and not _SPREAD.fullmatch(str(item.get("field") or "")):
            yield "The field of the spread placement strategy must be instanceId, host or an attribute, such as attribute:ecs.availability-zone."


def platform(request: Request, definition: Request) -> Iterator[tuple[str, str]]:
    """What is wrong with the platform of a task on Fargate: codes and sentences.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/platform-versions-retired.html
    """
    version = request.get("platformVersion") or LATEST
    system = "WINDOWS" if runtime_platform.is_windows(definition) else "LINUX"
    if not VERSIONS[system].fullmatch(version):
        yield UNKNOWN_PLATFORM, f"The specified platform version does not exist: {version}"
    spot = [item["capacityProvider"] for item in request.get("capacityProviderStrategy") or []]
    if system == "WINDOWS" and "FARGATE_SPOT" in spot:
        yield "InvalidParameterException", "Windows tasks are not supported on FARGATE_SPOT"
