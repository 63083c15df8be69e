from __future__ import annotations

import queue
from unittest import mock

import pytest

from preflight.rehearsal.containers import container_health_checks
from preflight.rehearsal.containers.task_spec import Health

CHECK = Health(("CMD", "x"), interval=30, timeout=5, retries=3, start_period=10)


@pytest.mark.parametrize(
    ("code", "failures", "elapsed", "former", "status"),
    [
        pytest.param(0, 0, 1, "UNKNOWN", "HEALTHY", id="the first success"),
        pytest.param(1, 3, 5, "UNKNOWN", "UNKNOWN", id="failing within the time that AWS gives"),
        pytest.param(1, 80, 41, "UNKNOWN", "UNHEALTHY", id="failing beyond it"),
        pytest.param(127, 3, 2, "UNKNOWN", "UNHEALTHY", id="no such command"),
        pytest.param(1, 2, 99, "HEALTHY", "HEALTHY", id="fewer failures than retries"),
        pytest.param(1, 3, 99, "HEALTHY", "UNHEALTHY", id="as many failures as retries"),
    ],
)
def test_health(code: int, failures: int, elapsed: float, former: str, status: str) -> None:
    assert container_health_checks.verdict(CHECK, code=code, failures=failures, elapsed=elapsed, former=former) == status


def test_an_unhealthy_container_is_reported_with_the_output_of_its_check() -> None:
    runner = mock.Mock(execute=lambda *_args, **_options: (127, "/bin/sh: curl: not found"))
    reports: queue.Queue[tuple[str, str]] = queue.Queue()
    check = Health(("CMD-SHELL", "curl -f http://localhost/"), interval=5, timeout=5, retries=1, start_period=0)
    watch = container_health_checks.Watch(runner, "c", check, lambda *said: reports.put(said))

    watch.start()
    report = reports.get(timeout=10)
    watch.close()

    assert report == ("UNHEALTHY", "its health check ended with exit code 127: /bin/sh: curl: not found")
