"""Stacks, resources and events as the API shows them. Pure."""

from __future__ import annotations

from typing import Any

from preflight import resolve
from preflight.rehearsal.cloudformation import check
from preflight.rehearsal.cloudformation import stack as stacks

HIDDEN = "****"


def stack(found: stacks.Stack) -> dict[str, Any]:
    """One member of DescribeStacks."""
    request = found.request
    return {
        "StackId": found.id,
        "StackName": found.name,
        "Description": request.data.get("Description"),
        "Parameters": _parameters(found),
        "CreationTime": found.created,
        "LastUpdatedTime": found.updated,
        "DeletionTime": found.deleted,
        "RollbackConfiguration": {},
        "StackStatus": found.status,
        "StackStatusReason": found.reason or None,
        "DisableRollback": request.on_failure == "DO_NOTHING",
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


def _parameters(found: stacks.Stack) -> list[dict[str, str]]:
    declared = found.request.data.get("Parameters") or {}
    rows = []
    for name, value in found.request.parameters.items():
        is_secret = str(declared[name].get("NoEcho", "")).lower() == "true"
        text = ",".join(value) if isinstance(value, list) else str(value)
        rows.append({"ParameterKey": name, "ParameterValue": HIDDEN if is_secret else text})
    return rows


def summary(found: stacks.Stack) -> dict[str, Any]:
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


def event(found: stacks.Stack, shown: stacks.Event) -> dict[str, Any]:
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
    }


def resource(found: stacks.Stack, shown: stacks.Resource, *, is_detail: bool = False) -> dict[str, Any]:
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
    made = [r for r in data["Resources"].values() if r["Type"] in check.IAM_TYPES]
    is_named = any(name in (r.get("Properties") or {}) for r in made for name in check.IAM_NAMES)
    needed = ["CAPABILITY_NAMED_IAM"] if is_named else ["CAPABILITY_IAM"] if made else []
    return {
        "Description": data.get("Description"),
        "Parameters": [
            {
                "ParameterKey": name,
                "DefaultValue": resolve.as_text(declared["Default"]) if "Default" in declared else None,
                "NoEcho": str(declared.get("NoEcho", "")).lower() == "true",
                "Description": declared.get("Description"),
            }
            for name, declared in (data.get("Parameters") or {}).items()
        ],
        "Capabilities": needed,
        "CapabilitiesReason": (
            f"The following resource(s) require capabilities: [{', '.join(sorted({r['Type'] for r in made}))}]"
            if needed
            else None
        ),
    }
