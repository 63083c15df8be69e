"""Credentials of task roles, available inside the task only.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html.
"""

from __future__ import annotations

import uuid

from preflight.model import JsonObject
from preflight.rehearsal.ecs.state import Task
from preflight.rehearsal.iam.principals import Principals
from preflight.rehearsal.services.sts import Sts

PATH = "/v2/credentials/"
LIFETIME = 6 * 3600.0  # seconds


class Credentials:
    """Issues temporary credentials for the role of a task."""

    def __init__(self, principals: Principals) -> None:
        self._principals = principals
        self._paths: dict[str, str] = {}

    def path(self, task: Task) -> str | None:
        """Returns the path at which the containers of a task get credentials, or None if it has no role."""
        if not role_of(task):
            return None
        return self._paths.setdefault(task.id, PATH + str(uuid.uuid4()))

    def forget(self, task: Task) -> None:
        """Stop issuing credentials for a task."""
        self._paths.pop(task.id, None)

    def answer(self, task: Task, path: str) -> JsonObject | None:
        """Returns new credentials if the path is that of the task, or None."""
        role = role_of(task)
        if not role or self._paths.get(task.id) != path:
            return None
        principal = self._principals.role(role)
        session = Sts.session_of(role, str(principal.id) if principal is not None else "AROA", task.id)
        credentials = self._principals.sessions.issue(session, seconds=LIFETIME)
        return {
            "RoleArn": role,
            "AccessKeyId": credentials.key,
            "SecretAccessKey": credentials.secret,
            "Token": credentials.token,
            "Expiration": credentials.expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }


def role_of(task: Task) -> str | None:
    """Returns the ARN of the task role, or None."""
    role = task.api["overrides"].get("taskRoleArn") or task.definition.api.get("taskRoleArn")
    return str(role) if role else None
