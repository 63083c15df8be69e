"""Stacks, resources and events as the API shows them. Pure."""

from __future__ import annotations

import json
from typing import Any

from preflight.rehearsal.cloudformation import stack as stacks
from preflight.rehearsal.cloudformation import template_validation
from preflight.rehearsal.cloudformation.stack import Event, Resource, Stack, StackInput
from preflight.templates import functions, language_extensions, schemas

HIDDEN = "****"


def stack(found: Stack) -> dict[str, Any]:
    """One member of DescribeStacks."""
    request = found.request
    return {
        "StackId": found.id,
        "StackName": found.name,
        "Description": request.data.get("Description"),
        "Parameters": parameters(request),
        "CreationTime": found.created,
        "LastUpdatedTime": found.updated,
        "DeletionTime": found.deleted,
        "RollbackConfiguration": {},
        "StackStatus": found.status,
        "StackStatusReason": found.reason or None,
        "DisableRollback": request.on_failure == "DO_NOTHING",
        "TimeoutInMinutes": request.timeout,
        "RoleARN": request.role,
        "NotificationARNs": request.notifications,
        "Capabilities": request.capabilities,
        "Outputs": [
            {
                "OutputKey": name,
                "OutputValue": output["value"],
                "Description": output["description"],
                "ExportName": output["export"],
            }
            for name, output in found.outputs.items()
        ],
        "Tags": [{"Key": key, "Value": value} for key, value in request.tags.items()],
        "EnableTerminationProtection": request.is_protected,
        "ParentId": found.parent,
        "RootId": found.root,
        "DriftInformation": {"StackDriftStatus": "NOT_CHECKED"},
    }


def parameters(request: StackInput) -> list[dict[str, str]]:
    """Parameters with their values; those of NoEcho are hidden."""
    declared = request.data.get("Parameters") or {}
    rows = []
    for name, value in request.parameters.items():
        is_secret = str(declared[name].get("NoEcho", "")).lower() == "true"
        text = ",".join(value) if isinstance(value, list) else str(value)
        rows.append({"ParameterKey": name, "ParameterValue": HIDDEN if is_secret else text})
    return rows


def summary(found: Stack) -> dict[str, Any]:
    """One member of ListStacks."""
    whole = stack(found)
    keys = (
        "StackId",
        "StackName",
        "CreationTime",
        "LastUpdatedTime",
        "DeletionTime",
        "StackStatus",
        "StackStatusReason",
        "ParentId",
        "RootId",
        "DriftInformation",
    )
    return {**{key: whole[key] for key in keys}, "TemplateDescription": whole["Description"]}


def event(found: Stack, shown: Event) -> dict[str, Any]:
    """One member of DescribeStackEvents."""
    return {
        "StackId": found.id,
        "EventId": shown.id,
        "StackName": found.name,
        "LogicalResourceId": shown.logical,
        "PhysicalResourceId": shown.physical,
        "ResourceType": shown.kind,
        "Timestamp": shown.moment,
        "ResourceStatus": shown.status,
        "ResourceStatusReason": shown.reason or None,
        "ResourceProperties": stacks.properties_text(shown.properties),
        "ClientRequestToken": shown.token,
        "DetailedStatus": shown.detail,
    }


def is_failed(shown: Event) -> bool:
    """Whether an event says that something failed."""
    return shown.is_validation or "FAILED" in shown.status


def operation_event(found: Stack, shown: Event) -> dict[str, Any]:
    """One member of DescribeEvents."""
    common = {
        "EventId": shown.id,
        "StackId": found.id,
        "OperationId": shown.operation.id,
        "OperationType": shown.operation.kind,
        "LogicalResourceId": shown.logical,
        "ResourceType": shown.kind,
        "Timestamp": shown.moment,
        "ClientRequestToken": shown.token,
    }
    if shown.violation is not None:
        return {
            **common,
            "EventType": "VALIDATION_ERROR",
            "ValidationName": shown.violation.check,
            "ValidationStatus": "FAILED",
            "ValidationStatusReason": shown.violation.message,
            "ValidationPath": shown.violation.path,
            "ValidationFailureMode": "FAIL",
        }
    is_stack = shown.kind == stacks.STACK and shown.physical == found.id
    kind = "STACK_EVENT" if is_stack else "PROVISIONING_ERROR" if is_failed(shown) else "PROGRESS_EVENT"
    return {
        **common,
        "EventType": kind,
        "PhysicalResourceId": shown.physical,
        "ResourceStatus": shown.status,
        "ResourceStatusReason": shown.reason or None,
        "ResourceProperties": stacks.properties_text(shown.properties),
        "DetailedStatus": shown.detail,
        **({"OperationStatus": _outcome(shown.status)} if is_stack else {}),
    }


def _outcome(status: str) -> str:
    if status.endswith("_IN_PROGRESS"):
        return "IN_PROGRESS"
    return "FAILED" if "FAILED" in status or "ROLLBACK" in status else "SUCCEEDED"


def as_json(data: dict[str, Any]) -> str:
    """A processed template as text."""
    return json.dumps(data, default=str, indent=2)


def resource(found: Stack, shown: Resource, *, is_detail: bool = False) -> dict[str, Any]:
    """One member of DescribeStackResources, or with `is_detail` of its newer sisters."""
    return {
        "StackName": found.name,
        "StackId": found.id,
        "LogicalResourceId": shown.logical,
        "PhysicalResourceId": shown.physical or None,
        "ResourceType": shown.kind,
        "LastUpdatedTimestamp" if is_detail else "Timestamp": shown.changed,
        "ResourceStatus": shown.status,
        "ResourceStatusReason": shown.reason or None,
        "DriftInformation": {"StackResourceDriftStatus": "NOT_CHECKED"},
    }


def validated(data: dict[str, Any]) -> dict[str, Any]:
    """The answer to ValidateTemplate."""
    return {"Description": data.get("Description"), "Parameters": _declared(data), **_capabilities(data)}


def _capabilities(data: dict[str, Any]) -> dict[str, Any]:
    needed = template_validation.needed_capability(data)
    made = sorted({r["Type"] for r in data["Resources"].values() if r["Type"] in template_validation.IAM_TYPES})
    said = f"The following resource(s) require capabilities: [{', '.join(made)}]"
    return {
        "Capabilities": [needed] if needed else [],
        "CapabilitiesReason": said if needed else None,
        "DeclaredTransforms": language_extensions.transforms(data),
    }


def _declared(data: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "ParameterKey": name,
            "DefaultValue": functions.as_text(declared["Default"]) if "Default" in declared else None,
            "NoEcho": str(declared.get("NoEcho", "")).lower() == "true",
            "Description": declared.get("Description"),
        }
        for name, declared in (data.get("Parameters") or {}).items()
    ]


def template_summary(data: dict[str, Any]) -> dict[str, Any]:
    """The answer to GetTemplateSummary."""
    parameters = _declared(data)
    for row in parameters:
        declared = data["Parameters"][row["ParameterKey"]]
        row["ParameterType"] = declared["Type"]
        row["ParameterConstraints"] = {
            "AllowedValues": [functions.as_text(value) for value in declared.get("AllowedValues") or []]
        }
    metadata = data.get("Metadata")
    return {
        **_capabilities(data),
        "Parameters": parameters,
        "Description": data.get("Description"),
        "ResourceTypes": sorted({r["Type"] for r in data["Resources"].values()}),
        "Version": data.get("AWSTemplateFormatVersion"),
        "Metadata": json.dumps(metadata, default=str) if metadata is not None else None,
        "ResourceIdentifierSummaries": _identifiers(data),
    }


def _identifiers(data: dict[str, Any]) -> list[dict[str, Any]]:
    by_type: dict[str, list[str]] = {}
    for name, declared in data["Resources"].items():
        by_type.setdefault(declared["Type"], []).append(name)
    return [
        {"ResourceType": kind, "LogicalResourceIds": names, "ResourceIdentifiers": schemas.identifiers(kind)}
        for kind, names in sorted(by_type.items())
    ]
