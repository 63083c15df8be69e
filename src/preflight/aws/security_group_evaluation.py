"""Which connections the rules of security groups admit, into an interface and out of it. Pure.

Two interfaces at once: `reachability.between`.

Source: https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html.
"""

from __future__ import annotations

import ipaddress

from preflight.aws.network import ANY_INTERNET_CALLER, HTTPS, Blocker, Described, Interface, Network


def admits(
    network: Network,
    interface: Interface,
    port: int,
    *,
    protocol: str = "tcp",
    caller: str = ANY_INTERNET_CALLER,
    caller_groups: tuple[str, ...] = (),
) -> Blocker | None:
    """Returns why the security groups keep `caller` from a port, or None if a rule admits it."""
    rules = [r for g in interface.groups for r in network.group(g).get("IpPermissions", [])]
    if any(_permits(rule, port, protocol, caller, caller_groups) for rule in rules):
        return None
    return _blocker(interface, f"admits no {protocol} to port {port} from {caller}", "Ingress", f"{protocol} port {port}")


def _blocker(interface: Interface, sentence: str, direction: str, what: str) -> Blocker:
    """Returns the groups of an interface as a blocker, which have no rule in a direction for `what`."""
    groups = ", ".join(interface.groups) or "(none)"
    fix = f"Add an {direction.lower()} rule for {what}."
    return Blocker(f"security group {groups} {sentence}", next(iter(interface.groups), None), f"SecurityGroup{direction}", fix)


def _covers(rule: Described, port: int, protocol: str) -> bool:
    """Whether a rule is about the port, whatever peers it names."""
    if str(rule.get("IpProtocol")).lower() not in {"-1", protocol, {"tcp": "6", "udp": "17"}.get(protocol)}:
        return False
    return rule.get("IpProtocol") == "-1" or bool(rule.get("FromPort", 0) <= port <= rule.get("ToPort", 65535))


def _permits(rule: Described, port: int, protocol: str, peer: str, peer_groups: tuple[str, ...] = ()) -> bool:
    if not _covers(rule, port, protocol):
        return False
    blocks = [r["CidrIp"] for r in rule.get("IpRanges", []) if r.get("CidrIp")]
    is_named = any(p.get("GroupId") in peer_groups for p in rule.get("UserIdGroupPairs", []))
    return is_named or any(is_within(peer, block) for block in blocks)


def is_within(address: str, block: str) -> bool:
    """Whether an address lies in a CIDR block."""
    return ipaddress.ip_address(address) in ipaddress.ip_network(block, strict=False)


def admits_out(
    network: Network, interface: Interface, port: int, address: str, peer_groups: tuple[str, ...] = ()
) -> Blocker | None:
    """Returns why the groups of an interface let no connection out to an address, or None if a rule does."""
    rules = [r for g in interface.groups for r in network.group(g).get("IpPermissionsEgress", [])]
    if any(_permits(rule, port, "tcp", address, peer_groups) for rule in rules):
        return None
    return _blocker(interface, f"lets no tcp port {port} out", "Egress", f"tcp port {port}")


def admits_out_to_gateway(network: Network, interface: Interface) -> Blocker | None:
    """Returns why the groups let nothing out to a gateway endpoint, whose addresses a prefix list names, or None."""
    rules = [r for g in interface.groups for r in network.group(g).get("IpPermissionsEgress", [])]
    lists = [r for r in rules if r.get("PrefixListIds")]
    if any(r["IpProtocol"] in {"-1", "tcp"} for r in lists):
        return None
    return admits_out(network, interface, HTTPS, ANY_INTERNET_CALLER)


def admits_inside(network: Network, interface: Interface, port: int) -> Blocker | None:
    """Returns the blocker between the VPC and tcp `port` of a task, or None if a rule admits any caller there.

    A rule admits a caller inside if it names a security group, a prefix list, or a block that overlaps
    with the VPC's subnets.
    """
    blocks = [ipaddress.ip_network(s["CidrBlock"]) for s in network.subnets if s["VpcId"] == interface.vpc]
    rules = [r for g in interface.groups for r in network.group(g).get("IpPermissions", [])]
    if any(_covers(rule, port, "tcp") and _names_insiders(rule, blocks) for rule in rules):
        return None
    return _blocker(interface, f"admits no address of the VPC to tcp port {port}", "Ingress", f"tcp port {port}")


def _names_insiders(rule: Described, blocks: list[ipaddress.IPv4Network | ipaddress.IPv6Network]) -> bool:
    if rule.get("UserIdGroupPairs") or rule.get("PrefixListIds"):
        return True
    ranges = [ipaddress.ip_network(r["CidrIp"], strict=False) for r in rule.get("IpRanges", []) if r.get("CidrIp")]
    return any(one.version == other.version and one.overlaps(other) for one in ranges for other in blocks)
