"""Carries what containers write into their CloudWatch Logs streams."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError
from moto.logs.models import logs_backends

from preflight.rehearsal.account import Account
from preflight.rehearsal.containers.log_reader import OVERHEAD, Line
from preflight.rehearsal.containers.task_spec import ContainerSpec

_BATCH = 1000
KEPT = 1 << 20  # bytes of a stream: the last


class Logs:
    """Writes log lines through the CloudWatch Logs API; each stream keeps its last MiB."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def write(self, spec: ContainerSpec, *, task: str, lines: Sequence[Line]) -> None:
        """Write the lines that a container logged since the last time."""
        log = spec.log or {}
        if log.get("logDriver") != "awslogs":
            return
        options = log["options"]
        group, stream = options["awslogs-group"], f"{options.get('awslogs-stream-prefix', 'ecs')}/{spec.name}/{task}"
        events = _last([{"timestamp": milliseconds(moment), "message": line} for moment, line in lines if line])
        client = self._account.client("logs", options["awslogs-region"])
        with contextlib.suppress(ClientError):  # the group was deleted before its task ended
            for start in range(0, len(events), _BATCH):
                batch = events[start : start + _BATCH]
                client.put_log_events(logGroupName=group, logStreamName=stream, logEvents=batch)
        self._shorten(options["awslogs-region"], group, stream)

    def _shorten(self, region: str, group: str, stream: str) -> None:
        """Forget what is before the last MiB of a stream; no operation of CloudWatch Logs can."""
        groups = logs_backends[self._account.id][region].groups
        with contextlib.suppress(KeyError):  # it was deleted meanwhile
            log_stream = groups[group].streams[stream]
            size, count = 0, 0
            for event in reversed(log_stream.events):
                size += len(event.message.encode()) + OVERHEAD
                count += size <= KEPT
            del log_stream.events[: len(log_stream.events) - count]


def _last(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns the last MiB of events."""
    size = 0
    for n, event in enumerate(reversed(events)):
        size += len(event["message"].encode()) + OVERHEAD
        if size > KEPT:
            return events[len(events) - n :]
    return events


def milliseconds(timestamp: str) -> int:
    """Returns a timestamp of an engine (RFC 3339, any number of digits) in milliseconds since 1970."""
    seconds, _, rest = timestamp.partition(".")
    digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
    zone = rest[len(digits) :].replace("Z", "+00:00")
    try:
        return int(datetime.fromisoformat(f"{seconds}.{digits[:6]:0<6}{zone}").timestamp() * 1000)
    except ValueError:
        return int(time.time() * 1000)
