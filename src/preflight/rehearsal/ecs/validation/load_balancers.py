"""Load balancers of a service, as its request and its task definition tell of them. Pure.

Sources: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_LoadBalancer.html,
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_AdvancedConfiguration.html, the member role of
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html and
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/troubleshooting-blue-green.html.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from preflight.rehearsal.ecs import deployment_strategy
from preflight.rehearsal.ecs.validation import Request

MAX_BALANCERS = 5
FOR_SHIFTS = ("alternateTargetGroupArn", deployment_strategy.PRODUCTION_RULE, "roleArn")
_NO_RULE = re.compile(r"arn:[^:]+:elasticloadbalancing:.*:(?!listener-rule/|listener/)[^:]*")
NO_RULE = "{key} has an invalid ARN format. Must be RuleArn for ALB or ListenerArn for NLB. Got: {arn}"


def refusals(request: Request, definition: Request) -> Iterator[str]:
    """What is wrong with the load balancers of a service, apart from what they are."""
    balancers = request.get("loadBalancers") or []
    is_awsvpc = definition.get("networkMode") == "awsvpc"
    if request.get("role") and not balancers:
        yield "If you specify the role parameter, you must also specify a load balancer."
    if request.get("role") and is_awsvpc:
        yield "You cannot specify an IAM role for services that require a service linked role."
    if len(balancers) > MAX_BALANCERS:
        yield f"load balancers can have at most {MAX_BALANCERS} items."
    if request.get("healthCheckGracePeriodSeconds") is not None and not _has_health(request, definition):
        yield "Health check grace period is only valid for services configured to use load balancers"
    for balancer in balancers:
        yield from _one(balancer, is_awsvpc=is_awsvpc)
        yield from container(balancer, definition)
    yield from _advanced(request, balancers)


def _has_health(request: Request, definition: Request) -> bool:
    """Whether a load balancer, VPC Lattice or ECS itself asks for the health of a service's tasks."""
    has_checks = any(container.get("healthCheck") for container in definition["containerDefinitions"])
    return bool(request.get("loadBalancers") or request.get("vpcLatticeConfigurations") or has_checks)


def _one(balancer: Request, *, is_awsvpc: bool) -> Iterator[str]:
    if balancer.get("loadBalancerName") and balancer.get("targetGroupArn"):
        yield "loadBalancerName and targetGroupArn cannot both be specified"
    if balancer.get("loadBalancerName") and is_awsvpc:
        yield "Classic Load Balancers are not supported with Fargate"
    if not balancer.get("loadBalancerName") and not balancer.get("targetGroupArn"):
        yield "A load balancer must specify its targetGroupArn."
    for key in ("containerName", "containerPort"):
        if balancer.get(key) is None:
            yield f"A load balancer must specify its {key}."


def container(target: Request, definition: Request) -> Iterator[str]:
    """What is wrong with the container and port that a load balancer or a registry names."""
    name, port = target.get("containerName"), target.get("containerPort")
    containers = {c["name"]: c for c in definition["containerDefinitions"]}
    if name not in containers:
        yield f"The container {name} does not exist in the task definition."
        return
    ports = [mapping.get("containerPort") for mapping in containers[name].get("portMappings") or []]
    if port not in ports:
        yield f"The container {name} did not have a container port {port} defined."
    if ports.count(port) > 1:
        yield f"Container port {port} is used in more than one port mapping for container {name}"


def _advanced(request: Request, balancers: Sequence[Request]) -> Iterator[str]:
    """What is wrong with the advanced configurations, which every load balancer needs if traffic is shifted."""
    advanced = [balancer["advancedConfiguration"] for balancer in balancers if balancer.get("advancedConfiguration")]
    if any(balancer.get("loadBalancerName") and balancer.get("advancedConfiguration") for balancer in balancers):
        yield "advancedConfiguration field is not allowed with ELBv1 loadBalancers"
    if deployment_strategy.of(request) != deployment_strategy.ROLLING and len(advanced) < len(balancers):
        yield "advancedConfiguration field is required for all loadBalancers when using a non-ROLLING deployment strategy"
    elif advanced and len(advanced) < len(balancers):
        yield "Either all or none of the provided loadBalancers must have advancedConfiguration defined"
    for configuration in advanced:
        yield from _shift(configuration, is_shifting=deployment_strategy.of(request) != deployment_strategy.ROLLING)
    groups = [b.get("targetGroupArn") for b in balancers] + [c.get("alternateTargetGroupArn") for c in advanced] if advanced else []
    for group in sorted({str(group) for group in groups if group and groups.count(group) > 1}):
        yield f"Duplicate targetGroupArn found: {group}"


def _shift(advanced: Request, *, is_shifting: bool) -> Iterator[str]:
    for key in FOR_SHIFTS:
        if is_shifting and not advanced.get(key):
            yield f"The deployment strategy of the service needs the {key} of the load balancer's advancedConfiguration."
    for key in deployment_strategy.RULES:
        if _NO_RULE.fullmatch(str(advanced.get(key))):
            yield NO_RULE.format(key=key, arn=advanced[key])
    rule = advanced.get(deployment_strategy.PRODUCTION_RULE)
    if rule and rule == advanced.get(deployment_strategy.TEST_RULE):
        yield f"The following rules cannot be used as both production and test listener rules: {rule}"
