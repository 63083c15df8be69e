"""Where a service is asked: at a load balancer, at one of its tasks, or at a URL."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """A URL, and the address to connect to (None: what DNS says, on the internet only).

    `receiver` is what reports call it; `task` is the ARN of the task that is asked without a load balancer.
    """

    url: str
    receiver: str
    address: str | None = None
    task: str | None = None
