"""AWS Lambda: functions are stored, never run."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from preflight.rehearsal.cloudformation.resources.context import (
    HandlerContext,
    Properties,
    Request,
    Response,
    without,
)
from preflight.rehearsal.cloudformation.resources.declarative import (
    CallSpec,
    Change,
    ReadSpec,
    ResourceSpec,
    by_id,
    call,
    handler,
)
from preflight.rehearsal.cloudformation.resources.failure import ResourceFailedError
from preflight.rehearsal.cloudformation.resources.handler import Handler


def _code(code: Mapping[str, Any]) -> Request:
    """Returns code as the API takes it: text in an archive."""
    if "ZipFile" not in code:
        return without(code, "SourceKMSKeyArn")
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("index", str(code["ZipFile"]))
    return {"ZipFile": content.getvalue()}


def _prepare(properties: Properties) -> Properties:
    return {"Runtime": "python3.12", "Handler": "index", **properties, "Code": _code(properties["Code"])}


def _configuration(change: Change) -> Iterator[Request]:
    settings = without(change.new, "FunctionName", "Code", "Tags", "Architectures", "PackageType")
    yield {"FunctionName": change.physical_id, **settings}


def _changed_code(change: Change) -> Iterator[Request]:
    if change.old.get("Code") != change.new.get("Code"):
        yield {"FunctionName": change.physical_id, **_code(change.new["Code"])}


_FUNCTION = ResourceSpec(
    "lambda",
    create="CreateFunction",
    physical_id="FunctionName",
    delete=(call("DeleteFunction", by_id("FunctionName")),),
    reads=(ReadSpec("GetFunction", by_id("FunctionName"), "Configuration"),),
    update=(
        CallSpec("UpdateFunctionConfiguration", _configuration, stores=None),
        CallSpec("UpdateFunctionCode", _changed_code, ("Code",), "the function is kept; it does not run"),
    ),
    name="FunctionName",
    prepare=_prepare,
    attributes={"Arn": "FunctionArn"},
)
_STATEMENT = ("FunctionName", "Action", "Principal", "SourceArn", "SourceAccount", "EventSourceToken", "PrincipalOrgID")
_PERMISSION = ResourceSpec(
    "lambda",
    create="AddPermission",
    physical_id="StatementId",
    delete=(
        call(
            "RemovePermission",
            lambda statement, properties: {"FunctionName": properties["FunctionName"], "StatementId": statement},
        ),
    ),
    name="StatementId",
    max_length=100,
    attributes={"Id": str},
    stored=("StatementId", *_STATEMENT),
)


def _read_function(context: HandlerContext, name: str, properties: Properties) -> Response:
    """Returns a function, with its code as declared if the service has some."""
    function = context.call("lambda", "GetFunction", FunctionName=name)
    code = properties["Code"]
    has_code = function["Configuration"].get("CodeSize") or "ImageUri" in code
    return {**function["Configuration"], "Tags": function.get("Tags"), "Code": code if has_code else {}}


def _read_permission(context: HandlerContext, statement_id: str, properties: Properties) -> Response:
    response = context.call("lambda", "GetPolicy", FunctionName=properties["FunctionName"])
    statements = json.loads(response["Policy"])["Statement"]
    statement = next((s for s in statements if s.get("Sid") == statement_id), None)
    if statement is None:
        msg = f"no statement {statement_id}"
        raise ResourceFailedError(msg, "NotFound")
    principal = statement.get("Principal")
    conditions = {key: value for test in (statement.get("Condition") or {}).values() for key, value in test.items()}
    return {
        "FunctionName": properties["FunctionName"],
        "Action": statement.get("Action"),
        "Principal": next(iter(principal.values())) if isinstance(principal, dict) else principal,
        "SourceArn": conditions.get("AWS:SourceArn"),
        "SourceAccount": conditions.get("AWS:SourceAccount"),
    }


TYPES: Mapping[str, Handler] = {
    "AWS::Lambda::Function": replace(handler(_FUNCTION), read=_read_function),
    "AWS::Lambda::Permission": replace(handler(_PERMISSION), read=_read_permission),
}
