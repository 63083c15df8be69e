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
        request = dict(call.given)
        said = task_definition.refusal(request)
        if said is not None:
            raise Refusal("ClientException", said)
        for key in ("executionRoleArn", "taskRoleArn"):
            if request.get(key):
                request[key] = self._role(request[key], call.region)
        self._check_secrets(request)
        family = request["family"]
        known = [
            d for d in list(self._state.definitions.values()) if d.family == family and d.arn.split(":")[3] == call.region
        ]
        revision = max((int(d.api["revision"]) for d in known), default=0) + 1
        arn = self._state.arn(call.region, f"task-definition/{family}:{revision}")
        tags = request.pop("tags", None) or []
        made = Definition(arn, _shown(request, arn, revision), tags)
        self._state.definitions[arn] = made
        self._state.tags[arn] = tags
        return {"taskDefinition": made.api, "tags": tags}

    def _role(self, role: str, region: str) -> str:
        """The ARN of a role given by ARN or name, which has to exist in this account."""
        found = _ROLE.match(role)
        if found and found.group(1) != self._state.account.id:
            raise Refusal("ClientException", "Role is not valid")
        name = found.group(2) if found else role
        try:
            answer = self._state.account.client("iam", region).get_role(RoleName=name)
        except ClientError:
            raise Refusal("ClientException", "Role is not valid") from None
        arn = str(answer["Role"]["Arn"])
        if found and arn != role:
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
        found = self._state.definition(call.region, call.given["taskDefinition"])
        tags = self._state.tags.get(found.arn, []) if "TAGS" in call.given.get("include", []) else []
        return {"taskDefinition": found.api, "tags": tags}

    def deregister(self, call: Call) -> JsonObject:
        """DeregisterTaskDefinition."""
        found = self._state.definition(call.region, call.given["taskDefinition"])
        found.api.update(status="INACTIVE", deregisteredAt=protocol.utc_now())
        return {"taskDefinition": found.api}

    def delete(self, call: Call) -> JsonObject:
        """DeleteTaskDefinitions."""
        gone, failures = [], []
        for name in call.given["taskDefinitions"]:
            found = self._state.definition(call.region, name)
            if found.is_active:
                failures.append(
                    {
                        "arn": name,
                        "reason": "The specified task definition is still in ACTIVE status. Please deregister the target and try again.",
                    }
                )
                continue
            found.api["status"] = "DELETE_IN_PROGRESS"
            gone.append(found.api)
            self._state.definitions.pop(found.arn)
        return {"taskDefinitions": gone, "failures": failures}

    def list_all(self, call: Call) -> JsonObject:
        """ListTaskDefinitions."""
        prefix, status = call.given.get("familyPrefix"), call.given.get("status") or "ACTIVE"
        arns = [
            d.arn
            for d in list(self._state.definitions.values())
            if d.api["status"] == status and (not prefix or d.family == prefix) and d.arn.split(":")[3] == call.region
        ]
        return pagination.page("taskDefinitionArns", arns[::-1] if call.given.get("sort") == "DESC" else arns, call)


def _shown(request: JsonObject, arn: str, revision: int) -> JsonObject:
    """The definition as the API shows it: sizes in units, defaults filled in, attributes derived."""
    shown = {**request, "taskDefinitionArn": arn, "revision": revision, "status": "ACTIVE", "registeredAt": protocol.utc_now()}
    for key, unit in (("cpu", "vcpu"), ("memory", "gb")):
        if request.get(key):
            units = fargate_sizes.units(str(request[key]), unit)
            shown[key] = str(request[key] if units is None else units)
    containers = [_container(c, request.get("networkMode")) for c in request["containerDefinitions"]]
    shown["containerDefinitions"] = containers
    shown["volumes"] = request.get("volumes") or []
    shown["placementConstraints"] = request.get("placementConstraints") or []
    shown["compatibilities"] = task_definition.compatibilities(request)
    return shown


def _container(request: JsonObject, mode: str | None) -> JsonObject:
    shown = {**DEFAULTS, "cpu": 0, "essential": True, **request}
    shown["portMappings"] = [_mapping(mapping, mode) for mapping in shown["portMappings"]]
    return shown


def _mapping(request: JsonObject, mode: str | None) -> JsonObject:
    shown = {**request, "protocol": port_mappings.protocol_of(request)}
    if mode == "awsvpc" and "containerPort" in request:
        shown["hostPort"] = request["containerPort"]
    return shown
