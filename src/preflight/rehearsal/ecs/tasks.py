"""Tasks of ECS."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from preflight.model import JsonObject
from preflight.rehearsal.ecs import pagination, request_checks, services
from preflight.rehearsal.ecs.account_checks import Checks
from preflight.rehearsal.ecs.state import Cluster, Definition, Deployment, Service, State, Task, new_id
from preflight.rehearsal.ecs.validation import capacity, ebs_volumes, run_task
from preflight.rehearsal.protocol import Call, Refusal, utc_now

Launch = Callable[[Task], None]
Stop = Callable[..., None]


class Tasks:
    """The operations on tasks; `launch` and `stop` do the work behind them."""

    def __init__(self, state: State, checks: Checks, *, launch: Launch, stop: Stop) -> None:
        self._state = state
        self._checks = checks
        self._launch = launch
        self._stop = stop

    def run(self, call: Call) -> JsonObject:
        """RunTask; refuses what AWS refuses."""
        request_checks.check(call)
        cluster = self._state.cluster(call.region, call.parameters.get("cluster"))
        try:
            definition = self._state.definition(call.region, call.parameters["taskDefinition"])
        except Refusal:
            raise Refusal("ClientException", "TaskDefinition not found.") from None
        if not definition.is_active:
            raise Refusal("ClientException", "TaskDefinition is inactive")
        self._check(call, definition, cluster)
        tasks = [
            make(self._state, cluster, definition, call.parameters, region=call.region)
            for _ in range(call.parameters.get("count") or 1)
        ]
        for task in tasks:
            self._launch(task)
        return {"tasks": [task.api for task in tasks], "failures": []}

    def _check(self, call: Call, definition: Definition, cluster: Cluster) -> None:
        request = call.parameters
        is_on_fargate = capacity.is_on_fargate(request, cluster.request)
        request_checks.refuse(run_task.request(request, definition.api))
        services.check_capacity(request, definition, cluster)
        self._checks.network(request, definition, call.region)
        request_checks.refuse(run_task.refusals(request, definition.api, is_on_fargate=is_on_fargate))
        request_checks.refuse(ebs_volumes.refusals(request, definition.api, is_on_fargate=is_on_fargate))
        if not is_on_fargate:
            raise Refusal("InvalidParameterException", run_task.NO_INSTANCES)

    def stop(self, call: Call) -> JsonObject:
        """StopTask."""
        cluster = self._state.cluster(call.region, call.parameters.get("cluster"))
        task = self._find(cluster, call.parameters["task"])
        if task is None:
            raise Refusal("InvalidParameterException", "The referenced task was not found.")
        reason = call.parameters.get("reason") or "Task stopped by user"
        self._stop(task, code="UserInitiated", reason=reason)
        return {"task": task.api}

    def describe(self, call: Call) -> JsonObject:
        """DescribeTasks."""
        cluster = self._state.cluster(call.region, call.parameters.get("cluster"))
        tasks, failures = [], []
        for name in call.parameters["tasks"]:
            task = self._find(cluster, name)
            if task is None:
                failures.append({"arn": name, "reason": "MISSING"})
            else:
                tasks.append(task.api)
        return {"tasks": tasks, "failures": failures}

    def _find(self, cluster: Cluster, name: str) -> Task | None:
        task = self._state.tasks.get(name.rpartition("/")[2])
        return task if task is not None and task.cluster is cluster else None

    def list_all(self, call: Call) -> JsonObject:
        """ListTasks; running ones unless `desiredStatus` says STOPPED."""
        cluster = self._state.cluster(call.region, call.parameters.get("cluster"))
        desired_status = call.parameters.get("desiredStatus") or "RUNNING"
        name = (call.parameters.get("serviceName") or "").rpartition("/")[2]
        if name and self._state.find_service(cluster, name) is None:
            raise Refusal("ServiceNotFoundException", "Service not found.")
        arns = [
            task.arn
            for task in list(self._state.tasks.values())
            if task.cluster is cluster
            and task.api["desiredStatus"] == desired_status
            and (not name or task.api.get("group") == f"service:{name}")
            and (not call.parameters.get("family") or task.definition.family == call.parameters["family"])
            and (not call.parameters.get("startedBy") or task.api.get("startedBy") == call.parameters["startedBy"])
        ]
        return pagination.page("taskArns", arns, call)


_numbers = itertools.count(1)


def make(
    state: State,
    cluster: Cluster,
    definition: Definition,
    request: JsonObject,
    *,
    region: str,
    service: Service | None = None,
    deployment: Deployment | None = None,
) -> Task:
    """A new task in PROVISIONING, known to DescribeTasks; nothing of it runs yet."""
    task_id = new_id()
    arn = state.arn(region, f"task/{cluster.name}/{task_id}")
    description = {
        "taskArn": arn,
        "clusterArn": cluster.arn,
        "taskDefinitionArn": definition.arn,
        "group": f"service:{service.name}" if service else request.get("group") or f"family:{definition.family}",
        "startedBy": deployment.id if deployment else request.get("startedBy"),
        "tags": _tags(state, definition, service, request),
        "overrides": request.get("overrides") or {},
        "enableExecuteCommand": bool(request.get("enableExecuteCommand")),
        **_initial_status(),
        **_platform(definition),
        **_capacity_provider(request),
        "containers": [_container(arn, container) for container in definition.api["containerDefinitions"]],
    }
    awsvpc = (request.get("networkConfiguration") or {}).get("awsvpcConfiguration") or {}
    task = Task(task_id, arn, region, cluster, definition, description, awsvpc, service, deployment)
    with state.changed:
        state.tasks[task_id] = task
    return task


def _initial_status() -> JsonObject:
    return {
        "lastStatus": "PROVISIONING",
        "desiredStatus": "RUNNING",
        "healthStatus": "UNKNOWN",
        "createdAt": utc_now(),
        "connectivity": "CONNECTED",
        "version": next(_numbers),
        "attachments": [],
    }


def _platform(definition: Definition) -> JsonObject:
    return {
        "launchType": "FARGATE",
        "platformVersion": "1.4.0",
        "platformFamily": "Linux",
        "cpu": definition.api.get("cpu"),
        "memory": definition.api.get("memory"),
        "attributes": [{"name": "ecs.cpu-architecture", "value": _architecture(definition)}],
        "ephemeralStorage": definition.api.get("ephemeralStorage") or {"sizeInGiB": 20},
    }


def _capacity_provider(request: JsonObject) -> JsonObject:
    strategy = request.get("capacityProviderStrategy") or []
    heaviest = max(strategy, key=lambda item: item.get("weight") or 0, default=None)
    return {"capacityProviderName": heaviest["capacityProvider"]} if heaviest else {}


def _architecture(definition: Definition) -> str:
    platform = definition.api.get("runtimePlatform") or {}
    return "arm64" if platform.get("cpuArchitecture") == "ARM64" else "x86_64"


def _tags(
    state: State, definition: Definition, service: Service | None, request: JsonObject
) -> list[dict[str, str]]:
    source = request.get("propagateTags")
    if source == "SERVICE" and service is not None:
        return state.tags.get(service.arn, [])
    if source == "TASK_DEFINITION":
        return state.tags.get(definition.arn, [])
    return request.get("tags") or [] if service is None else []


def _container(task_arn: str, request: JsonObject) -> JsonObject:
    return {
        "containerArn": f"{task_arn.replace(':task/', ':container/')}/{new_id()}",
        "taskArn": task_arn,
        "name": request["name"],
        "image": request["image"],
        "lastStatus": "PENDING",
        "healthStatus": "UNKNOWN",
        "networkBindings": [],
        "networkInterfaces": [],
        "cpu": str(request.get("cpu") or 0),
        **({"memory": str(request["memory"])} if request.get("memory") else {}),
    }
