"""AWS Lambda: functions are kept, never run."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

from preflight.rehearsal.cloudformation.resources.declarative import tagged
from preflight.rehearsal.cloudformation.resources.handler import (
    CreatedResource,
    Handler,
    HandlerContext,
    Properties,
    ResourceFailedError,
)

_NAMES = {"FunctionName", "Code", "Tags"}


def _code(place: HandlerContext, code: Mapping[str, Any]) -> dict[str, Any]:
    if "ZipFile" not in code:
        return {key: value for key, value in code.items() if key != "SourceKMSKeyArn"}
    place.note("Code", "stored", "the function is kept; it does not run")
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w") as archive:
        archive.writestr("index", str(code["ZipFile"]))
    return {"ZipFile": kept.getvalue()}


def _create_function(place: HandlerContext, given: Properties) -> CreatedResource:
    plain = {key: value for key, value in given.items() if key not in _NAMES}
    name = given.get("FunctionName") or place.name()
    asked = {"Runtime": "python3.12", "Handler": "index", **plain, "FunctionName": name, "Tags": given.get("Tags")}
    asked = {**tagged(place, "lambda", "CreateFunction", asked), "Code": _code(place, given["Code"])}
    made = place.call("lambda", "CreateFunction", asked)
    for key in _NAMES & set(given):
        place.note(key, "stored")
    return CreatedResource(name, {"Arn": made["FunctionArn"]})


def _update_function(place: HandlerContext, name: str, old: Properties, new: Properties) -> CreatedResource:
    plain = {key: value for key, value in new.items() if key not in {*_NAMES, "Architectures", "PackageType"}}
    made = place.call("lambda", "UpdateFunctionConfiguration", {"FunctionName": name, **plain})
    if old.get("Code") != new.get("Code"):
        place.ask("lambda", "UpdateFunctionCode", FunctionName=name, **_code(place, new["Code"]))
    return CreatedResource(name, {"Arn": made["FunctionArn"]})


def _delete_function(place: HandlerContext, name: str, _given: Properties) -> None:
    place.ask("lambda", "DeleteFunction", FunctionName=name)


def _read_function(place: HandlerContext, name: str, given: Properties) -> dict[str, Any]:
    found = place.ask("lambda", "GetFunction", FunctionName=name)
    return {**found["Configuration"], "Tags": found.get("Tags"), "Code": _kept_code(found, given["Code"])}


def _kept_code(found: Mapping[str, Any], code: Mapping[str, Any]) -> Mapping[str, Any]:
    """The code as declared, where the service says that it has some."""
    return code if found["Configuration"].get("CodeSize") or "ImageUri" in code else {}


def _statement(given: Properties) -> dict[str, Any]:
    names = ("Action", "Principal", "SourceArn", "SourceAccount", "EventSourceToken", "PrincipalOrgID")
    return {key: given[key] for key in names if key in given}


def _add_permission(place: HandlerContext, given: Properties) -> CreatedResource:
    statement = place.name(most=100)
    place.call(
        "lambda",
        "AddPermission",
        {"FunctionName": given["FunctionName"], "StatementId": statement, **_statement(given)},
    )
    place.note("FunctionName", "stored")
    return CreatedResource(statement, {"Id": statement})


def _remove_permission(place: HandlerContext, statement: str, given: Properties) -> None:
    place.ask("lambda", "RemovePermission", FunctionName=given["FunctionName"], StatementId=statement)


def _read_permission(place: HandlerContext, statement: str, given: Properties) -> dict[str, Any]:
    policy = json.loads(place.ask("lambda", "GetPolicy", FunctionName=given["FunctionName"])["Policy"])
    found = next((s for s in policy["Statement"] if s.get("Sid") == statement), None)
    if found is None:
        msg = f"no statement {statement}"
        raise ResourceFailedError(msg, "NotFound")
    principal = found.get("Principal")
    named = next(iter(principal.values())) if isinstance(principal, dict) else principal
    conditions = {key: value for test in (found.get("Condition") or {}).values() for key, value in test.items()}
    return {
        "FunctionName": given["FunctionName"],
        "Action": found.get("Action"),
        "Principal": named,
        "SourceArn": conditions.get("AWS:SourceArn"),
        "SourceAccount": conditions.get("AWS:SourceAccount"),
    }


TYPES: Mapping[str, Handler] = {
    "AWS::Lambda::Function": Handler(_create_function, _delete_function, _update_function, _read_function),
    "AWS::Lambda::Permission": Handler(_add_permission, _remove_permission, None, _read_permission),
}
