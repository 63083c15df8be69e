from __future__ import annotations

from collections.abc import Callable

import pytest

from preflight.comply.cross_template_rules import default_quotas
from preflight.plan.resolved_stacks import ResolvedStacks


def role(policies: int) -> str:
    arns = ", ".join(f"arn:aws:iam::aws:policy/P{n}" for n in range(policies))
    return f"Resources:\n  Role: {{Type: AWS::IAM::Role, Properties: {{ManagedPolicyArns: [{arns}]}}}}\n"


def group(rules: int, *, ipv6_rules: int = 0) -> str:
    rule = "{IpProtocol: tcp, FromPort: 80, ToPort: 80, %s/32}"
    blocks = [*(f"CidrIp: 10.0.0.{n}" for n in range(rules)), *(f"CidrIpv6: 2001:db8:{n}::" for n in range(ipv6_rules))]
    listed = ", ".join(rule % block for block in blocks)
    return f"Resources:\n  Group: {{Type: AWS::EC2::SecurityGroup, Properties: {{SecurityGroupIngress: [{listed}]}}}}\n"


def several(kind: str, count: int) -> str:
    return "Resources:\n" + "".join(f"  R{n}: {{Type: {kind}, Properties: {{}}}}\n" for n in range(count))


@pytest.mark.parametrize(
    ("template", "resource", "says"),
    [
        pytest.param(role(11), "Role", "11 managed policies", id="policies of a role"),
        pytest.param(group(61), "Group", "61 rules for IPv4", id="rules of a security group"),
        pytest.param(group(1, ipv6_rules=61), "Group", "61 rules for IPv6", id="IPv6 rules of a security group"),
        pytest.param(several("AWS::EC2::VPC", 6), "R5", "6 VPCs", id="VPCs"),
        pytest.param(several("AWS::EC2::EIP", 7), "R5", "7 elastic IP addresses", id="addresses"),
    ],
)
def test_more_than_a_new_account_has_is_found(
    make_estate: Callable[..., ResolvedStacks], template: str, resource: str, says: str
) -> None:
    (violation,) = default_quotas.check(make_estate(root=template))

    assert violation.resource == resource
    assert says in violation.message


@pytest.mark.parametrize(
    "template",
    [
        pytest.param(role(10), id="policies of a role"),
        pytest.param(group(60, ipv6_rules=60), id="rules of a security group"),
        pytest.param(several("AWS::EC2::VPC", 5), id="VPCs"),
        pytest.param(several("AWS::EC2::EIP", 5), id="addresses"),
    ],
)
def test_as_much_as_a_new_account_has_is_taken(make_estate: Callable[..., ResolvedStacks], template: str) -> None:
    assert list(default_quotas.check(make_estate(root=template))) == []


def test_templates_without_a_plan_are_not_added_up(make_estate: Callable[..., ResolvedStacks]) -> None:
    assert list(default_quotas.check(make_estate(has_plan=False, root=several("AWS::EC2::VPC", 6)))) == []
