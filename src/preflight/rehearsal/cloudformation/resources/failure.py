"""How a resource handler fails, in the words of CloudFormation's own handlers."""

from __future__ import annotations

import uuid

from botocore.exceptions import ClientError  # noqa: TC002 - as everywhere here

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
