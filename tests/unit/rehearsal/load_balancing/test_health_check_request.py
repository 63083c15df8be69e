"""What a target group checks, and which answers are healthy."""

from __future__ import annotations

import pytest

from preflight.rehearsal.load_balancing import health_check_request
from preflight.rehearsal.load_balancing.health_check_request import HealthCheck


@pytest.mark.parametrize(
    ("codes", "status", "is_match"),
    [
        pytest.param("200", 200, True, id="the code"),
        pytest.param("200,204", 204, True, id="one of a list"),
        pytest.param("200-299", 250, True, id="within a range"),
        pytest.param("200-299", 300, False, id="above a range"),
        pytest.param("x", 200, False, id="no code at all"),
    ],
)
def test_a_matcher_names_healthy_codes(codes: str, status: int, *, is_match: bool) -> None:
    assert health_check_request.matches(status, codes) is is_match


def test_a_check_has_the_defaults_of_aws() -> None:
    check = health_check_request.of_target_group({"Protocol": "HTTP"}, 8080)

    assert check == HealthCheck("HTTP", 8080, "/", "200", 30.0, 5.0, 2)
