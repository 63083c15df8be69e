"""Credentials of task roles, handed out inside the task and nowhere else.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html.
"""

from __future__ import annotations

import uuid
from typing import Any

from preflight.rehearsal.ecs.state import Task
from preflight.rehearsal.iam.principals import Principals
from preflight.rehearsal.services.sts import Sts

PATH = "/v2/credentials/"
LIFETIME = 6 * 3600.0  # seconds


class Credentials:
    """Makes temporary credentials for the role of a task; what they open is what the role may do."""

    def __init__(self, known: Principals) -> None:
        self._known = known
        self._paths: dict[str, str] = {}

    def path(self, task: Task) -> str | None:
        """Where the containers of a task ask for credentials; None where it has no role."""
        if not role_of(task):
            return None
        return self._paths.setdefault(task.id, PATH + str(uuid.uuid4()))

    def forget(self, task: Task) -> None:
        """Hand out none any more."""
        self._paths.pop(task.id, None)

    def answer(self, task: Task, path: str) -> dict[str, Any] | None:
        """The credentials behind a path of that task, None where there are none."""
        role = role_of(task)
        if not role or self._paths.get(task.id) != path:
            return None
        kept = self._known.role(role)
        who = Sts.session_of(role, str(kept.id) if kept is not None else "AROA", task.id)
        made = self._known.sessions.issue(who, seconds=LIFETIME)
        return {
            "RoleArn": role,
            "AccessKeyId": made.key,
            "SecretAccessKey": made.secret,
            "Token": made.token,
            "Expiration": made.expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }


def role_of(task: Task) -> str | None:
    """ARN of the task role, None where there is none."""
    found = task.api["overrides"].get("taskRoleArn") or task.definition.api.get("taskRoleArn")
    return str(found) if found else None
