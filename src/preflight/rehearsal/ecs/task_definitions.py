"""Task definitions of ECS."""

from __future__ import annotations

import re
from typing import Any

from botocore.exceptions import ClientError

from preflight.aws import fargate_sizes
from preflight.model import JsonObject
from preflight.rehearsal import protocol
from preflight.rehearsal.ecs import pagination, request_checks
from preflight.rehearsal.ecs.state import Definition, State
from preflight.rehearsal.ecs.validation import environment, port_mappings, task_definition
from preflight.rehearsal.protocol import Call, Refusal

_ROLE = re.compile(r"^arn:aws[a-z-]*:iam::(\d{12}):role/(?:.*/)?([^/]+)$")
DEFAULTS: dict[str, list[Any]] = {
    "mountPoints": [],
    "portMappings": [],
    "environment": [],
    "volumesFrom": [],
    "systemControls": [],
}


class Definitions:
    """The operations on task definitions."""

    def __init__(self, state: State) -> None:
        self._state = state

    def register(self, call: Call) -> JsonObject:
        """RegisterTaskDefinition; refuses what AWS refuses, the first thing that is wrong."""
        request_checks.check(call, code="ClientException")
        request = dict(call.parameters)
        message = task_definition.refusal(request)
        if message is not None:
            raise Refusal("ClientException", message)
        for key in ("executionRoleArn", "taskRoleArn"):
            if request.get(key):
                request[key] = self._role(request[key], call.region)
        self._check_secrets(request)
        family = request["family"]
        revisions = [
            d for d in list(self._state.definitions.values()) if d.family == family and d.arn.split(":")[3] == call.region
        ]
        revision = max((int(d.api["revision"]) for d in revisions), default=0) + 1
        arn = self._state.arn(call.region, f"task-definition/{family}:{revision}")
        tags = request.pop("tags", None) or []
        definition = Definition(arn, _shown(request, arn, revision), tags)
        self._state.definitions[arn] = definition
        self._state.tags[arn] = tags
        return {"taskDefinition": definition.api, "tags": tags}

    def _role(self, role: str, region: str) -> str:
        """The ARN of a role given by ARN or name, which has to exist in this account."""
        match = _ROLE.match(role)
        if match and match.group(1) != self._state.account.id:
            raise Refusal("ClientException", "Role is not valid")
        name = match.group(2) if match else role
        try:
            answer = self._state.account.client("iam", region).get_role(RoleName=name)
        except ClientError:
            raise Refusal("ClientException", "Role is not valid") from None
        arn = str(answer["Role"]["Arn"])
        if match and arn != role:
            raise Refusal("ClientException", "Role is not valid")
        return arn

    def _check_secrets(self, request: JsonObject) -> None:
        own = self._state.account.id
        for container in request["containerDefinitions"]:
            for secret in environment.secrets_of(container):
                parts = str(secret.get("valueFrom", "")).split(":")
                if len(parts) > 5 and parts[2] == "ssm" and parts[4] != own:
                    msg = (
                        "The Systems Manager parameter ARN has a different account ID than the current "
                        f"account. The current account ID is {own} and the ARN account ID is {parts[4]}. "
                        "Cross-account access for ARNs is not currently supported."
                    )
                    raise Refusal("ClientException", msg)

    def describe(self, call: Call) -> JsonObject:
        """DescribeTaskDefinition."""
        definition = self._state.definition(call.region, call.parameters["taskDefinition"])
        tags = self._state.tags.get(definition.arn, []) if "TAGS" in call.parameters.get("include", []) else []
        return {"taskDefinition": definition.api, "tags": tags}

    def deregister(self, call: Call) -> JsonObject:
        """DeregisterTaskDefinition."""
        definition = self._state.definition(call.region, call.parameters["taskDefinition"])
        definition.api.update(status="INACTIVE", deregisteredAt=protocol.utc_now())
        return {"taskDefinition": definition.api}

    def delete(self, call: Call) -> JsonObject:
        """DeleteTaskDefinitions."""
        deleted, failures = [], []
        for name in call.parameters["taskDefinitions"]:
            definition = self._state.definition(call.region, name)
            if definition.is_active:
                failures.append(
                    {
                        "arn": name,
                        "reason": "The specified task definition is still in ACTIVE status. Please deregister the target and try again.",
                    }
                )
                continue
            definition.api["status"] = "DELETE_IN_PROGRESS"
            deleted.append(definition.api)
            self._state.definitions.pop(definition.arn)
        return {"taskDefinitions": deleted, "failures": failures}

    def list_all(self, call: Call) -> JsonObject:
        """ListTaskDefinitions."""
        prefix, status = call.parameters.get("familyPrefix"), call.parameters.get("status") or "ACTIVE"
        arns = [
            d.arn
            for d in list(self._state.definitions.values())
            if d.api["status"] == status and (not prefix or d.family == prefix) and d.arn.split(":")[3] == call.region
        ]
        return pagination.page("taskDefinitionArns", arns[::-1] if call.parameters.get("sort") == "DESC" else arns, call)


def _shown(request: JsonObject, arn: str, revision: int) -> JsonObject:
    """The definition as the API shows it: sizes in units, defaults filled in, attributes derived."""
    definition = {**request, "taskDefinitionArn": arn, "revision": revision, "status": "ACTIVE", "registeredAt": protocol.utc_now()}
    for key, unit in (("cpu", "vcpu"), ("memory", "gb")):
        if request.get(key):
            units = fargate_sizes.units(str(request[key]), unit)
            definition[key] = str(request[key] if units is None else units)
    containers = [_container(c, request.get("networkMode")) for c in request["containerDefinitions"]]
    definition["containerDefinitions"] = containers
    definition["volumes"] = request.get("volumes") or []
    definition["placementConstraints"] = request.get("placementConstraints") or []
    definition["compatibilities"] = task_definition.compatibilities(request)
    return definition


def _container(request: JsonObject, mode: str | None) -> JsonObject:
    container = {**DEFAULTS, "cpu": 0, "essential": True, **request}
    container["portMappings"] = [_mapping(mapping, mode) for mapping in container["portMappings"]]
    return container


def _mapping(request: JsonObject, mode: str | None) -> JsonObject:
    mapping = {**request, "protocol": port_mappings.protocol_of(request)}
    if mode == "awsvpc" and "containerPort" in request:
        mapping["hostPort"] = request["containerPort"]
    return mapping
