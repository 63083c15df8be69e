"""Carries what containers write into their CloudWatch Logs streams."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from datetime import datetime

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
        """Write the new ones of `lines`, which are all that a container logged so far, each with its time."""
        log = spec.log or {}
        if log.get("logDriver") != "awslogs":
            return
        options = log["options"]
        stream = f"{options.get('awslogs-stream-prefix', 'ecs')}/{spec.name}/{task}"
        events = [{"timestamp": milliseconds(timestamp), "message": line} for timestamp, line in lines if line]
        with self._lock:
            new = events[self._written.get(stream, 0) :]
            self._written[stream] = len(events)
        client = self._account.client("logs", options["awslogs-region"])
        for start in range(0, len(new), _BATCH):
            batch = new[start : start + _BATCH]
            try:
                client.put_log_events(logGroupName=options["awslogs-group"], logStreamName=stream, logEvents=batch)
            except ClientError:
                return  # the group was deleted before its task ended


def milliseconds(timestamp: str) -> int:
    """Returns a timestamp of an engine (RFC 3339, any number of digits) in milliseconds since 1970."""
    seconds, _, rest = timestamp.partition(".")
    digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
    zone = rest[len(digits) :].replace("Z", "+00:00")
    try:
        return int(datetime.fromisoformat(f"{seconds}.{digits[:6]:0<6}{zone}").timestamp() * 1000)
    except ValueError:
        return int(time.time() * 1000)
