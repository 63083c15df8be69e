"""Whether a target group takes targets: where their addresses are, and what listens there.

https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetDescription.html; moto/elbv2/models.py
takes any target that is no instance.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from preflight.rehearsal.account import Account
from preflight.rehearsal.protocol import Call, Refusal

_PRIVATE = tuple(map(ipaddress.ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")))


def check(account: Account, call: Call) -> None:
    """Check the targets that a request registers.

    Raises:
        Refusal: the target group does not take one.
    """
    elb: Any = account.client("elbv2", call.region)
    group = elb.describe_target_groups(TargetGroupArns=[call.parameters["TargetGroupArn"]])["TargetGroups"][0]
    for target in call.parameters.get("Targets") or []:
        if group["TargetType"] == "ip":
            _check_address(account.client("ec2", call.region), group["VpcId"], target)
        elif group["TargetType"] == "alb":
            _check_balancer(elb, target["Id"], int(target.get("Port") or group["Port"]))


def _check_address(ec2: Any, vpc: str, target: Mapping[str, Any]) -> None:
    """An IPv4 address is in a subnet of the VPC, or is private and names its zone."""
    try:
        address = ipaddress.IPv4Address(target["Id"])
    except ValueError:
        return
    subnets = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"]
    within = next((subnet for subnet in subnets if address in ipaddress.ip_network(subnet["CidrBlock"])), None)
    zone = target.get("AvailabilityZone")
    if within is None and not any(address in network for network in _PRIVATE):
        msg = f"The IP address '{address}' is not in a subnet of the VPC, and is not a private address"
        raise Refusal("ValidationError", msg)
    if within is None and not zone:
        msg = f"You must specify a valid Availability Zone or select 'all' for all enabled Availability zones, since the IP address '{address}' is outside the VPC"
        raise Refusal("ValidationError", msg)
    if within is not None and zone not in {None, "", within["AvailabilityZone"]}:
        msg = f"The IP address '{address}' is within the VPC, and cannot have its Availability Zone overridden to '{zone}' from '{within['AvailabilityZone']}'"
        raise Refusal("ValidationError", msg)


def _check_balancer(elb: Any, arn: str, port: int) -> None:
    """An application load balancer listens on the port of its target group."""
    listeners = elb.describe_listeners(LoadBalancerArn=arn)["Listeners"]
    if not any(int(listener["Port"]) == port for listener in listeners):
        raise Refusal("InvalidTarget", f"The application load balancer '{arn}' does not have a listener on port {port}")
