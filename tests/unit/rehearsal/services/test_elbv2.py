"""What the emulated Elastic Load Balancing takes and refuses, by what else the account has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

Client = Callable[[str], Any]


@pytest.fixture
def elb(client: Client) -> Any:
    return client("elbv2")


@pytest.fixture
def subnets(client: Client) -> list[str]:
    """Two subnets of the default VPC, in two zones."""
    return [subnet["SubnetId"] for subnet in client("ec2").describe_subnets()["Subnets"]][:2]


@pytest.fixture
def vpc(client: Client) -> str:
    return str(client("ec2").describe_vpcs()["Vpcs"][0]["VpcId"])


def create_balancer(elb: Any, subnets: list[str], **members: Any) -> str:
    given = {"Name": "a", "Subnets": subnets, **members}
    return str(elb.create_load_balancer(**given)["LoadBalancers"][0]["LoadBalancerArn"])


def create_group(elb: Any, vpc: str, **members: Any) -> str:
    given = {"Name": "a", "Protocol": "HTTP", "Port": 80, "VpcId": vpc, "TargetType": "ip", **members}
    return str(elb.create_target_group(**given)["TargetGroups"][0]["TargetGroupArn"])


def attributes_of(elb: Any, group: str) -> list[dict[str, str]]:
    return list(elb.describe_target_group_attributes(TargetGroupArn=group)["Attributes"])


def code(call: Callable[..., Any], **members: Any) -> str:
    """The error code of a request that is refused."""
    with pytest.raises(ClientError) as refused:
        call(**members)
    return str(refused.value.response["Error"]["Code"])


def test_an_attribute_that_aws_may_have_added_is_kept(elb: Any, subnets: list[str]) -> None:
    balancer = create_balancer(elb, subnets)

    elb.modify_load_balancer_attributes(LoadBalancerArn=balancer, Attributes=[{"Key": "routing.http3.enabled", "Value": "true"}])

    kept = elb.describe_load_balancer_attributes(LoadBalancerArn=balancer)["Attributes"]
    assert {"Key": "routing.http3.enabled", "Value": "true"} in kept


def test_a_load_balancer_may_have_no_public_ipv4_addresses(client: Client, elb: Any, subnets: list[str], vpc: str) -> None:
    ec2 = client("ec2")
    ec2.associate_vpc_cidr_block(VpcId=vpc, AmazonProvidedIpv6CidrBlock=True)
    block = ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlock"]
    for number, subnet in enumerate(subnets):
        ec2.associate_subnet_cidr_block(SubnetId=subnet, Ipv6CidrBlock=block.replace("00::/56", f"0{number}::/64"))

    arn = create_balancer(elb, subnets, IpAddressType="dualstack-without-public-ipv4")

    described = elb.describe_load_balancers(LoadBalancerArns=[arn])["LoadBalancers"][0]
    assert described["IpAddressType"] == "dualstack-without-public-ipv4"


def test_a_load_balancer_takes_an_attribute_that_moto_does_not_know(elb: Any, subnets: list[str]) -> None:
    pair = {"Key": "routing.http.x_amzn_tls_kx.enabled", "Value": "true"}

    arn = create_balancer(elb, subnets)

    elb.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=[pair])

    assert pair in elb.describe_load_balancer_attributes(LoadBalancerArn=arn)["Attributes"]


def test_an_attribute_is_judged_beside_those_that_are_set_already(elb: Any, vpc: str) -> None:
    arn = create_group(elb, vpc)
    algorithm = {"Key": "load_balancing.algorithm.type", "Value": "weighted_random"}
    anomaly = {"Key": "load_balancing.algorithm.anomaly_mitigation", "Value": "on"}

    elb.modify_target_group_attributes(TargetGroupArn=arn, Attributes=[algorithm])

    elb.modify_target_group_attributes(TargetGroupArn=arn, Attributes=[anomaly])

    assert anomaly in attributes_of(elb, arn)


@pytest.mark.parametrize("pair", [{"Key": "deregistration_delay.timeout_seconds"}, {"Value": "20"}, {}], ids=str)
def test_an_attribute_without_key_or_value_is_no_internal_error(elb: Any, vpc: str, pair: dict[str, str]) -> None:
    assert code(elb.modify_target_group_attributes, TargetGroupArn=create_group(elb, vpc), Attributes=[pair]) == "ValidationError"


def test_what_moto_keeps_does_not_stand_in_the_way_of_an_attribute(elb: Any, vpc: str) -> None:
    arn = create_group(elb, vpc, Protocol="TCP")

    pair = {"Key": "preserve_client_ip.enabled", "Value": "true"}

    elb.modify_target_group_attributes(TargetGroupArn=arn, Attributes=[pair])

    assert pair in attributes_of(elb, arn)


def test_a_load_balancer_for_ipv6_needs_subnets_with_ipv6_addresses(elb: Any, subnets: list[str]) -> None:
    given = {"Name": "a", "Subnets": subnets, "IpAddressType": "dualstack"}

    assert code(elb.create_load_balancer, **given) == "InvalidConfigurationRequest"


def forward(*groups: str, **stickiness: Any) -> list[dict[str, Any]]:
    config = {"TargetGroups": [{"TargetGroupArn": group, "Weight": 1} for group in groups], **stickiness}
    return [{"Type": "forward", "ForwardConfig": config}]


def create_listener(elb: Any, balancer: str, *groups: str, **members: Any) -> str:
    given = {"Protocol": "HTTP", "Port": 80, "DefaultActions": forward(*groups), **members}
    return str(elb.create_listener(LoadBalancerArn=balancer, **given)["Listeners"][0]["ListenerArn"])


def refused_listener(elb: Any, balancer: str, *groups: str, **members: Any) -> str:
    given = {"Protocol": "HTTP", "Port": 80, "DefaultActions": forward(*groups), **members}
    return code(elb.create_listener, LoadBalancerArn=balancer, **given)


def test_a_load_balancer_listens_once_on_a_port(elb: Any, subnets: list[str], vpc: str) -> None:
    balancer, group = create_balancer(elb, subnets), create_group(elb, vpc)
    create_listener(elb, balancer, group)

    assert refused_listener(elb, balancer, group) == "DuplicateListener"


def test_a_listener_keeps_its_port_when_it_changes(elb: Any, subnets: list[str], vpc: str) -> None:
    group = create_group(elb, vpc)
    arn = create_listener(elb, create_balancer(elb, subnets), group)

    elb.modify_listener(ListenerArn=arn, Port=80, DefaultActions=forward(group))

    assert elb.describe_listeners(ListenerArns=[arn])["Listeners"][0]["Port"] == 80


def test_a_target_group_belongs_to_one_load_balancer(elb: Any, subnets: list[str], vpc: str) -> None:
    group = create_group(elb, vpc)
    create_listener(elb, create_balancer(elb, subnets), group)

    assert refused_listener(elb, create_balancer(elb, subnets, Name="b"), group) == "TargetGroupAssociationLimit"


def test_a_target_group_of_a_deleted_listener_is_free(elb: Any, subnets: list[str], vpc: str) -> None:
    group = create_group(elb, vpc)
    elb.delete_listener(ListenerArn=create_listener(elb, create_balancer(elb, subnets), group))

    other = create_balancer(elb, subnets, Name="b")
    create_listener(elb, other, group)

    assert other in elb.describe_target_groups(TargetGroupArns=[group])["TargetGroups"][0]["LoadBalancerArns"]


def test_target_groups_of_an_action_have_one_protocol(elb: Any, subnets: list[str], vpc: str) -> None:
    groups = create_group(elb, vpc), create_group(elb, vpc, Name="b", Protocol="HTTPS")

    assert refused_listener(elb, create_balancer(elb, subnets), *groups) == "InvalidConfigurationRequest"


def test_a_sticky_target_group_beside_others_needs_a_sticky_action(elb: Any, subnets: list[str], vpc: str) -> None:
    groups = create_group(elb, vpc), create_group(elb, vpc, Name="b")
    pair = {"Key": "stickiness.enabled", "Value": "true"}
    elb.modify_target_group_attributes(TargetGroupArn=groups[0], Attributes=[pair])

    assert refused_listener(elb, create_balancer(elb, subnets), *groups) == "InvalidLoadBalancerAction"


@pytest.mark.parametrize(
    ("of_listener", "of_group"),
    [
        pytest.param("TCP", "UDP", id="TCP to UDP"),
        pytest.param("TCP_UDP", "TCP", id="both to TCP"),
        pytest.param("TCP", "HTTP", id="TCP to HTTP"),
    ],
)
def test_a_listener_and_its_target_group_speak_alike(
    elb: Any, subnets: list[str], vpc: str, of_listener: str, of_group: str
) -> None:
    balancer = create_balancer(elb, subnets, Type="network")
    group = create_group(elb, vpc, Protocol=of_group)

    assert refused_listener(elb, balancer, group, Protocol=of_listener) == "IncompatibleProtocols"


def test_targets_of_ipv6_need_a_load_balancer_of_ipv6(elb: Any, subnets: list[str], vpc: str) -> None:
    group = create_group(elb, vpc, IpAddressType="ipv6")

    assert refused_listener(elb, create_balancer(elb, subnets), group) == "InvalidConfigurationRequest"


def test_a_certificate_is_in_the_region_of_its_listener(elb: Any, subnets: list[str], vpc: str) -> None:
    certificate = {"CertificateArn": "arn:aws:acm:sa-east-1:123456789012:certificate/a"}
    members = {"Protocol": "HTTPS", "Port": 443, "Certificates": [certificate]}

    assert refused_listener(elb, create_balancer(elb, subnets), create_group(elb, vpc), **members) == "CertificateNotFound"


def test_no_certificate_is_added_to_a_listener_of_http(elb: Any, subnets: list[str], vpc: str) -> None:
    arn = create_listener(elb, create_balancer(elb, subnets), create_group(elb, vpc))
    certificate = {"CertificateArn": "arn:aws:acm:ap-northeast-1:123456789012:certificate/a"}

    assert code(elb.add_listener_certificates, ListenerArn=arn, Certificates=[certificate]) == "ValidationError"


def test_users_log_in_at_listeners_of_https_alone(elb: Any, subnets: list[str], vpc: str) -> None:
    group = create_group(elb, vpc)
    listener = create_listener(elb, create_balancer(elb, subnets), group)
    pool = {"UserPoolArn": "arn:aws:cognito-idp:ap-northeast-1:123456789012:userpool/a", "UserPoolClientId": "a", "UserPoolDomain": "a"}
    login = {"Type": "authenticate-cognito", "Order": 1, "AuthenticateCognitoConfig": pool}
    given = {"Priority": 1, "Conditions": [{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/a"]}}]}
    actions = [login, {"Type": "forward", "Order": 2, "TargetGroupArn": group}]

    assert code(elb.create_rule, ListenerArn=listener, Actions=actions, **given) == "InvalidLoadBalancerAction"


def test_a_rule_takes_regular_expressions(elb: Any, subnets: list[str], vpc: str) -> None:
    group = create_group(elb, vpc)
    listener = create_listener(elb, create_balancer(elb, subnets), group)
    condition = {"Field": "path-pattern", "PathPatternConfig": {"RegexValues": ["^/a"]}}

    rule = elb.create_rule(ListenerArn=listener, Priority=1, Conditions=[condition], Actions=forward(group))["Rules"][0]

    described = elb.describe_rules(RuleArns=[rule["RuleArn"]])["Rules"][0]
    assert described["Conditions"][0]["PathPatternConfig"]["RegexValues"] == ["^/a"]


@pytest.mark.parametrize(
    "target",
    [
        pytest.param({"Id": "192.0.2.1"}, id="public"),
        pytest.param({"Id": "10.200.0.1"}, id="private, without a zone"),
        pytest.param({"Id": "172.31.0.10", "AvailabilityZone": "all"}, id="within the VPC, in all zones"),
    ],
)
def test_a_target_has_an_address_that_can_be_reached(elb: Any, vpc: str, target: dict[str, str]) -> None:
    assert code(elb.register_targets, TargetGroupArn=create_group(elb, vpc), Targets=[target]) == "ValidationError"


@pytest.mark.parametrize(
    "target",
    [
        pytest.param({"Id": "172.31.0.10"}, id="within the VPC"),
        pytest.param({"Id": "10.200.0.1", "AvailabilityZone": "all"}, id="private"),
    ],
)
def test_a_target_has_a_private_address(elb: Any, vpc: str, target: dict[str, str]) -> None:
    group = create_group(elb, vpc)

    elb.register_targets(TargetGroupArn=group, Targets=[target])

    registered = elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    assert [described["Target"]["Id"] for described in registered] == [target["Id"]]


def test_a_load_balancer_as_a_target_listens_on_its_port(elb: Any, subnets: list[str], vpc: str) -> None:
    balancer = create_balancer(elb, subnets)
    create_listener(elb, balancer, create_group(elb, vpc))
    group = create_group(elb, vpc, Name="b", TargetType="alb", Protocol="TCP", Port=81)

    assert code(elb.register_targets, TargetGroupArn=group, Targets=[{"Id": balancer}]) == "InvalidTarget"


def test_a_listener_has_a_protocol_of_its_load_balancer(elb: Any, subnets: list[str], vpc: str) -> None:
    balancer, group = create_balancer(elb, subnets, Type="network"), create_group(elb, vpc)

    assert refused_listener(elb, balancer, group) == "ValidationError"


def test_a_listener_of_quic_needs_targets_of_quic(elb: Any, subnets: list[str], vpc: str) -> None:
    balancer, group = create_balancer(elb, subnets, Type="network"), create_group(elb, vpc, Protocol="TCP")

    assert refused_listener(elb, balancer, group, Protocol="QUIC", Port=443) == "IncompatibleProtocols"


def associations(elb: Any, *groups: str) -> list[list[str]]:
    described = elb.describe_target_groups(TargetGroupArns=list(groups))["TargetGroups"]
    return [group["LoadBalancerArns"] for group in sorted(described, key=lambda group: groups.index(group["TargetGroupArn"]))]


def test_a_changed_listener_associates_its_new_target_group(elb: Any, subnets: list[str], vpc: str) -> None:
    """A service of ECS can only then be updated to a target group that replaces another one."""
    balancer = create_balancer(elb, subnets)
    old, new = create_group(elb, vpc), create_group(elb, vpc, Name="b")
    listener = create_listener(elb, balancer, old)

    elb.modify_listener(ListenerArn=listener, DefaultActions=forward(new))

    assert associations(elb, old, new) == [[], [balancer]]


def test_a_listener_of_a_network_load_balancer_changes_to_udp(elb: Any, subnets: list[str], vpc: str) -> None:
    balancer = create_balancer(elb, subnets, Type="network")
    listener = create_listener(elb, balancer, create_group(elb, vpc, Protocol="TCP_UDP"), Protocol="TCP_UDP")

    elb.modify_listener(ListenerArn=listener, Protocol="UDP")

    assert elb.describe_listeners(ListenerArns=[listener])["Listeners"][0]["Protocol"] == "UDP"


def test_a_listener_changes_to_tls_with_its_certificate_and_a_policy(client: Client, elb: Any, subnets: list[str], vpc: str) -> None:
    balancer = create_balancer(elb, subnets, Type="network")
    listener = create_listener(elb, balancer, create_group(elb, vpc, Protocol="TCP"), Protocol="TCP")
    certificate = client("acm").request_certificate(DomainName="example.com")["CertificateArn"]
    policy = "ELBSecurityPolicy-TLS13-1-2-FIPS-2023-04"

    elb.modify_listener(ListenerArn=listener, Protocol="TLS", SslPolicy=policy, Certificates=[{"CertificateArn": certificate}])

    described = elb.describe_listeners(ListenerArns=[listener])["Listeners"][0]
    assert described["Protocol"] == "TLS"
    assert described["SslPolicy"] == policy
    assert described["Certificates"] == [{"CertificateArn": certificate}]
