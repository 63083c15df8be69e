"""Variables, secrets and credentials of a container. Pure.

Sources: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Secret.html,
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_EnvironmentFile.html,
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RepositoryCredentials.html and
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-linux-gmsa.html.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from preflight.rehearsal.ecs.validation import Request

MAX_FILES = 10
_ARN = r"arn:aws[a-z-]*:"
_SECRET = re.compile(_ARN + r"(secretsmanager:[a-z0-9-]+:\d{12}:secret:\S+|ssm:[a-z0-9-]+:\d{12}:parameter/\S+)")
_STORED = re.compile(_ARN + r"secretsmanager:[a-z0-9-]+:\d{12}:secret:\S+")
_FILE = re.compile(_ARN + r"s3:::[^/]+/.+\.env")
_CREDENTIALS = re.compile(r"credentialspec(domainless)?:" + _ARN + r"(ssm|s3):.+")


def refusals(container: Request, *, is_on_fargate: bool) -> Iterator[str]:
    """Yields AWS's sentences for the environment of a container, if any."""
    yield from _secrets(container)
    yield from files(container.get("environmentFiles") or [])
    credentials = container.get("repositoryCredentials")
    if credentials is not None:
        yield from _registry(str(credentials.get("credentialsParameter") or ""))
    yield from _directory(container.get("credentialSpecs") or [], is_on_fargate=is_on_fargate)


def secrets_of(container: Request) -> list[Request]:
    """The secrets of a container and those of its log driver."""
    return [
        *(container.get("secrets") or []),
        *((container.get("logConfiguration") or {}).get("secretOptions") or []),
    ]


def files(request: Sequence[Request]) -> Iterator[str]:
    """What is wrong with environment files."""
    if len(request) > MAX_FILES:
        yield "The maximum number of environment files was exceeded. Specify ten or less and try again"
    yield from ("Invalid arn syntax" for file in request if not _FILE.fullmatch(str(file.get("value", ""))))


def _secrets(container: Request) -> Iterator[str]:
    names = {variable.get("name") for variable in container.get("environment") or []}
    for secret in container.get("secrets") or []:
        name = secret.get("name")
        if not name:
            yield "The name of a secret should not be null or empty."
        if name in names:
            yield (
                "The secret name must be unique and not shared with any new or existing environment "
                f"variables set on the container, such as '{name}'."
            )
        names.add(name)
    for secret in secrets_of(container):
        yield from _source(str(secret.get("valueFrom") or ""))


def _source(value: str) -> Iterator[str]:
    if not value:
        yield "The valueFrom of a secret should not be null or empty."
    if value.startswith("arn:") and not _SECRET.fullmatch(value):
        yield f"Invalid arn syntax: {value} is neither a secret of Secrets Manager nor a parameter of Systems Manager"


def _registry(parameter: str) -> Iterator[str]:
    if not parameter:
        yield "The credentialsParameter of repositoryCredentials should not be null or empty."
    if parameter.startswith("arn:") and not _STORED.fullmatch(parameter):
        yield f"Invalid arn syntax: {parameter} is no secret of Secrets Manager"


def _directory(specs: Sequence[str], *, is_on_fargate: bool) -> Iterator[str]:
    if len(specs) > 1:
        yield "The maximum number of credentialSpecs is 1."
    for spec in specs:
        if not _CREDENTIALS.fullmatch(spec):
            yield f"Invalid credentialSpecs value: {spec}"
        if is_on_fargate and not spec.startswith("credentialspecdomainless:"):
            yield "Tasks using the Fargate launch type must use domainless gMSA (credentialspecdomainless)."
