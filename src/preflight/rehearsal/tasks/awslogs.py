"""Carries what containers write into their CloudWatch Logs streams."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from preflight.rehearsal.account import Account
from preflight.rehearsal.containers.task_spec import ContainerSpec

_BATCH = 1000


class Logs:
    """Writes log lines through the CloudWatch Logs API, each line once."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._written: dict[str, int] = {}
        self._lock = threading.Lock()

    def write(self, spec: ContainerSpec, *, task: str, lines: Sequence[tuple[str, str]]) -> None:
        """Add those of `lines` (all that a container wrote so far, with their moments) that are not there yet."""
        log: dict[str, Any] = dict(spec.log or {})
        if log.get("logDriver") != "awslogs":
            return
        options = log["options"]
        stream = f"{options.get('awslogs-stream-prefix', 'ecs')}/{spec.name}/{task}"
        said = [(milliseconds(moment), line) for moment, line in lines if line]
        with self._lock:
            new = said[self._written.get(stream, 0) :]
            self._written[stream] = len(said)
        client = self._account.client("logs", options["awslogs-region"])
        for start in range(0, len(new), _BATCH):
            events = [{"timestamp": moment, "message": line} for moment, line in new[start : start + _BATCH]]
            try:
                client.put_log_events(logGroupName=options["awslogs-group"], logStreamName=stream, logEvents=events)
            except ClientError:
                return  # the group was deleted before its task had ended


def milliseconds(moment: str) -> int:
    """A moment as engines write it (RFC 3339, any number of digits), in milliseconds since 1970."""
    whole, _, rest = moment.partition(".")
    digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
    zone = rest[len(digits) :].replace("Z", "+00:00")
    try:
        return int(datetime.fromisoformat(f"{whole}.{digits[:6]:0<6}{zone}").timestamp() * 1000)
    except ValueError:
        return int(time.time() * 1000)
