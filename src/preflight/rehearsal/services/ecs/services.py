"""Services of ECS."""

from __future__ import annotations

import random
from typing import Any

from preflight.rehearsal import protocol
from preflight.rehearsal.services.ecs import clusters, network
from preflight.rehearsal.services.ecs import state as states

INVALID = "InvalidParameterException"
DEPLOYS = (
    "taskDefinition",
    "networkConfiguration",
    "loadBalancers",
    "serviceRegistries",
    "launchType",
    "capacityProviderStrategy",
    "platformVersion",
    "enableExecuteCommand",
    "healthCheckGracePeriodSeconds",
    "forceNewDeployment",
)


class Services:
    """The operations on services."""

    def __init__(self, state: states.State, checks: network.Checks) -> None:
        self._state = state
        self._checks = checks

    def create(self, call: protocol.Call) -> dict[str, Any]:
        """CreateService; refuses what AWS refuses."""
        given = dict(call.given)
        cluster = self._state.cluster(call.region, given.get("cluster"))
        name = given["serviceName"]
        if not given.get("taskDefinition"):
            raise protocol.Refusal(INVALID, "TaskDefinition can not be blank.")
        definition = self._active(call.region, given["taskDefinition"])
        given["taskDefinition"] = definition.arn
        self._check(given, definition, cluster, call.region, verb="created")
        existing = self._state.find_service(cluster, name)
        if existing is not None and existing.status != "INACTIVE":
            if existing.status == "DRAINING" or existing.given != given:
                raise protocol.Refusal(INVALID, "Creation of service was not idempotent.")
            return {"service": self.shown(existing)}
        desired = given.get("desiredCount")
        service = states.Service(
            name=name,
            arn=self._state.arn(call.region, f"service/{cluster.name}/{name}"),
            cluster=cluster,
            region=call.region,
            given=given,
            desired=1 if desired is None else desired,
            deployments=[_deployment(given)],
        )
        with self._state.changed:
            self._state.services[service.arn] = service
            self._state.tags[service.arn] = given.get("tags") or []
            self._state.changed.notify_all()
        return {"service": self.shown(service)}

    def _active(self, region: str, name: str) -> states.Definition:
        try:
            definition = self._state.definition(region, name)
        except protocol.Refusal:
            raise protocol.Refusal("ClientException", "TaskDefinition not found.") from None
        if not definition.is_active:
            raise protocol.Refusal("ClientException", "TaskDefinition is inactive")
        return definition

    def _check(
        self,
        given: dict[str, Any],
        definition: states.Definition,
        cluster: states.Cluster,
        region: str,
        *,
        verb: str,
    ) -> None:
        check_capacity(given, definition, cluster)
        if given.get("schedulingStrategy") == "DAEMON" and is_on_fargate(given, cluster):
            raise protocol.Refusal(INVALID, "The daemon scheduling strategy is not supported on Fargate")
        _check_deployment(given)
        self._checks.network(given, definition, region)
        self._checks.load_balancers(given, definition, region)
        if given.get("serviceRegistries") or given.get("serviceConnectConfiguration"):
            self._checks.names(given, definition, region)
        if given.get("enableExecuteCommand") and not definition.api.get("taskRoleArn"):
            msg = (
                f"The service couldn't be {verb} because a valid taskRoleArn is not being used. "
                "Specify a valid task role in your task definition and try again."
            )
            raise protocol.Refusal(INVALID, msg)

    def update(self, call: protocol.Call) -> dict[str, Any]:
        """UpdateService; a change of what runs begins a new deployment."""
        given = {k: v for k, v in call.given.items() if k not in {"cluster", "service"}}
        service = self._state.service(call.region, call.given.get("cluster"), call.given["service"])
        merged = {**service.given, **given}
        definition = self._active(call.region, merged["taskDefinition"])
        merged["taskDefinition"] = definition.arn
        _check_same_balancers(service, given, definition)
        self._check(merged, definition, service.cluster, call.region, verb="updated")
        with self._state.changed:
            is_new = any(merged.get(k) != service.given.get(k) for k in DEPLOYS) or given.get("forceNewDeployment")
            service.given = {k: v for k, v in merged.items() if k != "forceNewDeployment"}
            if given.get("desiredCount") is not None:
                service.desired = given["desiredCount"]
            if is_new:
                service.deployments.insert(0, _deployment(service.given))
            service.is_steady = False
            self._state.changed.notify_all()
        return {"service": self.shown(service)}

    def delete(self, call: protocol.Call) -> dict[str, Any]:
        """DeleteService."""
        service = self._state.service(call.region, call.given.get("cluster"), call.given["service"])
        if service.desired > 0 and not call.given.get("force"):
            msg = "The service cannot be stopped while it is scaled above 0."
            raise protocol.Refusal(INVALID, msg)
        with self._state.changed:
            service.desired = 0
            service.status = "DRAINING"
            self._state.changed.notify_all()
        return {"service": self.shown(service)}

    def describe(self, call: protocol.Call) -> dict[str, Any]:
        """DescribeServices."""
        cluster = self._state.cluster(call.region, call.given.get("cluster"))
        found, failures = [], []
        for name in call.given["services"]:
            service = self._state.find_service(cluster, name)
            if service is None:
                arn = (
                    name if name.startswith("arn:") else self._state.arn(call.region, f"service/{cluster.name}/{name}")
                )
                failures.append({"arn": arn, "reason": "MISSING"})
            else:
                found.append(self.shown(service))
        return {"services": found, "failures": failures}

    def list_all(self, call: protocol.Call) -> dict[str, Any]:
        """ListServices."""
        cluster = self._state.cluster(call.region, call.given.get("cluster"))
        return {
            "serviceArns": [
                s.arn for s in self._state.services.values() if s.cluster is cluster and s.status == "ACTIVE"
            ]
        }

    def shown(self, service: states.Service) -> dict[str, Any]:
        """The service as the API shows it."""
        tasks = list(self._state.tasks_of(service))
        running = [t for t in tasks if t.status == "RUNNING"]
        kept = {k: v for k, v in service.given.items() if k not in {"cluster", "tags", "clientToken"}}
        return {
            "launchType": None if service.given.get("capacityProviderStrategy") else "EC2",
            **kept,
            "serviceArn": service.arn,
            "clusterArn": service.cluster.arn,
            "status": service.status,
            "desiredCount": service.desired,
            "runningCount": len(running),
            "pendingCount": len(tasks) - len(running),
            "platformVersion": service.given.get("platformVersion") or "LATEST",
            "schedulingStrategy": service.given.get("schedulingStrategy") or "REPLICA",
            "deploymentConfiguration": _deployment_configuration(service.given),
            "deployments": [self._deployment(service, d, tasks) for d in service.deployments],
            "events": service.events,
            "createdAt": service.created,
            "tags": self._state.tags.get(service.arn, []),
        }

    @staticmethod
    def _deployment(service: states.Service, deployment: states.Deployment, tasks: list[states.Task]) -> dict[str, Any]:
        own = [t for t in tasks if t.deployment is deployment]
        running = [t for t in own if t.status == "RUNNING"]
        is_primary = deployment is service.primary
        return {
            "id": deployment.id,
            "status": "PRIMARY" if is_primary else "ACTIVE",
            "taskDefinition": deployment.definition,
            "desiredCount": service.desired if is_primary else 0,
            "runningCount": len(running),
            "pendingCount": len(own) - len(running),
            "failedTasks": deployment.failed,
            "createdAt": deployment.created,
            "updatedAt": deployment.updated,
            "rolloutState": deployment.rollout,
            "rolloutStateReason": deployment.reason or f"ECS deployment {deployment.id} in progress.",
            **{
                k: deployment.given[k]
                for k in ("launchType", "networkConfiguration", "capacityProviderStrategy", "platformVersion")
                if k in deployment.given
            },
        }


def _deployment_configuration(given: dict[str, Any]) -> dict[str, Any]:
    breaker = {"enable": False, "rollback": False}
    default = {"maximumPercent": 200, "minimumHealthyPercent": 100, "deploymentCircuitBreaker": breaker}
    return {**default, **(given.get("deploymentConfiguration") or {})}


def _deployment(given: dict[str, Any]) -> states.Deployment:
    number = random.randint(10**18, 10**19 - 1)  # noqa: S311 - a name, not a secret
    return states.Deployment(f"ecs-svc/{number}", given["taskDefinition"], dict(given))


def is_on_fargate(given: dict[str, Any], cluster: states.Cluster) -> bool:
    """Whether tasks of a service or of RunTask go to Fargate: launch type, strategy, cluster default."""
    if given.get("launchType"):
        return bool(given["launchType"] == "FARGATE")
    strategy = given.get("capacityProviderStrategy") or cluster.given.get("defaultCapacityProviderStrategy") or []
    return any(item["capacityProvider"] in clusters.FARGATE_PROVIDERS for item in strategy)


def check_capacity(given: dict[str, Any], definition: states.Definition, cluster: states.Cluster) -> None:
    """Hold launch type and strategy against the definition and the cluster.

    Raises:
        Refusal: in AWS's words.
    """
    strategy = given.get("capacityProviderStrategy") or []
    if given.get("launchType") and strategy:
        msg = "Specifying both a launch type and capacity provider strategy is not supported"
        raise protocol.Refusal(INVALID, msg)
    clusters.check_strategy(strategy, cluster.given.get("capacityProviders") or [])
    if is_on_fargate(given, cluster):
        if "FARGATE" not in definition.api["compatibilities"]:
            raise protocol.Refusal(INVALID, "Task definition does not support launch_type FARGATE.")
        if given.get("placementConstraints") or given.get("placementStrategy"):
            msg = "Placement strategies and constraints are not supported with the FARGATE launch type"
            raise protocol.Refusal(INVALID, msg)
        _check_platform(given, definition)
    elif given.get("platformVersion"):
        msg = "The platform version must be null when specifying an EC2 launch type"
        raise protocol.Refusal(INVALID, msg)


def _check_same_balancers(service: states.Service, given: dict[str, Any], definition: states.Definition) -> None:
    """A new task definition keeps the container and port that the load balancer knows.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-load-balancing.html.
    """
    if "loadBalancers" in given:
        return
    ports = {
        (container["name"], mapping.get("containerPort"))
        for container in definition.api["containerDefinitions"]
        for mapping in container.get("portMappings") or []
    }
    for balancer in service.given.get("loadBalancers") or []:
        if (balancer.get("containerName"), balancer.get("containerPort")) not in ports:
            msg = f"Unable to update the service {service.name}: Load balancer container name or port changed in task definition"
            raise protocol.Refusal(INVALID, msg)


def _check_platform(given: dict[str, Any], definition: states.Definition) -> None:
    version = given.get("platformVersion") or "LATEST"
    family = (definition.api.get("runtimePlatform") or {}).get("operatingSystemFamily", "LINUX")
    known = {"LATEST", "1.4.0", "1.3.0"} if family == "LINUX" else {"LATEST", "1.0.0"}
    if version not in known:
        msg = f"The specified platform version does not exist: {version}"
        raise protocol.Refusal("PlatformUnknownException", msg)
    spot = [i["capacityProvider"] for i in given.get("capacityProviderStrategy") or []]
    if family != "LINUX" and "FARGATE_SPOT" in spot:
        raise protocol.Refusal(INVALID, "Windows tasks are not supported on FARGATE_SPOT")


def _check_deployment(given: dict[str, Any]) -> None:
    configuration = given.get("deploymentConfiguration") or {}
    if configuration.get("minimumHealthyPercent", 100) > 100:
        raise protocol.Refusal(INVALID, "minimumHealthyPercent must be at most 100")
    if configuration.get("maximumPercent", 200) < 100:
        raise protocol.Refusal(INVALID, "maximumPercent must be at least 100")
