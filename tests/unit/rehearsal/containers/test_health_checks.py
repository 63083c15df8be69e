from __future__ import annotations

import pytest

from preflight.rehearsal.containers import health_checks
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
    assert health_checks.verdict(CHECK, code=code, failures=failures, elapsed=elapsed, former=former) == status
