"""Container health checks, run as the task definition says.

Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_HealthCheck.html.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from preflight.rehearsal.containers.runner import ContainerRunner
from preflight.rehearsal.containers.task_spec import Health
from preflight.system.worker import Worker

NO_SUCH_COMMAND = (126, 127)
QUICK = 0.5  # seconds between checks until the first verdict
PATIENCE = 30.0  # seconds of failing, beyond the start period, after which a container without a verdict is unhealthy


class Watch:
    """Checks the health of one container until it is closed; `report` gets every new status, and how the last check ended."""

    def __init__(self, runner: ContainerRunner, container: str, check: Health, report: Callable[[str, str], None]) -> None:
        self._runner = runner
        self._container = container
        self._check = check
        self._report = report
        self._started_at, self._failures, self._status = 0.0, 0, "UNKNOWN"
        self._closed = threading.Event()
        self._worker = Worker(self._check_once, name="health check", wake=self._closed.set)

    def start(self) -> None:
        """Start checking."""
        self._started_at = time.monotonic()
        self._worker.start()

    def close(self) -> None:
        """Stop checking."""
        self._worker.stop(timeout=0)

    def _check_once(self) -> None:
        if self._closed.wait(QUICK if self._status != "HEALTHY" else self._check.interval):
            return
        code, output = self._runner.execute(self._container, argv(self._check.command), timeout=self._check.timeout)
        self._failures = 0 if code == 0 else self._failures + 1
        elapsed = time.monotonic() - self._started_at
        status = verdict(self._check, code=code, failures=self._failures, elapsed=elapsed, former=self._status)
        if status != self._status and not self._closed.is_set():
            self._status = status
            self._report(status, f"its health check ended with exit code {code}: {output or 'it wrote nothing'}")


def argv(command: tuple[str, ...]) -> tuple[str, ...]:
    """Returns the command line of a health check's command."""
    return ("/bin/sh", "-c", " ".join(command[1:])) if command[0] == "CMD-SHELL" else command[1:]


def verdict(check: Health, *, code: int, failures: int, elapsed: float, former: str) -> str:
    """Returns the status after a check that ended with `code` and was the `failures`-th failure in a row.

    A command that does not exist fails at once; any other has as much time as on AWS, up to a limit.
    """
    if code == 0:
        return "HEALTHY"
    if failures < check.retries:
        return former
    if code in NO_SUCH_COMMAND or former == "HEALTHY":
        return "UNHEALTHY"
    limit = check.start_period + min(check.retries * check.interval, PATIENCE)
    return "UNHEALTHY" if elapsed >= limit else former


def of_task(containers: list[dict[str, str]], essential: set[str], checked: set[str]) -> str:
    """Returns the health of a task: UNHEALTHY if an essential container is, HEALTHY if all checked ones are."""
    statuses = {c["healthStatus"] for c in containers if c["name"] in essential & checked}
    if "UNHEALTHY" in statuses:
        return "UNHEALTHY"
    return "HEALTHY" if statuses == {"HEALTHY"} else "UNKNOWN"
