"""How many tasks a service keeps, and how it replaces them. Pure.

Sources: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html,
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentController.html,
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentLifecycleHook.html,
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-external.html and
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-rebalancing.html.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.rehearsal.ecs.validation import Request

DAY = 1440
MAX_GRACE = 2147483647
SHIFTS = {"LINEAR": "linearConfiguration", "CANARY": "canaryConfiguration"}
NOT_WHILE_PAUSED = frozenset({"TEST_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT"})
ZONE = "attribute:ecs.availability-zone"


def controller_of(request: Request) -> str:
    """The deployment controller's type."""
    return str((request.get("deploymentController") or {}).get("type") or "ECS")


def refusals(request: Request, *, is_on_fargate: bool) -> Iterator[str]:
    """What is wrong with how a service is to be kept running."""
    if (request.get("desiredCount") or 0) < 0:
        yield "The desired count must not be negative."
    if not 0 <= (request.get("healthCheckGracePeriodSeconds") or 0) <= MAX_GRACE:
        yield f"The health check grace period must be between 0 and {MAX_GRACE} seconds."
    if request.get("schedulingStrategy") == "DAEMON":
        yield from _daemon(request, is_on_fargate=is_on_fargate)
    yield from _controller(request)
    yield from _percent(request)
    yield from _strategy(request.get("deploymentConfiguration") or {})
    yield from _rebalancing(request)


def _daemon(request: Request, *, is_on_fargate: bool) -> Iterator[str]:
    if is_on_fargate:
        yield "The daemon scheduling strategy is not supported on Fargate"
    if controller_of(request) != "ECS":
        yield f"The daemon scheduling strategy is not supported with the {controller_of(request)} deployment controller"
    if request.get("desiredCount") is not None:
        yield "The daemon scheduling strategy does not support a desired count"
    if request.get("placementStrategy"):
        yield "The daemon scheduling strategy does not support placement strategies"
    if ((request.get("deploymentConfiguration") or {}).get("maximumPercent") or 0) > 100:
        yield "The daemon scheduling strategy does not support values above 100 for maximumPercent"


def _controller(request: Request) -> Iterator[str]:
    controller, configuration = controller_of(request), request.get("deploymentConfiguration") or {}
    balancers = request.get("loadBalancers") or []
    if controller == "ECS":
        return
    for key in ("deploymentCircuitBreaker", "alarms"):
        if configuration.get(key):
            yield f"{key} is only supported with the ECS deployment controller"
    if (configuration.get("strategy") or "ROLLING") != "ROLLING":
        yield f"The deployment strategy {configuration['strategy']} is only supported with the ECS deployment controller"
    if (request.get("serviceConnectConfiguration") or {}).get("enabled"):
        yield "Service Connect is only supported with the ECS deployment controller"
    if controller == "CODE_DEPLOY" and not balancers:
        yield "With the CODE_DEPLOY deployment controller, the service requires an Application Load Balancer or Network Load Balancer"
    if controller == "CODE_DEPLOY" and len(balancers) > 1:
        yield "Multiple target groups are not supported with the CODE_DEPLOY deployment controller"
    if controller == "EXTERNAL" and balancers:
        yield "LoadBalancers must be empty or null"
    if controller == "EXTERNAL" and request.get("networkConfiguration"):
        yield "NetworkConfiguration must be null."


def _percent(request: Request) -> Iterator[str]:
    configuration = request.get("deploymentConfiguration") or {}
    low, high = configuration.get("minimumHealthyPercent"), configuration.get("maximumPercent")
    if low is not None and low > 100:
        yield "minimumHealthyPercent must be at most 100"
    if low is not None and low < 0:
        yield "minimumHealthyPercent must be at least 0"
    if high is not None and high < 100:
        yield "maximumPercent must be at least 100"
    is_daemon = request.get("schedulingStrategy") == "DAEMON"
    if low == 100 and high == 100 and controller_of(request) == "ECS" and not is_daemon:
        yield "Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments."
    breaker = configuration.get("deploymentCircuitBreaker") or {}
    threshold = breaker.get("thresholdConfiguration") or {}
    if threshold and (threshold.get("value") or 0) < 1:
        yield "The threshold value of the deployment circuit breaker must be at least 1"


def _strategy(configuration: Request) -> Iterator[str]:
    strategy = configuration.get("strategy") or "ROLLING"
    for name, key in SHIFTS.items():
        if configuration.get(key) and strategy != name:
            yield f"{key} is only valid when the deployment strategy is {name}"
    if not 0 <= (configuration.get("bakeTimeInMinutes") or 0) <= DAY:
        yield f"bakeTimeInMinutes must be between 0 and {DAY}"
    linear, canary = configuration.get("linearConfiguration") or {}, configuration.get("canaryConfiguration") or {}
    yield from _shift("stepPercent", linear.get("stepPercent"), linear.get("stepBakeTimeInMinutes"), least=3.0)
    yield from _shift("canaryPercent", canary.get("canaryPercent"), canary.get("canaryBakeTimeInMinutes"), least=0.1)
    for hook in configuration.get("lifecycleHooks") or []:
        yield from _hook(hook)


def _shift(key: str, percent: float | None, minutes: int | None, *, least: float) -> Iterator[str]:
    if percent is not None and not (least <= percent <= 100 and abs(percent * 10 - round(percent * 10)) < 1e-6):
        yield f"{key} must be a multiple of 0.1 from {least} to 100.0"
    if minutes is not None and not 0 <= minutes <= DAY:
        yield f"The bake time beside {key} must be between 0 and {DAY} minutes"


def _hook(hook: Request) -> Iterator[str]:
    stages = hook.get("lifecycleStages") or []
    is_pause = hook.get("targetType") == "PAUSE"
    if not stages:
        yield "A deployment lifecycle hook must specify its lifecycleStages"
    if not is_pause and not hook.get("hookTargetArn"):
        yield "A deployment lifecycle hook of type AWS_LAMBDA must specify its hookTargetArn"
    if is_pause and NOT_WHILE_PAUSED & set(stages):
        yield "A PAUSE hook cannot be configured at TEST_TRAFFIC_SHIFT or PRODUCTION_TRAFFIC_SHIFT stages"


def _rebalancing(request: Request) -> Iterator[str]:
    """Only where it is asked for: by default it is on only for the services that can have it."""
    if request.get("availabilityZoneRebalancing") != "ENABLED":
        return
    beginning = "Availability Zone Rebalancing does not support"
    configuration = request.get("deploymentConfiguration") or {}
    if request.get("schedulingStrategy") == "DAEMON":
        yield f"{beginning} DAEMON services"
    if configuration.get("maximumPercent") is not None and configuration["maximumPercent"] <= 100:
        yield f"{beginning} maximumPercent <= 100 % as deployment configuration."
    first = next(iter(request.get("placementStrategy") or []), None)
    if first and (first.get("type"), first.get("field")) != ("spread", ZONE):
        yield f"{beginning} a first placement strategy other than spread by {ZONE}"
    if any(balancer.get("loadBalancerName") for balancer in request.get("loadBalancers") or []):
        yield f"{beginning} Classic Load Balancers"
