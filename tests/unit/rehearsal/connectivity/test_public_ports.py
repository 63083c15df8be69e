from __future__ import annotations

import pytest

from preflight.rehearsal.connectivity import public_ports
from preflight.rehearsal.connectivity.public_ports import SmokeTarget


@pytest.mark.parametrize(
    ("text", "target"),
    [
        pytest.param("web:8080:203.0.113.5", SmokeTarget("web", 8080, "203.0.113.5"), id="whole"),
        pytest.param("web:80:", SmokeTarget("web", 80), id="any caller"),
        pytest.param(":80:", SmokeTarget("", 80), id="any service"),
    ],
)
def test_a_smoke_target_has_a_service_a_port_and_a_caller(text: str, target: SmokeTarget) -> None:
    assert public_ports.smoke_target(text) == target
