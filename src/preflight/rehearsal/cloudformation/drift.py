"""Drift detection: what the services describe, compared with what the template of a stack says.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-drift.html.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from preflight.model import JsonObject
from preflight.rehearsal.cloudformation import moto_losses, template_validation
from preflight.rehearsal.cloudformation.read_actions import ReadActions, page
from preflight.rehearsal.cloudformation.resource_handlers import ResourceHandlers
from preflight.rehearsal.cloudformation.resources.failure import ResourceFailedError
from preflight.rehearsal.cloudformation.stack import Resource, Stack
from preflight.rehearsal.protocol import Call, Operation, utc_now

DETECTABLE = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_FAILED")
DRIFTED = ("MODIFIED", "DELETED")


class DriftDetection:
    """The actions that detect drift, each at once, so that a detection is complete when it is asked for."""

    def __init__(self, handlers: ResourceHandlers, read_actions: ReadActions) -> None:
        self._handlers = handlers
        self._read_actions = read_actions
        self._detections: dict[str, JsonObject] = {}

    def operations(self) -> Mapping[str, Operation]:
        """Returns the actions, by name."""
        return {
            "DetectStackDrift": self.detect,
            "DetectStackResourceDrift": self.detect_resource,
            "DescribeStackDriftDetectionStatus": self.status,
            "DescribeStackResourceDrifts": self.drifts,
        }

    def detect(self, call: Call) -> JsonObject:
        """DetectStackDrift."""
        stack = self._need(call)
        if stack.status not in DETECTABLE:
            msg = f"Drift detection cannot be performed on stack [{stack.id}] in status {stack.status}"
            raise template_validation.refuse(msg)
        names = call.parameters.get("LogicalResourceIds") or list(stack.resources)
        self._detect(stack, [resource for name, resource in stack.resources.items() if name in names])
        drifted = sum(resource.drift.get("StackResourceDriftStatus") in DRIFTED for resource in stack.resources.values())
        stack.drift = {"StackDriftStatus": "DRIFTED" if drifted else "IN_SYNC", "LastCheckTimestamp": utc_now()}
        detection = str(uuid.uuid4())
        self._detections[detection] = {
            "StackId": stack.id,
            "StackDriftDetectionId": detection,
            "StackDriftStatus": stack.drift["StackDriftStatus"],
            "DetectionStatus": "DETECTION_COMPLETE",
            "DriftedStackResourceCount": drifted,
            "Timestamp": stack.drift["LastCheckTimestamp"],
        }
        return {"StackDriftDetectionId": detection}

    def detect_resource(self, call: Call) -> JsonObject:
        """DetectStackResourceDrift."""
        stack, name = self._need(call), call.parameters["LogicalResourceId"]
        resource = stack.resources.get(name)
        if resource is None:
            raise template_validation.refuse(f"Resource {name} does not exist for stack {stack.name}")
        self._detect(stack, [resource])
        if not resource.drift:
            raise template_validation.refuse(f"Drift detection is not supported for resource type {resource.resource_type}")
        return {"StackResourceDrift": resource.drift}

    def status(self, call: Call) -> JsonObject:
        """DescribeStackDriftDetectionStatus."""
        detection = call.parameters["StackDriftDetectionId"]
        if detection not in self._detections:
            raise template_validation.refuse(f"Drift detection operation with ID {detection} does not exist")
        return self._detections[detection]

    def drifts(self, call: Call) -> JsonObject:
        """DescribeStackResourceDrifts: the resources that were checked."""
        wanted = call.parameters.get("StackResourceDriftStatusFilters") or ("IN_SYNC", *DRIFTED)
        drifts = [r.drift for r in self._need(call).resources.values() if r.drift]
        return page("StackResourceDrifts", [d for d in drifts if d["StackResourceDriftStatus"] in wanted], call)

    def _need(self, call: Call) -> Stack:
        return self._read_actions.need(call, "Stack [{}] does not exist")

    def _detect(self, stack: Stack, resources: Iterable[Resource]) -> None:
        for resource in resources:
            resource.drift = self._drift(stack, resource) or {}

    def _drift(self, stack: Stack, resource: Resource) -> JsonObject | None:
        """Returns what a resource is now, compared with its template; None if its type cannot be read."""
        handler = self._handlers.handler(resource)
        if handler.read is None or not resource.physical_id:
            return None
        try:
            actual = handler.read(self._handlers.context(stack, resource), resource.physical_id, resource.properties)
        except (ResourceFailedError, LookupError):
            actual = {}
        drift: JsonObject = {
            "StackId": stack.id,
            "LogicalResourceId": resource.logical_id,
            "PhysicalResourceId": resource.physical_id,
            "ResourceType": resource.resource_type,
            "Timestamp": utc_now(),
        }
        return {**drift, **(self._compared(stack, resource, actual) if actual else {"StackResourceDriftStatus": "DELETED"})}

    def _compared(self, stack: Stack, resource: Resource, actual: Mapping[str, Any]) -> JsonObject:
        """Compares the properties that the template sets and that the service keeps as they are."""
        ledger, name = self._handlers.ledger, f"{stack.name}.{resource.logical_id}"
        shown = resource.shown_properties or resource.properties
        kept = [key for key in resource.properties if ledger.state(name, key) == moto_losses.STORED]
        found = {key: moto_losses.member(actual, key) for key in kept}
        different = [key for key in kept if next(moto_losses.lost(resource.properties[key], found[key]), None) is not None]
        return {
            "StackResourceDriftStatus": "MODIFIED" if different else "IN_SYNC",
            "ExpectedProperties": _as_json({key: shown.get(key) for key in kept}),
            "ActualProperties": _as_json({key: found[key] if key in different else shown.get(key) for key in kept}),
            "PropertyDifferences": [
                {
                    "PropertyPath": f"/{key}",
                    "ExpectedValue": _as_json(shown.get(key)),
                    "ActualValue": _as_json(found[key]),
                    "DifferenceType": "REMOVE" if found[key] is None else "NOT_EQUAL",
                }
                for key in different
            ],
        }


def _as_json(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)
