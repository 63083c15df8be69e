"""What became of the requests of an update."""

from __future__ import annotations

import datetime as dt
import enum
from dataclasses import dataclass, field

from preflight.model import JsonObject

MOST_SHOWN = 200  # failures of a target in a report


class FailureKind(enum.Enum):
    """How a request failed."""

    REFUSED = "connection refused"
    RESET = "connection reset"
    TIMEOUT = "no answer in time"
    BAD_GATEWAY = "502 from the load balancer"
    UNAVAILABLE = "503 from the load balancer"
    GATEWAY_TIMEOUT = "504 from the load balancer"
    WRONG_PAGE = "wrong page"
    NOWHERE = "no task to ask"


@dataclass(frozen=True)
class FailedRequest:
    """A request that failed: when it was sent and when it ended, what came back, and during which step of the update.

    `task` is the ARN of a task that was asked without a load balancer.
    """

    kind: FailureKind
    sent_at: dt.datetime
    failed_at: dt.datetime
    shown: str
    receiver: str
    phase: str
    task: str | None = None

    @property
    def seconds(self) -> float:
        """How long the request was in flight."""
        return (self.failed_at - self.sent_at).total_seconds()


@dataclass(frozen=True)
class TargetRecord:
    """The requests to one smoke entry; `moved` went to the address of a task that was stopping already."""

    name: str
    sent: int
    answered: int
    failures: tuple[FailedRequest, ...] = ()
    moved: int = 0
    asks_tasks: bool = False

    @property
    def failed(self) -> int:
        """The number of requests that failed."""
        return self.sent - self.answered - self.moved

    def to_json(self) -> JsonObject:
        """Returns the record for the report, with the first failures."""
        return {
            "target": self.name,
            "sent": self.sent,
            "answered": self.answered,
            "failed": self.failed,
            "moved": self.moved,
            "failures": [
                {
                    "kind": failure.kind.value,
                    "sent_at": failure.sent_at.isoformat(),
                    "failed_at": failure.failed_at.isoformat(),
                    "shown": failure.shown,
                    "receiver": failure.receiver,
                    "phase": failure.phase,
                }
                for failure in self.failures[:MOST_SHOWN]
            ],
        }


@dataclass(frozen=True)
class TrafficRecord:
    """The requests of an update, by smoke entry."""

    targets: tuple[TargetRecord, ...] = ()
    started_at: dt.datetime = field(default_factory=lambda: dt.datetime.now(dt.timezone.utc))
    ended_at: dt.datetime = field(default_factory=lambda: dt.datetime.now(dt.timezone.utc))
