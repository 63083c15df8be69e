"""Actions of listeners and rules whose weights ECS sets when it shifts traffic, and which CloudFormation leaves as they are.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/alb-resources-for-blue-green.html.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from preflight.rehearsal.cloudformation.resources.context import HandlerContext, Properties, Response, without
from preflight.rehearsal.ecs import deployment_strategy

DESCRIBED = 10  # services that DescribeServices takes: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeServices.html


def as_declared(context: HandlerContext, arn: str, declared: Any, actual: Any) -> Any:
    """Returns the declared actions of a rule or listener if ECS shifts traffic by it, else the actual ones."""
    is_weighted = any((action.get("ForwardConfig") or {}).get("TargetGroups") for action in actual or [])
    return declared if is_weighted and _is_shifting(context, arn) else actual


def unless_kept(context: HandlerContext, arn: str, name: str, old: Properties, new: Properties) -> Properties:
    """Returns the new properties without actions that the template leaves as they are, if ECS shifts traffic by them."""
    if name not in new or new[name] != old.get(name) or not _is_shifting(context, arn):
        return new
    return without(new, name)


def _is_shifting(context: HandlerContext, arn: str) -> bool:
    """Whether a service of the region shifts traffic by a rule or listener."""
    return any(arn in _rules(service) for service in _services(context))


def _rules(service: Response) -> Iterator[str]:
    """Yields the rules and listeners by which a service shifts traffic."""
    for balancer in service.get("loadBalancers") or []:
        configuration = balancer.get("advancedConfiguration") or {}
        yield from (str(configuration[key]) for key in deployment_strategy.RULES if configuration.get(key))


def _services(context: HandlerContext) -> Iterator[Response]:
    for clusters in _pages(context, "ListClusters", "clusterArns"):
        for cluster in clusters:
            for services in _pages(context, "ListServices", "serviceArns", cluster=cluster, maxResults=DESCRIBED):
                if services:
                    yield from context.call("ecs", "DescribeServices", cluster=cluster, services=services)["services"]


def _pages(context: HandlerContext, operation: str, member: str, **request: Any) -> Iterator[list[str]]:
    """Yields what an operation lists, page by page."""
    token: str | None = None
    while True:
        answer = context.call("ecs", operation, **request, **({"nextToken": token} if token else {}))
        yield answer[member]
        token = answer.get("nextToken")
        if not token:
            return
