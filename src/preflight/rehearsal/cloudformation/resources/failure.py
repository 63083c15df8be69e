"""How a resource handler fails, in the words of CloudFormation's own handlers."""

from __future__ import annotations

import re
import uuid
from typing import Any

from botocore import validate
from botocore.exceptions import ClientError  # noqa: TC002 - as everywhere here
from botocore.model import Shape  # noqa: TC002 - as everywhere here

# Names of clients and types as AWS's handlers write them, where they are not one capitalised word.
_NAMES = {
    "application-autoscaling": "ApplicationAutoScaling",
    "applicationautoscaling": "ApplicationAutoScaling",
    "elasticloadbalancingv2": "ElasticLoadBalancingV2",
    "elbv2": "ElasticLoadBalancingV2",
    "logs": "CloudWatchLogs",
    "secretsmanager": "SecretsManager",
    "servicediscovery": "ServiceDiscovery",
}


class ResourceFailedError(Exception):
    """A handler could not do its work; `message` is what AWS would say, `code` the handler error code."""

    def __init__(self, message: str, code: str = "InvalidRequest", *, is_whole: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.is_whole = is_whole

    @property
    def reason(self) -> str:
        """The reason of the resource's event."""
        if self.is_whole:
            return self.message
        return (
            f'Resource handler returned message: "{self.message}" '
            f"(RequestToken: {uuid.uuid4()}, HandlerErrorCode: {self.code})"
        )

    @property
    def is_not_found(self) -> bool:
        """Whether there is no such resource, so that a delete has nothing left to do."""
        return self.code == "NotFound"


def from_client_error(service: str, error: ClientError) -> ResourceFailedError:
    """Returns a service's refusal as CloudFormation's handlers report it."""
    refusal = error.response["Error"]
    status = error.response["ResponseMetadata"].get("HTTPStatusCode", 400)
    return from_service(service, refusal["Message"], status, _handler_code(refusal["Code"]))


_TITLES = {"bool": "Boolean", "dict": "JSONObject", "float": "Number", "int": "Integer", "list": "JSONArray", "str": "String"}
_WRONG = re.compile(r"Invalid type for parameter (?P<path>\S+), value: .*, type: <class '(?P<found>\w+)'>, valid types: <class '(?P<expected>\w+)'>.*", re.DOTALL)
_CONTAINERS = {"dict", "list"}


def of_parameters(logical_id: str, request: dict[str, Any], shape: Shape) -> ResourceFailedError | None:
    """Returns what AWS says of a request whose shape cannot carry it; None if lists and objects are where they belong.

    A member that is missing says nothing: properties may have other names than members, which a handler does not know.
    """
    lines = validate.ParamValidator().validate(request, shape).generate_report().splitlines()
    found = (match for line in lines if (match := _WRONG.fullmatch(line)))
    types = [match for match in found if match["found"] != match["expected"] and {match["found"], match["expected"]} & _CONTAINERS]
    if not types:
        return None
    wrong = (f"#/{_pointer(m['path'])}: expected type: {_TITLES.get(m['expected'], 'String')}, found: {_TITLES.get(m['found'], 'String')}" for m in types)
    return ResourceFailedError("\n".join((f"Properties validation failed for resource {logical_id} with message:", *wrong)), is_whole=True)


def _pointer(path: str) -> str:
    """Returns the path of a property, as schemas write it, for the name of a parameter."""
    return "/".join(part[:1].upper() + part[1:] for part in re.sub(r"\[(\d+)\]", r".\1", path).split("."))


def from_refusal(service: str, code: str, message: str) -> ResourceFailedError:
    """Returns a refusal by the service's error code and message."""
    return from_service(service, message, 400, _handler_code(code))


def from_service(service: str, message: str, status: int, code: str) -> ResourceFailedError:
    """Returns the failure whose message ends with the service, the HTTP status and a request id."""
    request = f"(Service: {_NAMES.get(service.lower(), service.title())}, Status Code: {status}, Request ID: {uuid.uuid4()})"
    return ResourceFailedError(f"{message} {request}", code)


def _handler_code(code: str) -> str:
    if "AlreadyExists" in code or "Duplicate" in code or code.endswith(".Conflict"):
        return "AlreadyExists"
    if "NotFound" in code or "NoSuch" in code:
        return "NotFound"
    if "Conflict" in code or code in {"DependencyViolation", "ResourceInUse", "RepositoryNotEmptyException"}:
        return "ResourceConflict"
    return "AccessDenied" if "AccessDenied" in code or code == "UnauthorizedOperation" else "InvalidRequest"
