"""Runs the tasks of an EventBridge rule or a schedule once, as EventBridge does when the time has come.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/tasks-scheduled-eventbridge-scheduler.html,
https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_EcsParameters.html and
https://docs.aws.amazon.com/scheduler/latest/APIReference/API_EcsParameters.html.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError
from werkzeug.wrappers import Request, Response

from preflight.model import JsonObject
from preflight.rehearsal import acting, protocol
from preflight.rehearsal.account import Account
from preflight.rehearsal.cloudformation.stack import Resource, Stacks
from preflight.rehearsal.iam.principals import Principals
from preflight.rehearsal.iam.roles import Roles
from preflight.rehearsal.services.sts import Sts

PATH = "/_preflight/run-schedule"
RULE, SCHEDULE = "AWS::Events::Rule", "AWS::Scheduler::Schedule"
# The service that starts the tasks of a type, and how the tasks name it in startedBy.
SERVICES = {RULE: ("events", "events-rule"), SCHEDULE: ("scheduler", "chronos-schedule")}
RENAMED = {"TaskDefinitionArn": "taskDefinition", "TaskCount": "count", "TagList": "tags", "PlacementStrategies": "placementStrategy"}


@dataclass(frozen=True)
class TargetRun:
    """One target that was run: its path in the properties, its tasks, or why none was started."""

    property: str
    cluster: str
    tasks: tuple[str, ...] = ()
    failure: str | None = None
    network: Mapping[str, Any] = field(default_factory=dict)


class InvocationFailedError(Exception):
    """EventBridge cannot start the task; `property` is the member of the target that is at fault."""

    def __init__(self, message: str, name: str) -> None:
        super().__init__(message)
        self.property = name


class ScheduledTasks:
    """The rules and schedules of all stacks."""

    def __init__(self, account: Account, principals: Principals, stacks: Stacks) -> None:
        self._account = account
        self._principals = principals
        self._roles = Roles(account)
        self._stacks = stacks

    def answer(self, request: Request) -> Response:
        """Returns, as JSON, the runs of the rule or schedule of a name or logical id, and which ones there are."""
        region, name = request.args.get("region", ""), request.args.get("name", "")
        known = list(self._scheduled(region))
        resource = next((r for key in ("physical_id", "logical_id") for r in known if getattr(r, key) == name), None)
        runs = [vars(run) for run in self._runs(resource, region)] if resource is not None else []
        body = {
            "physical": resource.physical_id if resource is not None else None,
            "known": sorted(r.logical_id for r in known),
            "runs": runs,
        }
        return Response(json.dumps(body), content_type="application/json")

    def _scheduled(self, region: str) -> Iterator[Resource]:
        for stack in self._stacks.in_region(region):
            if stack.deleted is None:
                yield from (r for r in list(stack.resources.values()) if r.resource_type in SERVICES)

    def _runs(self, resource: Resource, region: str) -> Iterator[TargetRun]:
        for path, target in _targets(resource):
            if isinstance(target.get("EcsParameters"), Mapping):
                yield self._run(resource, region, path, target)

    def _run(self, resource: Resource, region: str, path: str, target: Mapping[str, Any]) -> TargetRun:
        cluster, network = str(target.get("Arn")), dict[str, Any]()
        try:
            request = _request(resource, target)
            network = (request.get("networkConfiguration") or {}).get("awsvpcConfiguration") or {}
            tasks = self._start(resource, region, str(target.get("RoleArn") or ""), request)
        except InvocationFailedError as error:
            return TargetRun(f"{path}.{error.property}", cluster, failure=str(error), network=network)
        return TargetRun(path, cluster, tasks, network=network)

    def _start(self, resource: Resource, region: str, arn: str, request: JsonObject) -> tuple[str, ...]:
        """Returns the tasks that the role of a target starts.

        Raises:
            InvocationFailedError: the role cannot be assumed, or AWS refuses the request.
        """
        service, _ = SERVICES[resource.resource_type]
        role = self._principals.role(arn)
        if role is None or not self._roles.trusts(arn, region, f"{service}.amazonaws.com", source=service):
            raise InvocationFailedError(f"{service}.amazonaws.com cannot assume the role {arn or 'of the target: it has none'}", "RoleArn")
        session = Sts.session_of(arn, str(role.id), resource.physical_id)
        try:
            with acting.acting_as(session):
                answer = self._account.client("ecs", region).run_task(**request)
        except ClientError as error:
            name = "RoleArn" if protocol.denial(error) is not None else "EcsParameters"
            raise InvocationFailedError(error.response["Error"]["Message"], name) from None
        return tuple(task["taskArn"] for task in answer["tasks"])


def _targets(resource: Resource) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yields the targets of a rule or a schedule, with their paths."""
    if resource.resource_type == SCHEDULE:
        yield "Target", resource.properties.get("Target") or {}
    for number, target in enumerate(resource.properties.get("Targets") or []):
        yield f"Targets.{number}", target


def _request(resource: Resource, target: Mapping[str, Any]) -> JsonObject:
    """Returns the RunTask request of a target.

    Raises:
        InvocationFailedError: its input is no override of a task.
    """
    request = {RENAMED.get(name, name): value for name, value in target["EcsParameters"].items()}
    request |= {"cluster": target.get("Arn"), "startedBy": f"{SERVICES[resource.resource_type][1]}/{resource.physical_id}"[:128]}
    if target.get("Input"):
        request["overrides"] = _overrides(target["Input"])
    shape = protocol.model_of("ecs").operation_model("RunTask").input_shape
    return dict(protocol.as_shape(request, shape, lost=[]))


def _overrides(text: Any) -> JsonObject:
    try:
        overrides = json.loads(text) if isinstance(text, str) else text
    except ValueError as error:
        raise InvocationFailedError(f"the input is not valid JSON: {error}", "Input") from None
    if not isinstance(overrides, dict):
        raise InvocationFailedError('the input of a target of ECS is an object such as {"containerOverrides": []}', "Input")
    return overrides
