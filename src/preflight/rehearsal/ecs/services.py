"""Services of ECS."""

from __future__ import annotations

import random
import re

from preflight.model import JsonObject
from preflight.rehearsal.ecs import pagination, request_checks, service_linked_role
from preflight.rehearsal.ecs.account_checks import Checks
from preflight.rehearsal.ecs.state import Cluster, Definition, Deployment, Service, State, Task
from preflight.rehearsal.ecs.validation import (
    capacity,
    deployment_configuration,
    ebs_volumes,
    names,
    service_connect,
    service_update,
)
from preflight.rehearsal.protocol import Call, Refusal

INVALID = "InvalidParameterException"
_TOKEN = re.compile(r"[!-~]{1,36}")
DEPLOYS = (
    "taskDefinition", "networkConfiguration", "loadBalancers", "serviceRegistries", "launchType",
    "capacityProviderStrategy", "platformVersion", "enableExecuteCommand", "healthCheckGracePeriodSeconds",
    "forceNewDeployment",
)


class Services:
    """The operations on services."""

    def __init__(self, state: State, checks: Checks) -> None:
        self._state = state
        self._checks = checks

    def create(self, call: Call) -> JsonObject:
        """CreateService; refuses what AWS refuses."""
        request_checks.check(call)
        request = dict(call.parameters)
        cluster = self._state.cluster(call.region, request.get("cluster"))
        name = request["serviceName"]
        _check_request(request)
        if deployment_configuration.controller_of(request) != "EXTERNAL":
            definition = self._active(call.region, request["taskDefinition"])
            request["taskDefinition"] = definition.arn
            self._check(request, definition, cluster, call.region, verb="created")
        service_linked_role.ensure(self._state, call.region)
        existing = self._state.find_service(cluster, name)
        if existing is not None and existing.status != "INACTIVE":
            if existing.status == "DRAINING" or existing.request != request:
                raise Refusal(INVALID, "Creation of service was not idempotent.")
            return {"service": self.shown(existing)}
        service = Service(
            name=name,
            arn=self._state.arn(call.region, f"service/{cluster.name}/{name}"),
            cluster=cluster,
            region=call.region,
            request=request,
            desired=_first_desired(request),
            deployments=[_deployment(request)],
            is_left_out=self._is_left_out(request, cluster),
        )
        with self._state.changed:
            self._state.services[service.arn] = service
            self._state.tags[service.arn] = request.get("tags") or []
            self._state.changed.notify_all()
        return {"service": self.shown(service)}

    def _is_left_out(self, request: JsonObject, cluster: Cluster) -> bool:
        """Whether the tasks of a service run on container instances, if there are any."""
        is_external = request.get("launchType") == "EXTERNAL"
        return is_external or (not is_on_fargate(request, cluster) and self._state.instances.exist())

    def _active(self, region: str, name: str) -> Definition:
        try:
            definition = self._state.definition(region, name)
        except Refusal:
            raise Refusal("ClientException", "TaskDefinition not found.") from None
        if not definition.is_active:
            raise Refusal("ClientException", "TaskDefinition is inactive")
        return definition

    def _check(
        self,
        request: JsonObject,
        definition: Definition,
        cluster: Cluster,
        region: str,
        *,
        verb: str,
    ) -> None:
        on_fargate = is_on_fargate(request, cluster)
        check_capacity(request, definition, cluster)
        request_checks.refuse(deployment_configuration.refusals(request, is_on_fargate=on_fargate))
        self._checks.network(request, definition, region)
        self._checks.load_balancers(request, definition, region)
        request_checks.refuse(service_connect.refusals(request, definition.api, cluster.request, is_on_fargate=on_fargate))
        request_checks.refuse(ebs_volumes.refusals(request, definition.api, is_on_fargate=on_fargate))
        if request.get("serviceRegistries") or request.get("serviceConnectConfiguration"):
            self._checks.names(request, definition, region)
        if request.get("enableExecuteCommand") and not definition.api.get("taskRoleArn"):
            msg = (
                f"The service couldn't be {verb} because a valid taskRoleArn is not being used. "
                "Specify a valid task role in your task definition and try again."
            )
            raise Refusal(INVALID, msg)

    def update(self, call: Call) -> JsonObject:
        """UpdateService; a change of what runs begins a new deployment."""
        request_checks.check(call)
        request = {k: v for k, v in call.parameters.items() if k not in {"cluster", "service"}}
        service = self._state.service(call.region, call.parameters.get("cluster"), call.parameters["service"])
        merged = _merged(service.request, request)
        if deployment_configuration.controller_of(service.request) == "EXTERNAL":
            request_checks.refuse(service_update.refusals(service.request, merged, request))
            request_checks.refuse(deployment_configuration.refusals(merged, is_on_fargate=True))
            service.request = {k: v for k, v in merged.items() if k != "forceNewDeployment"}
            return {"service": self.shown(service)}
        definition = self._active(call.region, merged["taskDefinition"])
        merged["taskDefinition"] = definition.arn
        _check_same_balancers(service, request, definition)
        before = self._state.definitions.get(service.request["taskDefinition"], definition)
        request_checks.refuse(service_update.refusals(service.request, merged, request))
        request_checks.refuse(service_update.definitions(service.request, merged, before.api, definition.api))
        self._check(merged, definition, service.cluster, call.region, verb="updated")
        with self._state.changed:
            service.is_left_out = self._is_left_out(merged, service.cluster)
            is_new = any(merged.get(k) != service.request.get(k) for k in DEPLOYS) or request.get("forceNewDeployment")
            service.request = {k: v for k, v in merged.items() if k != "forceNewDeployment"}
            if request.get("desiredCount") is not None:
                service.desired = request["desiredCount"]
            if is_new:
                service.deployments.insert(0, _deployment(service.request, service.production))
            service.is_steady = False
            self._state.changed.notify_all()
        return {"service": self.shown(service)}

    def delete(self, call: Call) -> JsonObject:
        """DeleteService."""
        service = self._state.service(call.region, call.parameters.get("cluster"), call.parameters["service"])
        if _shown_desired(service) > 0 and not call.parameters.get("force"):
            msg = "The service cannot be stopped while it is scaled above 0."
            raise Refusal(INVALID, msg)
        with self._state.changed:
            service.desired = 0
            service.status = "DRAINING"
            self._state.changed.notify_all()
        return {"service": self.shown(service)}

    def describe(self, call: Call) -> JsonObject:
        """DescribeServices."""
        cluster = self._state.cluster(call.region, call.parameters.get("cluster"))
        services, failures = [], []
        for name in call.parameters["services"]:
            service = self._state.find_service(cluster, name)
            if service is None:
                arn = (
                    name if name.startswith("arn:") else self._state.arn(call.region, f"service/{cluster.name}/{name}")
                )
                failures.append({"arn": arn, "reason": "MISSING"})
            else:
                services.append(self.shown(service))
        return {"services": services, "failures": failures}

    def list_all(self, call: Call) -> JsonObject:
        """ListServices."""
        cluster = self._state.cluster(call.region, call.parameters.get("cluster"))
        arns = [s.arn for s in list(self._state.services.values()) if s.cluster is cluster and s.status == "ACTIVE"]
        return pagination.page("serviceArns", arns, call, usual=10)

    def shown(self, service: Service) -> JsonObject:
        """The service as the API shows it."""
        tasks = list(self._state.tasks_of(service))
        running = [t for t in tasks if t.status == "RUNNING"]
        requested = {k: v for k, v in service.request.items() if k not in {"cluster", "tags", "clientToken"}}
        return {
            "launchType": None if service.request.get("capacityProviderStrategy") else "EC2",
            **requested,
            "serviceArn": service.arn,
            "clusterArn": service.cluster.arn,
            "status": service.status,
            "desiredCount": _shown_desired(service),
            "runningCount": len(running),
            "pendingCount": len(tasks) - len(running),
            "platformVersion": service.request.get("platformVersion") or "LATEST",
            "schedulingStrategy": service.request.get("schedulingStrategy") or "REPLICA",
            "deploymentConfiguration": _deployment_configuration(service.request),
            "deployments": [self._deployment(service, d, tasks) for d in service.deployments],
            "events": service.events,
            "createdAt": service.created,
            "tags": self._state.tags.get(service.arn, []),
        }

    @staticmethod
    def _deployment(service: Service, deployment: Deployment, tasks: list[Task]) -> JsonObject:
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
                k: deployment.request[k]
                for k in ("launchType", "networkConfiguration", "capacityProviderStrategy", "platformVersion")
                if k in deployment.request
            },
        }


def _deployment_configuration(request: JsonObject) -> JsonObject:
    breaker = {"enable": False, "rollback": False}
    default = {"maximumPercent": 200, "minimumHealthyPercent": 100, "deploymentCircuitBreaker": breaker}
    return {**default, **(request.get("deploymentConfiguration") or {})}


def _deployment(request: JsonObject, former: Deployment | None = None) -> Deployment:
    """Returns a new deployment; unless it shifts traffic, its tasks go to the target groups that serve production traffic."""
    number = random.randint(10**18, 10**19 - 1)  # noqa: S311 - a name, not a secret
    is_alternate = former is not None and former.is_alternate
    return Deployment(f"ecs-svc/{number}", request.get("taskDefinition") or "", dict(request), is_alternate=is_alternate)


def _first_desired(request: JsonObject) -> int:
    """Returns the number of tasks that ECS starts itself.

    With the EXTERNAL controller task sets start them; a DAEMON has one on each container instance, which this account has none of.
    """
    if deployment_configuration.controller_of(request) == "EXTERNAL" or request.get("schedulingStrategy") == "DAEMON":
        return 0
    desired = request.get("desiredCount")
    return 1 if desired is None else int(desired)


def _shown_desired(service: Service) -> int:
    """Returns the desired count as the API shows it; with the EXTERNAL controller, task sets are scaled by it."""
    if deployment_configuration.controller_of(service.request) == "EXTERNAL" and service.status == "ACTIVE":
        return int(service.request.get("desiredCount") or 0)
    return service.desired


def _check_request(request: JsonObject) -> None:
    if not names.NAME.fullmatch(request["serviceName"]):
        raise Refusal(INVALID, f"The service name {names.SAID_OF_NAMES}")
    if request.get("clientToken") and not _TOKEN.fullmatch(request["clientToken"]):
        raise Refusal(INVALID, "clientToken takes up to 36 ASCII characters in the range of 33-126.")
    if deployment_configuration.controller_of(request) == "EXTERNAL":
        if request.get("taskDefinition"):
            raise Refusal(INVALID, "TaskDefinition must be blank")
        request_checks.refuse(deployment_configuration.refusals(request, is_on_fargate=True))
        return
    if not request.get("taskDefinition"):
        raise Refusal(INVALID, "TaskDefinition can not be blank.")


def _merged(old: JsonObject, new: JsonObject) -> JsonObject:
    """A service after an update; a strategy takes the place of the launch type, an empty one gives it back.

    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html, capacityProviderStrategy.
    """
    merged = {**old, **new}
    if new.get("capacityProviderStrategy"):
        merged.pop("launchType", None)
    elif "capacityProviderStrategy" in new and old.get("capacityProviderStrategy"):
        merged["launchType"] = "FARGATE" if capacity.is_on_fargate(old, {}) else "EC2"
    return merged


def is_on_fargate(request: JsonObject, cluster: Cluster) -> bool:
    """Whether tasks of a service go to Fargate: launch type, strategy, cluster default."""
    return capacity.is_on_fargate(request, cluster.request)


def check_capacity(request: JsonObject, definition: Definition, cluster: Cluster) -> None:
    """Hold launch type, strategy and platform against the definition and the cluster.

    Raises:
        Refusal: in AWS's words.
    """
    request_checks.refuse(capacity.launch(request, definition.api, cluster.request))
    if is_on_fargate(request, cluster):
        for code, message in capacity.platform(request, definition.api):
            raise Refusal(code, message)


def _check_same_balancers(service: Service, request: JsonObject, definition: Definition) -> None:
    """A new task definition keeps the container and port that the load balancer knows.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-load-balancing.html.
    """
    if "loadBalancers" in request:
        return
    ports = {
        (container["name"], mapping.get("containerPort"))
        for container in definition.api["containerDefinitions"]
        for mapping in container.get("portMappings") or []
    }
    for balancer in service.request.get("loadBalancers") or []:
        if (balancer.get("containerName"), balancer.get("containerPort")) not in ports:
            msg = f"Unable to update the service {service.name}: Load balancer container name or port changed in task definition"
            raise Refusal(INVALID, msg)
