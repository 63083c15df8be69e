"""What needs a role in a task definition. Pure.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from preflight.rehearsal.ecs.validation import Request

ECR_IMAGE = re.compile(r"^\d{12}\.dkr[.-]ecr(-fips)?\.[a-z0-9-]+\.(amazonaws\.com(\.cn)?|on\.aws)/")
_NEEDED = "Fargate requires task definition to have execution role ARN to support"


def refusals(request: Request, containers: Sequence[Request], *, is_on_fargate: bool) -> Iterator[str]:
    """What cannot be had without the role that is missing."""
    if not request.get("executionRoleArn"):
        yield from _without_execution_role(containers, is_on_fargate=is_on_fargate)
    if not request.get("taskRoleArn") and any(v.get("s3filesVolumeConfiguration") for v in request.get("volumes") or []):
        yield "A task definition with an S3 Files volume must include a task IAM role."


def _without_execution_role(containers: Sequence[Request], *, is_on_fargate: bool) -> Iterator[str]:
    if any(c.get("secrets") or _log(c).get("secretOptions") for c in containers):
        yield "When you are specifying container secrets, you must also specify a value for 'executionRoleArn'."
    if not is_on_fargate:
        return
    if any(_log(c).get("logDriver") == "awslogs" for c in containers):
        yield f"{_NEEDED} log driver awslogs."
    if any(ECR_IMAGE.match(str(c.get("image", ""))) for c in containers):
        yield f"{_NEEDED} ECR images."
    if any(c.get("repositoryCredentials") for c in containers):
        yield f"{_NEEDED} private registry authentication."


def _log(container: Request) -> Request:
    return container.get("logConfiguration") or {}
