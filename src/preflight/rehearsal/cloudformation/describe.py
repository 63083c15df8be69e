"""Stacks, resources, events and templates as the API returns them. Pure."""

from __future__ import annotations

import json

from preflight.model import JsonObject
from preflight.rehearsal.cloudformation import capabilities
from preflight.rehearsal.cloudformation.live_references import Template
from preflight.rehearsal.cloudformation.stack import HIDDEN, STACK, Event, Resource, Stack, StackInput, is_no_echo
from preflight.templates import intrinsic_functions, language_extensions, schemas

SUMMARY_MEMBERS = (
    *("StackId", "StackName", "CreationTime", "LastUpdatedTime", "DeletionTime", "StackStatus", "StackStatusReason"),
    *("ParentId", "RootId", "DriftInformation"),
)


def stack_response(stack: Stack) -> JsonObject:
    """Returns one member of DescribeStacks."""
    request, is_deleted = stack.request, stack.deleted is not None
    if stack.status == "REVIEW_IN_PROGRESS":  # nothing of the request counts yet
        request = StackInput("", {}, {}, {})
    return {
        "StackId": stack.id,
        "StackName": stack.name,
        "ChangeSetId": request.change_set,
        "Description": request.template.get("Description"),
        "Parameters": parameters(request) or None,
        "CreationTime": stack.created,
        "LastUpdatedTime": stack.updated,
        "DeletionTime": stack.deleted,
        "RollbackConfiguration": {},
        "StackStatus": stack.status,
        "StackStatusReason": stack.reason or None,
        "DisableRollback": request.on_failure == "DO_NOTHING",
        "TimeoutInMinutes": request.timeout_minutes,
        "RoleARN": request.role,
        "NotificationARNs": request.notifications,
        "Capabilities": request.capabilities or None,
        "Outputs": [
            {
                "OutputKey": name,
                "OutputValue": output.value,
                "Description": output.description,
                "ExportName": output.export,
            }
            for name, output in stack.outputs.items()
        ]
        or None,
        "Tags": tags(request),
        "EnableTerminationProtection": None if is_deleted else request.is_protected,
        "ParentId": stack.parent,
        "RootId": stack.root,
        "DriftInformation": stack.drift,
    }


def parameters(request: StackInput) -> list[dict[str, str]]:
    """Returns parameters with their values; those of NoEcho are hidden, and those of SSM have the name and what it resolved to."""
    return [_parameter(request, name, value) for name, value in request.parameters.items()]


def _parameter(request: StackInput, name: str, value: object) -> dict[str, str]:
    text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
    if name in request.secrets:
        return {"ParameterKey": name, "ParameterValue": HIDDEN}
    definition = (request.template.get("Parameters") or {}).get(name) or {}
    if not str(definition.get("Type")).startswith("AWS::SSM::Parameter::Value<"):
        return {"ParameterKey": name, "ParameterValue": text}
    text_of_request = request.parameter_texts.get(name, intrinsic_functions.as_text(definition.get("Default", "")))
    return {"ParameterKey": name, "ParameterValue": text_of_request, "ResolvedValue": text}


def tags(request: StackInput) -> list[dict[str, str]]:
    """Returns the tags of a stack as a list."""
    return [{"Key": key, "Value": value} for key, value in request.tags.items()]


def stack_summary(stack: Stack) -> JsonObject:
    """Returns one member of ListStacks."""
    response = stack_response(stack)
    return {**{key: response[key] for key in SUMMARY_MEMBERS}, "TemplateDescription": response["Description"]}


def stack_event(stack: Stack, event: Event) -> JsonObject:
    """Returns one member of DescribeStackEvents."""
    return {
        "StackId": stack.id,
        "EventId": event.id,
        "StackName": stack.name,
        "LogicalResourceId": event.logical_id,
        "PhysicalResourceId": event.physical_id,
        "ResourceType": event.resource_type,
        "Timestamp": event.timestamp,
        "ResourceStatus": event.status,
        "ResourceStatusReason": event.reason or None,
        "ResourceProperties": event.properties_text,
        "ClientRequestToken": event.token,
        "DetailedStatus": event.detailed_status,
    }


def is_failure(event: Event) -> bool:
    """Whether an event reports a failure."""
    return event.is_validation or "FAILED" in event.status


def operation_event(stack: Stack, event: Event) -> JsonObject:
    """Returns one member of DescribeEvents."""
    common = {
        "EventId": event.id,
        "StackId": stack.id,
        "OperationId": event.operation.id,
        "OperationType": event.operation.type,
        "LogicalResourceId": event.logical_id,
        "ResourceType": event.resource_type,
        "Timestamp": event.timestamp,
        "ClientRequestToken": event.token,
    }
    if event.violation is not None:
        return {
            **common,
            "EventType": "VALIDATION_ERROR",
            "ValidationName": event.violation.check,
            "ValidationStatus": "FAILED",
            "ValidationStatusReason": event.violation.message,
            "ValidationPath": event.violation.path,
            "ValidationFailureMode": "FAIL",
        }
    is_stack = event.resource_type == STACK and event.physical_id == stack.id
    kind = "STACK_EVENT" if is_stack else "PROVISIONING_ERROR" if is_failure(event) else "PROGRESS_EVENT"
    return {
        **common,
        "EventType": kind,
        "PhysicalResourceId": event.physical_id,
        "ResourceStatus": event.status,
        "ResourceStatusReason": event.reason or None,
        "ResourceProperties": event.properties_text,
        "DetailedStatus": event.detailed_status,
        **({"OperationStatus": _outcome(event.status)} if is_stack else {}),
    }


def _outcome(status: str) -> str:
    if status.endswith("_IN_PROGRESS"):
        return "IN_PROGRESS"
    return "FAILED" if "FAILED" in status or "ROLLBACK" in status else "SUCCEEDED"


def as_json(template: Template) -> str:
    """Returns a processed template as text."""
    return json.dumps(template, default=str, indent=2)


def resource_response(stack: Stack, resource: Resource, *, is_detail: bool = False) -> JsonObject:
    """Returns one member of DescribeStackResources, or with `is_detail` of the newer actions."""
    return {
        "StackName": stack.name,
        "StackId": stack.id,
        "LogicalResourceId": resource.logical_id,
        "PhysicalResourceId": resource.physical_id or None,
        "ResourceType": resource.resource_type,
        "LastUpdatedTimestamp" if is_detail else "Timestamp": resource.updated,
        "ResourceStatus": resource.status,
        "ResourceStatusReason": resource.reason or None,
        "DriftInformation": {
            "StackResourceDriftStatus": resource.drift.get("StackResourceDriftStatus", "NOT_CHECKED"),
            "LastCheckTimestamp": resource.drift.get("Timestamp"),
        },
    }


def template_validation_response(template: Template) -> JsonObject:
    """Returns the response of ValidateTemplate."""
    return {
        "Description": template.get("Description"),
        "Parameters": _parameter_declarations(template),
        **_capabilities(template),
    }


def _capabilities(template: Template) -> JsonObject:
    needed = capabilities.needed_capability(template)
    iam_types = sorted({r["Type"] for r in template["Resources"].values() if r["Type"] in capabilities.IAM_TYPES})
    reason = f"The following resource(s) require capabilities: [{', '.join(iam_types)}]"
    return {
        "Capabilities": [needed] if needed else [],
        "CapabilitiesReason": reason if needed else None,
        "DeclaredTransforms": language_extensions.transforms(template),
    }


def _parameter_declarations(template: Template) -> list[JsonObject]:
    return [
        {
            "ParameterKey": name,
            "DefaultValue": intrinsic_functions.as_text(definition["Default"]) if "Default" in definition else None,
            "NoEcho": is_no_echo(definition),
            "Description": definition.get("Description"),
        }
        for name, definition in (template.get("Parameters") or {}).items()
    ]


def template_summary(template: Template) -> JsonObject:
    """Returns the response of GetTemplateSummary."""
    parameters = _parameter_declarations(template)
    for row in parameters:
        definition = template["Parameters"][row["ParameterKey"]]
        row["ParameterType"] = definition["Type"]
        row["ParameterConstraints"] = {
            "AllowedValues": [intrinsic_functions.as_text(value) for value in definition.get("AllowedValues") or []]
        }
    metadata = template.get("Metadata")
    return {
        **_capabilities(template),
        "Parameters": parameters,
        "Description": template.get("Description"),
        "ResourceTypes": sorted({r["Type"] for r in template["Resources"].values()}),
        "Version": template.get("AWSTemplateFormatVersion"),
        "Metadata": json.dumps(metadata, default=str) if metadata is not None else None,
        "ResourceIdentifierSummaries": _identifiers(template),
    }


def _identifiers(template: Template) -> list[JsonObject]:
    by_type: dict[str, list[str]] = {}
    for name, definition in template["Resources"].items():
        by_type.setdefault(definition["Type"], []).append(name)
    return [
        {"ResourceType": kind, "LogicalResourceIds": names, "ResourceIdentifiers": schemas.identifiers(kind)}
        for kind, names in sorted(by_type.items())
    ]
