from __future__ import annotations

from collections.abc import Callable

from preflight.comply.python_rules import service_refusals
from preflight.plan.resolved_stacks import ResolvedStacks

GROUP = """\
Parameters:
  Seconds: {Type: Number, Default: 4}
  Given: {Type: Number}
Resources:
  G:
    Type: AWS::ElasticLoadBalancingV2::TargetGroup
    Properties: {HealthCheckIntervalSeconds: !Ref Seconds, VpcId: !Ref V, Port: 80, Protocol: HTTP}
"""


def test_a_refused_value_of_a_parameter_is_found_at_its_property(make_estate: Callable[..., ResolvedStacks]) -> None:
    (violation,) = service_refusals.check(make_estate(root=GROUP))

    assert violation.property == "HealthCheckIntervalSeconds"


def test_a_refusal_has_the_page_of_its_row(make_estate: Callable[..., ResolvedStacks]) -> None:
    (violation,) = service_refusals.check(make_estate(root=GROUP))

    assert str(violation.source).endswith("API_CreateTargetGroup.html")


def test_a_value_that_is_not_known_is_not_refused(make_estate: Callable[..., ResolvedStacks]) -> None:
    assert not list(service_refusals.check(make_estate(root=GROUP.replace("!Ref Seconds", "!Ref Given"))))


def test_a_value_that_the_service_takes_is_not_refused(make_estate: Callable[..., ResolvedStacks]) -> None:
    assert not list(service_refusals.check(make_estate(root=GROUP.replace("Default: 4", "Default: 5"))))
