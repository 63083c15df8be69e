from __future__ import annotations

from typing import Any
from unittest.mock import Mock

import pytest

from preflight.rehearsal.cloudformation.resources import shifted_actions

DECLARED = [{"Type": "forward", "TargetGroupArn": "blue"}]
WEIGHTED = [{"Type": "forward", "ForwardConfig": {"TargetGroups": [{"TargetGroupArn": "blue", "Weight": 0}, {"TargetGroupArn": "green", "Weight": 100}]}}]


class Region:
    """Clusters with services whose rules have the names of the services; every list has one item a page."""

    def __init__(self, **services: list[str]) -> None:
        self._services = services
        self.described: list[str] = []

    def call(self, _service: str, operation: str, *, nextToken: str = "0", **request: Any) -> Any:  # noqa: N803 - AWS's name
        if operation == "DescribeServices":
            self.described += request["services"]
            rules = [{"advancedConfiguration": {"productionListenerRule": f"rule-of-{name}"}} for name in request["services"]]
            return {"services": [{"loadBalancers": [rule]} for rule in rules]}
        member, items = ("clusterArns", list(self._services)) if operation == "ListClusters" else ("serviceArns", self._services[request["cluster"]])
        start = int(nextToken)
        return {member: items[start : start + 1], "nextToken": str(start + 1) if start + 1 < len(items) else None}


@pytest.mark.parametrize("name", ["a", "b", "c", "d"])
def test_the_rule_of_a_service_on_any_page_keeps_the_weights_of_ecs(name: str) -> None:
    context = Mock(call=Region(one=["a", "b"], none=[], two=["c", "d"]).call)

    assert shifted_actions.as_declared(context, f"rule-of-{name}", DECLARED, WEIGHTED) == DECLARED


def test_a_rule_of_no_service_has_the_actions_that_it_has() -> None:
    context = Mock(call=Region(one=["a", "b"]).call)

    assert shifted_actions.as_declared(context, "rule-of-nobody", DECLARED, WEIGHTED) == WEIGHTED


def test_the_search_ends_with_the_service_that_is_found() -> None:
    region = Region(one=["a", "b"], two=["c"])

    shifted_actions.as_declared(Mock(call=region.call), "rule-of-a", DECLARED, WEIGHTED)

    assert region.described == ["a"]
