"""Which requests reach the services of the account at all: by host, by credentials, by service and operation.

What runs programs or sends requests elsewhere (AWS Batch, Lambda's Invoke and the like) is not offered: moto would
start containers of its own, or a task would reach services of this machine.
"""

from __future__ import annotations

import hmac
import ipaddress
import re
import secrets
import string

from werkzeug.wrappers import Request, Response

from preflight.rehearsal.iam.authentication import SignedScope
from preflight.rehearsal.iam.error_responses import RequestDeniedError, refuse
from preflight.rehearsal.protocol import Refusal

SERVICES = frozenset(
    {
        "acm", "application-autoscaling", "cloudformation", "dynamodb", "ec2", "ecr", "ecs", "elasticfilesystem",
        "elasticloadbalancing", "events", "iam", "kms", "lambda", "logs", "monitoring", "pricing", "route53", "s3",
        "secretsmanager", "servicediscovery", "sns", "sqs", "ssm", "sts", "tagging",
    }
)
OPERATIONS = frozenset({"SendCommand", "StartAutomationExecution", "StartSession", "ResumeSession"})  # they run programs
_LAMBDA = re.compile(r"/(invocations|invoke-async|response-streaming-invocations|event-source-mappings|urls?)(/|$)")
_AWS_NAME = re.compile(r"(^|\.)amazonaws\.com(\.cn)?$")
INSIDE_TASKS = "169.254.170.2"  # the address of this account in each task
OWN_PATHS = "/_preflight/"
ADDRESSES = f"{OWN_PATHS}addresses"  # a page for the administrator's browser
MISSING = Refusal("MissingAuthenticationToken", "Request is missing Authentication Token", status=403)


def new_key() -> str:
    """Returns an access key ID of AWS's form that cannot be guessed."""
    return "AKIA" + "".join(secrets.choice(string.ascii_uppercase + "234567") for _ in range(16))


def page_token(administrator: str) -> str:
    """Returns what opens the page of addresses and nothing else: a browser keeps it in its history."""
    return hmac.new(administrator.encode(), ADDRESSES.encode(), "sha256").hexdigest()[:32]


def check_target(request: Request, scope: SignedScope | None) -> None:
    """Check that a request is for this account, does not come from a web page, and is for something that is offered.

    Raises:
        RequestDeniedError: it is not.
    """
    if "Origin" in request.headers or not is_own_host(request.host):
        raise RequestDeniedError(_plain("the emulated account answers AWS clients at its own address only"))
    if request.path.startswith("/moto-api"):
        raise RequestDeniedError(_plain("the emulated account does not offer moto's own API", status=404))
    if scope is None:
        return
    operations = _operations(request)
    if len(operations) > 1:
        raise RequestDeniedError(_plain(f"a request names one operation, not {', '.join(operations)}", status=400))
    operation = "".join(operations)
    runs_code = scope.service == "lambda" and _LAMBDA.search(request.path) is not None
    if scope.service not in SERVICES or operation in OPERATIONS or runs_code:
        what = f"{scope.service}:{operation}" if operation else f"{request.method} {request.path} of {scope.service}"
        message = f"The emulated account does not offer {what}."
        raise RequestDeniedError(refuse(scope.service, request, Refusal("UnsupportedOperation", message)))


def _operations(request: Request) -> list[str]:
    """Returns the operations that a request names in its headers, its query and its form: moto and IAM have to read the same."""
    targets = (target.rpartition(".")[2] for target in request.headers.getlist("X-Amz-Target"))
    return sorted({*targets, *request.args.getlist("Action"), *request.form.getlist("Action")} - {""})


def check_unsigned(request: Request, *, administrator: str) -> None:
    """Check an unsigned request: the registry has credentials of its own, paths of ours need the administrator's key.

    Raises:
        RequestDeniedError: it comes from another client.
    """
    if request.path == "/v2" or request.path.startswith("/v2/"):
        return
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if request.path == ADDRESSES and secrets.compare_digest(request.args.get("token", "").encode(), page_token(administrator).encode()):
        return
    if not request.path.startswith(OWN_PATHS) or not secrets.compare_digest(token.encode(), administrator.encode()):
        raise RequestDeniedError(_plain(MISSING.message))


def is_own_host(host: str) -> bool:
    """Whether a Host header names this machine's loopback, this account inside a task, or a host of AWS."""
    name = host.rpartition(":")[0] if re.search(r":\d+$", host) else host
    name = name.strip("[]").rstrip(".").lower()
    try:
        return name == INSIDE_TASKS or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost" or _AWS_NAME.search(name) is not None


def _plain(text: str, *, status: int = 403) -> Response:
    return Response(f"{text}\n", status=status, content_type="text/plain")
