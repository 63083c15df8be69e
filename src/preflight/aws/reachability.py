"""Can a packet get from here to there? EC2 Describe answers in, the missing link out. Pure.

Both sides use it: the emulated account, to decide whether a task can pull and what answers from
outside; the client, to say of a page that did not come which link of the chain is missing.

Sources: https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Route_Tables.html,
https://docs.aws.amazon.com/vpc/latest/userguide/vpc-security-groups.html,
https://docs.aws.amazon.com/vpc/latest/userguide/vpc-network-acls.html and
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-networking.html.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import replace

from preflight.aws import security_group_evaluation
from preflight.aws.network import (
    ANY_INTERNET_CALLER,
    EPHEMERAL,
    HTTPS,
    Blocker,
    Described,
    Interface,
    Network,
)

_WITHOUT_ADDRESS = "Route 0.0.0.0/0 to a NAT gateway, or copy the image to a repository of ECR and add VPC endpoints; a route to an internet gateway serves only tasks with AssignPublicIp: ENABLED."


def route_to(table: Described, address: str) -> Described | None:
    """The route that a packet to `address` takes: the longest prefix that holds it."""
    target = ipaddress.ip_address(address)
    fitting = []
    for route in table.get("Routes", []):
        block = route.get("DestinationCidrBlock")
        if block and target in ipaddress.ip_network(block, strict=False):
            fitting.append((ipaddress.ip_network(block, strict=False).prefixlen, route))
    return max(fitting, key=lambda pair: pair[0])[1] if fitting else None


def from_internet(
    network: Network,
    interface: Interface,
    port: int,
    *,
    protocol: str = "tcp",
    caller: str = ANY_INTERNET_CALLER,
    has_groups: bool = True,
) -> Blocker | None:
    """Returns the blocker between a caller on the internet and `port` of a task, or None.

    Without `has_groups`, as for some Network Load Balancers, no security group is asked.
    """
    if not interface.has_public_address:
        return Blocker(
            "the task has no public IP address",
            None,
            "NetworkConfiguration.AwsvpcConfiguration.AssignPublicIp",
            "Set AssignPublicIp: ENABLED, or ask from inside.",
        )
    return (
        _gateway(network, interface, caller)
        or (security_group_evaluation.admits(network, interface, port, protocol=protocol, caller=caller) if has_groups else None)
        or _acl(network, interface, port, protocol=protocol, peer=caller, is_ingress=True)
        or _acl(network, interface, EPHEMERAL, protocol=protocol, peer=caller, is_ingress=False)
    )


def _gateway(network: Network, interface: Interface, address: str) -> Blocker | None:
    table = network.route_table(interface.subnet, interface.vpc)
    route = route_to(table, address)
    name = table.get("RouteTableId")
    if route is None:
        return Blocker(
            f"the route table of subnet {interface.subnet} has no route to the internet",
            name,
            None,
            "Add an AWS::EC2::Route for 0.0.0.0/0 to the internet gateway, and associate its table with the subnet.",
        )
    gateway = str(route.get("GatewayId") or "")
    if not gateway.startswith("igw-"):
        via = gateway or route.get("NatGatewayId") or "something else"
        return Blocker(
            f"the route of subnet {interface.subnet} leads to {via}, not to an internet gateway",
            name,
            None,
            "Point the route for 0.0.0.0/0 of a public subnet to the internet gateway.",
        )
    return None if _is_attached(network, gateway, interface.vpc) else _detached(gateway, interface.vpc)


def _detached(gateway: str, vpc: str) -> Blocker:
    return Blocker(
        f"internet gateway {gateway} is not attached to {vpc}",
        gateway,
        None,
        "Add an AWS::EC2::VPCGatewayAttachment for it.",
    )


def _is_attached(network: Network, gateway: str, vpc: str) -> bool:
    return any(
        attachment.get("VpcId") == vpc and attachment.get("State") in {"available", "attached", None}
        for value in network.internet_gateways
        if value["InternetGatewayId"] == gateway
        for attachment in value.get("Attachments", [])
    )


def _acl(
    network: Network, interface: Interface, port: int, *, protocol: str, peer: str, is_ingress: bool
) -> Blocker | None:
    acl = network.acl(interface.subnet, interface.vpc)
    if acl is None:
        return None
    numbers = {"-1", {"tcp": "6", "udp": "17"}.get(protocol, "-1")}
    entries = sorted(
        (e for e in acl.get("Entries", []) if bool(e.get("Egress")) != is_ingress),
        key=lambda entry: int(entry["RuleNumber"]),
    )
    for entry in entries:
        ports = entry.get("PortRange") or {}
        is_fitting = (
            str(entry.get("Protocol")) in numbers
            and security_group_evaluation.is_within(peer, entry.get("CidrBlock", "0.0.0.0/0"))
            and (str(entry.get("Protocol")) == "-1" or ports.get("From", 0) <= port <= ports.get("To", 65535))
        )
        if is_fitting and entry["RuleAction"] == "allow":
            return None
        if is_fitting:
            break
    way = "into" if is_ingress else "out of"
    return Blocker(
        f"network ACL {acl['NetworkAclId']} lets no {protocol} port {port} {way} subnet {interface.subnet}",
        acl["NetworkAclId"],
        None,
        f"Add an AWS::EC2::NetworkAclEntry that allows it ({'ingress' if is_ingress else 'egress'}).",
    )


def to_internet(
    network: Network, interface: Interface, *, port: int = HTTPS, address: str = ANY_INTERNET_CALLER
) -> Blocker | None:
    """Returns what keeps a task from an address on the internet, or None."""
    if not network.has_dns.get(interface.vpc, True):
        return Blocker(
            f"DNS resolution is off in {interface.vpc}, so no name can be looked up",
            interface.vpc,
            "EnableDnsSupport",
            "Set EnableDnsSupport: true.",
        )
    return (
        _way_out(network, interface, address)
        or security_group_evaluation.admits_out(network, interface, port, address)
        or _acl(network, interface, port, protocol="tcp", peer=address, is_ingress=False)
        or _acl(network, interface, EPHEMERAL, protocol="tcp", peer=address, is_ingress=True)
    )


def has_ipv6_way_out(network: Network, interface: Interface) -> bool:
    """Whether a task in a dual-stack subnet has a way to the internet by IPv6; what it reaches there is not known.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-networking.html (dual-stack mode).
    """
    subnet = next((s for s in network.subnets if s["SubnetId"] == interface.subnet), {})
    routes = network.route_table(interface.subnet, interface.vpc).get("Routes", [])
    gateways = [r for r in routes if r.get("DestinationIpv6CidrBlock") == "::/0"]
    is_led_out = any(r.get("EgressOnlyInternetGatewayId") or str(r.get("GatewayId")).startswith("igw-") for r in gateways)
    return is_led_out and bool(subnet.get("Ipv6CidrBlockAssociationSet"))


def _way_out(network: Network, interface: Interface, address: str) -> Blocker | None:
    table = network.route_table(interface.subnet, interface.vpc)
    route = route_to(table, address) or {}
    nat = route.get("NatGatewayId")
    if nat:
        return _nat(network, nat, interface)
    if route.get("TransitGatewayId") or route.get("VpcPeeringConnectionId") or route.get("NetworkInterfaceId"):
        return None  # another network's affair; what lies behind it is not known here
    missing = _gateway(network, interface, address)
    if missing is None and not interface.has_public_address:
        return Blocker(
            "the task has no public IP address, and its subnet's route leads to an internet gateway, not to a NAT gateway",
            None,
            "NetworkConfiguration.AwsvpcConfiguration.AssignPublicIp",
            "Set AssignPublicIp: ENABLED, route the subnet through a NAT gateway, or add the VPC endpoints.",
        )
    if missing is None or interface.has_public_address or route:
        return missing
    return replace(missing, fix=_WITHOUT_ADDRESS)


def _nat(network: Network, nat: str, interface: Interface) -> Blocker | None:
    value = next((n for n in network.nat_gateways if n["NatGatewayId"] == nat), None)
    if value is None or value.get("State") != "available":
        return Blocker(f"NAT gateway {nat} is not available", nat, None, "Repair or replace the NAT gateway.")
    if value.get("ConnectivityType", "public") != "public":
        return Blocker(f"NAT gateway {nat} is private", nat, "ConnectivityType", "Use a public NAT gateway.")
    there = Interface(interface.vpc, value["SubnetId"], "", (), has_public_address=True)
    missing = _gateway(network, there, ANY_INTERNET_CALLER)
    if missing is None:
        return None
    return Blocker(
        f"NAT gateway {nat} has no way out: {missing.message}", missing.resource, missing.property, missing.fix
    )


def between(network: Network, source: Interface, target: Interface, port: int) -> Blocker | None:
    """Returns what keeps `source` from tcp `port` of `target` in the same VPC, or None.

    Older Network Load Balancers have no security groups; nothing is checked on their side.
    """
    missing = security_group_evaluation.admits_out(network, source, port, target.address, target.groups) if source.groups else None
    if missing is None and target.groups:
        missing = security_group_evaluation.admits(network, target, port, caller=source.address, caller_groups=source.groups)
    if missing is not None or source.subnet == target.subnet:
        return missing
    return (
        _acl(network, source, port, protocol="tcp", peer=target.address, is_ingress=False)
        or _acl(network, target, port, protocol="tcp", peer=source.address, is_ingress=True)
        or _acl(network, target, EPHEMERAL, protocol="tcp", peer=source.address, is_ingress=False)
        or _acl(network, source, EPHEMERAL, protocol="tcp", peer=target.address, is_ingress=True)
    )


def to_service(network: Network, interface: Interface, service: str) -> Blocker | None:
    """What keeps a task from an AWS service (`ecr.api`, `ecr.dkr`, `logs`, `s3` ...); None if nothing.

    An interface endpoint with private DNS is what the name resolves to, even where there is a way
    to the internet; a gateway endpoint wins by its longer prefix.
    """
    endpoint = next((e for e in endpoints(network, interface, service)), None)
    if endpoint is None:
        return _without_endpoint(network, interface, service)
    if not network.has_dns.get(interface.vpc, True):
        return to_internet(network, interface)
    if endpoint.get("VpcEndpointType") == "Gateway":
        return security_group_evaluation.admits_out_to_gateway(network, interface)
    return _to_endpoint(network, interface, endpoint)


def _without_endpoint(network: Network, interface: Interface, service: str) -> Blocker | None:
    missing = to_internet(network, interface)
    if missing is None or missing.fix != _WITHOUT_ADDRESS:
        return missing
    return replace(
        missing,
        message=f"{missing.message}, and there is no VPC endpoint for {service}",
        fix=f"Add a VPC endpoint for {service} (and for all that the task calls: ecr.api, ecr.dkr, s3, logs), or a route for 0.0.0.0/0 to a NAT gateway, or set AssignPublicIp: ENABLED.",
    )


def endpoints(network: Network, interface: Interface, service: str) -> Iterator[Described]:
    """The VPC endpoints that a task's calls to a service go through, if there is one."""
    table = network.route_table(interface.subnet, interface.vpc).get("RouteTableId")
    for endpoint in network.endpoints:
        if endpoint["VpcId"] != interface.vpc or not endpoint["ServiceName"].endswith(f".{service}"):
            continue
        if endpoint.get("VpcEndpointType", "Gateway") == "Gateway":
            if table in endpoint.get("RouteTableIds", []):
                yield {**endpoint, "VpcEndpointType": "Gateway"}
        elif endpoint.get("PrivateDnsEnabled", True):
            yield endpoint


def _to_endpoint(network: Network, interface: Interface, endpoint: Described) -> Blocker | None:
    groups = tuple(g["GroupId"] for g in endpoint.get("Groups", []))
    subnet = next((s for s in network.subnets if s["SubnetId"] in endpoint.get("SubnetIds", [])), None)
    address = str(ipaddress.ip_network(subnet["CidrBlock"])[10]) if subnet else interface.address
    missing = security_group_evaluation.admits_out(network, interface, HTTPS, address, groups)
    if missing is not None or not groups:
        return missing
    there = Interface(
        interface.vpc,
        endpoint["SubnetIds"][0] if subnet else interface.subnet,
        address,
        groups,
        has_public_address=False,
    )
    refused = security_group_evaluation.admits(network, there, HTTPS, caller=interface.address, caller_groups=interface.groups)
    if refused is None:
        return None
    return Blocker(
        f"VPC endpoint {endpoint['VpcEndpointId']} ({endpoint['ServiceName']}) cannot be reached: {refused.message}",
        refused.resource,
        refused.property,
        "Admit tcp port 443 from the tasks to the security group of the endpoint.",
    )
