from __future__ import annotations

import pytest

from preflight.rehearsal.cloudformation.resources import failure


@pytest.mark.parametrize(
    "service", [pytest.param("elbv2", id="a client"), pytest.param("ElasticLoadBalancingV2", id="a resource type")]
)
def test_a_refusal_names_its_service_in_one_way(service: str) -> None:
    assert "(Service: ElasticLoadBalancingV2, Status Code: 400" in failure.from_refusal(service, "ValidationError", "no").message
