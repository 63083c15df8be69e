"""What the emulated Elastic Load Balancing takes and refuses of listeners, by what their load balancer and groups are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

Client = Callable[[str], Any]
CERTIFICATE = {"CertificateArn": "arn:aws:iam::123456789012:server-certificate/a"}
STORE = "arn:aws:elasticloadbalancing:{}:123456789012:truststore/a/0123456789abcdef"
POOL = "arn:aws:cognito-idp:{}:123456789012:userpool/a_b"


class Listeners:
    """Load balancers, target groups and listeners in the default VPC, with two subnets that have IPv6 addresses."""

    def __init__(self, client: Client) -> None:
        ec2 = client("ec2")
        self.elb, self.number = client("elbv2"), 0
        self.region = str(self.elb.meta.region_name)
        self.vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
        self.subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"]][:2]
        ec2.associate_vpc_cidr_block(VpcId=self.vpc, AmazonProvidedIpv6CidrBlock=True)
        block = ec2.describe_vpcs(VpcIds=[self.vpc])["Vpcs"][0]["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlock"]
        for number, subnet in enumerate(self.subnets):
            ec2.associate_subnet_cidr_block(SubnetId=subnet, Ipv6CidrBlock=block.replace("00::/56", f"0{number}::/64"))

    def _name(self) -> str:
        self.number += 1
        return f"a{self.number}"

    def balancer(self, kind: str = "network", **members: Any) -> str:
        placed = {} if "SubnetMappings" in members else {"Subnets": self.subnets}
        response = self.elb.create_load_balancer(Name=self._name(), Type=kind, **placed, **members)
        return str(response["LoadBalancers"][0]["LoadBalancerArn"])

    def group(self, protocol: str = "TCP", kind: str = "ip", **members: Any) -> str:
        request = {"Protocol": protocol, "Port": 80, "VpcId": self.vpc, "TargetType": kind, **members}
        return str(self.elb.create_target_group(Name=self._name(), **request)["TargetGroups"][0]["TargetGroupArn"])

    def listen(self, balancer: str, protocol: str, *groups: str, port: int = 80, **members: Any) -> str:
        tuples = [{"TargetGroupArn": group, "Weight": 1} for group in groups]
        request = {"DefaultActions": [{"Type": "forward", "ForwardConfig": {"TargetGroups": tuples}}], **members}
        if protocol in {"HTTPS", "TLS"}:
            request["Certificates"] = [CERTIFICATE]
        response = self.elb.create_listener(LoadBalancerArn=balancer, Protocol=protocol, Port=port, **request)
        return str(response["Listeners"][0]["ListenerArn"])


@pytest.fixture
def listeners(client: Client) -> Listeners:
    return Listeners(client)


def test_a_target_group_of_a_load_balancer_is_for_listeners_of_tcp(listeners: Listeners) -> None:
    group = listeners.group(kind="alb")

    with pytest.raises(ClientError, match="IncompatibleProtocols"):
        listeners.listen(listeners.balancer(), "TLS", group)

    assert listeners.listen(listeners.balancer(), "TCP", group)


def test_a_udp_listener_with_ipv6_addresses_needs_a_target_group_with_them(listeners: Listeners) -> None:
    balancer = listeners.balancer(IpAddressType="dualstack")

    with pytest.raises(ClientError, match="IPv4 target group"):
        listeners.listen(balancer, "UDP", listeners.group("UDP"))

    assert listeners.listen(balancer, "UDP", listeners.group("UDP", IpAddressType="ipv6"))


def test_a_load_balancer_has_one_listener_of_quic_and_none_of_udp_beside_it(listeners: Listeners) -> None:
    balancer = listeners.balancer()
    listeners.listen(balancer, "QUIC", listeners.group("QUIC"))

    with pytest.raises(ClientError, match="only one QUIC"):
        listeners.listen(balancer, "UDP", listeners.group("UDP"), port=81)


def test_a_listener_of_quic_is_not_for_load_balancers_with_ipv6_addresses(listeners: Listeners) -> None:
    with pytest.raises(ClientError, match="not allowed on dualstack"):
        listeners.listen(listeners.balancer(IpAddressType="dualstack"), "QUIC", listeners.group("QUIC"))


def test_target_groups_of_a_network_listener_have_the_same_type_of_addresses(listeners: Listeners) -> None:
    balancer = listeners.balancer(IpAddressType="dualstack")

    with pytest.raises(ClientError, match="same IP address type"):
        listeners.listen(balancer, "TCP", listeners.group(), listeners.group(IpAddressType="ipv6"))

    assert listeners.listen(balancer, "TCP", listeners.group(), listeners.group())


def test_two_listeners_of_a_load_balancer_verify_clients_and_no_third(listeners: Listeners) -> None:
    balancer, group = listeners.balancer("application"), listeners.group("HTTP")
    verify = {"MutualAuthentication": {"Mode": "verify", "TrustStoreArn": STORE.format(listeners.region)}}
    listeners.listen(balancer, "HTTPS", group, port=443, **verify)
    second = listeners.listen(balancer, "HTTPS", group, port=444, **verify)

    with pytest.raises(ClientError, match="at most 2 listeners"):
        listeners.listen(balancer, "HTTPS", group, port=445, **verify)

    listeners.elb.delete_listener(ListenerArn=second)
    assert listeners.listen(balancer, "HTTPS", group, port=445, **verify)


def test_a_trust_store_is_in_the_region_of_the_listener(listeners: Listeners) -> None:
    verify: Any = {"MutualAuthentication": {"Mode": "verify", "TrustStoreArn": STORE.format("eu-north-1")}}

    with pytest.raises(ClientError, match="TrustStoreNotFound"):
        listeners.listen(listeners.balancer("application"), "HTTPS", listeners.group("HTTP"), **verify)


def with_log_in(listeners: Listeners, region: str) -> dict[str, Any]:
    config = {"UserPoolArn": POOL.format(region), "UserPoolClientId": "c", "UserPoolDomain": "d"}
    log_in = {"Type": "authenticate-cognito", "Order": 1, "AuthenticateCognitoConfig": config}
    return {"DefaultActions": [log_in, {"Type": "forward", "Order": 2, "TargetGroupArn": listeners.group("HTTP")}]}


def test_users_log_in_with_a_user_pool_of_the_region(listeners: Listeners) -> None:
    balancer = listeners.balancer("application")

    with pytest.raises(ClientError, match="it is in another region than the load balancer"):
        listeners.listen(balancer, "HTTPS", **with_log_in(listeners, "eu-north-1"))

    assert listeners.listen(balancer, "HTTPS", **with_log_in(listeners, listeners.region))


def test_a_listener_of_https_validates_tokens(listeners: Listeners) -> None:
    config = {"JwksEndpoint": "https://a.example.com/jwks.json", "Issuer": "https://a.example.com"}
    actions = [{"Type": "jwt-validation", "Order": 1, "JwtValidationConfig": config}, {"Type": "forward", "Order": 2, "TargetGroupArn": listeners.group("HTTP")}]
    listener = listeners.listen(listeners.balancer("application"), "HTTPS", DefaultActions=actions)
    condition = {"Field": "path-pattern", "PathPatternConfig": {"Values": ["/a"]}}

    rule = listeners.elb.create_rule(ListenerArn=listener, Priority=1, Conditions=[condition], Actions=actions)["Rules"][0]

    assert [action["Type"] for action in rule["Actions"]] == ["jwt-validation", "forward"]


def test_a_listener_of_http_validates_no_tokens(listeners: Listeners) -> None:
    config = {"JwksEndpoint": "https://a.example.com/jwks.json", "Issuer": "https://a.example.com"}
    actions = [{"Type": "jwt-validation", "Order": 1, "JwtValidationConfig": config}, {"Type": "forward", "Order": 2, "TargetGroupArn": listeners.group("HTTP")}]

    with pytest.raises(ClientError, match="InvalidLoadBalancerAction"):
        listeners.listen(listeners.balancer("application"), "HTTP", DefaultActions=actions)


def test_a_rule_does_not_redirect_from_https_to_http(listeners: Listeners) -> None:
    listener = listeners.listen(listeners.balancer("application"), "HTTPS", listeners.group("HTTP"))
    redirect = {"Protocol": "HTTP", "Port": "80", "StatusCode": "HTTP_301"}
    rule = {
        "Conditions": [{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/a"]}}],
        "Actions": [{"Type": "redirect", "RedirectConfig": redirect}],
    }

    with pytest.raises(ClientError, match="cannot redirect from HTTPS to HTTP"):
        listeners.elb.create_rule(ListenerArn=listener, Priority=1, **rule)


def test_a_private_address_of_a_load_balancer_is_in_its_subnet(listeners: Listeners) -> None:
    mappings = [{"SubnetId": listeners.subnets[0], "PrivateIPv4Address": "192.0.2.1"}]

    with pytest.raises(ClientError, match="is not within the subnet"):
        listeners.balancer(Scheme="internal", SubnetMappings=mappings)


def test_a_subnet_without_ipv4_addresses_is_no_internal_error(client: Client, listeners: Listeners) -> None:
    ec2 = client("ec2")
    block = ec2.describe_vpcs(VpcIds=[listeners.vpc])["Vpcs"][0]["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlock"]
    subnet = ec2.create_subnet(VpcId=listeners.vpc, Ipv6Native=True, Ipv6CidrBlock=block.replace("00::/56", "10::/64"))["Subnet"]["SubnetId"]

    assert listeners.balancer(SubnetMappings=[{"SubnetId": subnet}])


@pytest.mark.parametrize("version", ["HTTP2", "GRPC"])
def test_targets_that_speak_http_2_need_a_listener_of_https(listeners: Listeners, version: str) -> None:
    balancer, group = listeners.balancer("application"), listeners.group("HTTP", ProtocolVersion=version)

    with pytest.raises(ClientError, match="Listener protocol 'HTTP' is not supported with a target group with the protocol-version"):
        listeners.listen(balancer, "HTTP", group)

    assert listeners.listen(balancer, "HTTPS", group, port=443)
