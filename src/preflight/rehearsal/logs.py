"""Carries what containers write into their CloudWatch Logs streams."""

from __future__ import annotations

import time
from typing import Any

from botocore.exceptions import ClientError

from preflight.rehearsal import account as accounts
from preflight.rehearsal.fargate import launch

_BATCH = 1000


class Logs:
    """Writes log lines through the CloudWatch Logs API, each line once."""

    def __init__(self, account: accounts.Account) -> None:
        self._account = account
        self._written: dict[str, int] = {}

    def write(self, plan: launch.ContainerPlan, *, task: str, text: str) -> None:
        """Add the lines of `text` (all that a container wrote so far) that are not there yet."""
        log: dict[str, Any] = dict(plan.log or {})
        if log.get("logDriver") != "awslogs":
            return
        options = log["options"]
        stream = f"{options.get('awslogs-stream-prefix', 'ecs')}/{plan.name}/{task}"
        lines = [line for line in text.splitlines() if line]
        new = lines[self._written.get(stream, 0) :]
        self._written[stream] = len(lines)
        moment = int(time.time() * 1000)
        client = self._account.client("logs", options["awslogs-region"])
        for start in range(0, len(new), _BATCH):
            events = [{"timestamp": moment, "message": line} for line in new[start : start + _BATCH]]
            try:
                client.put_log_events(logGroupName=options["awslogs-group"], logStreamName=stream, logEvents=events)
            except ClientError:
                return  # the group was deleted before its task had ended
