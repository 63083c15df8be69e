"""Actions of listeners and rules whose weights ECS sets when it shifts traffic, and which CloudFormation leaves as they are.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/alb-resources-for-blue-green.html.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from preflight.rehearsal.cloudformation.resources.context import HandlerContext, Properties, Response, without
from preflight.rehearsal.ecs import deployment_strategy


def as_declared(context: HandlerContext, arn: str, declared: Any, actual: Any) -> Any:
    """Returns the declared actions of a rule or listener if ECS shifts traffic by it, else the actual ones."""
    is_weighted = any((action.get("ForwardConfig") or {}).get("TargetGroups") for action in actual or [])
    return declared if is_weighted and arn in _shifting(context) else actual


def unless_kept(context: HandlerContext, arn: str, name: str, old: Properties, new: Properties) -> Properties:
    """Returns the new properties without actions that the template leaves as they are, if ECS shifts traffic by them."""
    if name not in new or new[name] != old.get(name) or arn not in _shifting(context):
        return new
    return without(new, name)


def _shifting(context: HandlerContext) -> set[str]:
    """Returns the rules and listeners by which services of the region shift traffic."""
    advanced = [
        balancer.get("advancedConfiguration") or {}
        for service in _services(context)
        for balancer in service.get("loadBalancers") or []
    ]
    return {str(configuration[key]) for configuration in advanced for key in deployment_strategy.RULES if configuration.get(key)}


def _services(context: HandlerContext) -> Iterator[Response]:
    for cluster in context.call("ecs", "ListClusters")["clusterArns"]:
        names = context.call("ecs", "ListServices", cluster=cluster, maxResults=100)["serviceArns"]
        if names:
            yield from context.call("ecs", "DescribeServices", cluster=cluster, services=names)["services"]
