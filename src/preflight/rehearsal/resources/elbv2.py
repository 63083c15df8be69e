"""Elastic Load Balancing, version 2."""

from __future__ import annotations

from typing import Any

from preflight.rehearsal.resources.handler import FailedError, Handler, Made, Place, Properties

MAX_NAME = 32


def _attributes(place: Place, kind: str, arn: str, given: Properties) -> None:
    """Set the attributes of a `LoadBalancer` or a `TargetGroup`."""
    name = f"{kind}Attributes"
    if given.get(name):
        pairs = [{"Key": pair["Key"], "Value": str(pair["Value"])} for pair in given[name]]
        place.ask("elbv2", f"Modify{name}", **{f"{kind}Arn": arn, "Attributes": pairs})
        place.note(name, "stored")


def _create_balancer(place: Place, given: Properties) -> Made:
    _check_balancer(place, given)
    plain = {key: value for key, value in given.items() if key != "LoadBalancerAttributes"}
    asked = {"Name": place.name(most=MAX_NAME), **plain, "Tags": place.all_tags(given.get("Tags"))}
    if not asked["Tags"]:
        del asked["Tags"]
    made = place.call("elbv2", "CreateLoadBalancer", asked)["LoadBalancers"][0]
    arn = made["LoadBalancerArn"]
    _attributes(place, "LoadBalancer", arn, given)
    return Made(
        arn,
        {
            "LoadBalancerArn": arn,
            "DNSName": made["DNSName"],
            "CanonicalHostedZoneID": made.get("CanonicalHostedZoneId", "Z14GRHDCWA56QT"),
            "LoadBalancerName": made["LoadBalancerName"],
            "LoadBalancerFullName": arn.partition(":loadbalancer/")[2],
            "SecurityGroups": made.get("SecurityGroups", []),
        },
    )


def _check_balancer(place: Place, given: Properties) -> None:
    """Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html."""
    name = str(given.get("Name", "x"))
    if len(name) > MAX_NAME or name.startswith(("internal-", "-")) or name.endswith("-"):
        raise FailedError(f"The load balancer name '{name}' is not valid")
    subnets = list(given.get("Subnets") or [m["SubnetId"] for m in given.get("SubnetMappings") or []])
    if given.get("Type", "application") != "application" or not subnets:
        return
    described = place.ask("ec2", "DescribeSubnets", SubnetIds=subnets)["Subnets"]
    if len({subnet["AvailabilityZone"] for subnet in described}) < 2:
        raise FailedError("At least two subnets in two different Availability Zones must be specified")
    if given.get("Scheme", "internet-facing") == "internet-facing":
        vpc = described[0]["VpcId"]
        attached = [{"Name": "attachment.vpc-id", "Values": [vpc]}]
        if not place.ask("ec2", "DescribeInternetGateways", Filters=attached)["InternetGateways"]:
            raise FailedError(f"VPC {vpc} has no internet gateway")


def _delete_balancer(place: Place, arn: str, _given: Properties) -> None:
    place.ask("elbv2", "DeleteLoadBalancer", LoadBalancerArn=arn)


def _create_group(place: Place, given: Properties) -> Made:
    apart = {"TargetGroupAttributes", "Targets"}
    plain = {key: value for key, value in given.items() if key not in apart}
    tags = place.all_tags(given.get("Tags"))
    asked = {"Name": place.name(most=MAX_NAME), **plain, **({"Tags": tags} if tags else {})}
    made = place.call("elbv2", "CreateTargetGroup", asked)["TargetGroups"][0]
    arn = made["TargetGroupArn"]
    _attributes(place, "TargetGroup", arn, given)
    if given.get("Targets"):
        place.call("elbv2", "RegisterTargets", {"TargetGroupArn": arn, "Targets": given["Targets"]})
    return Made(
        arn,
        {
            "TargetGroupArn": arn,
            "TargetGroupName": made["TargetGroupName"],
            "TargetGroupFullName": arn.rpartition(":")[2],
            "LoadBalancerArns": [],
        },
    )


def _delete_group(place: Place, arn: str, _given: Properties) -> None:
    place.ask("elbv2", "DeleteTargetGroup", TargetGroupArn=arn)


def _create_listener(place: Place, given: Properties) -> Made:
    plain = {key: value for key, value in given.items() if key != "ListenerAttributes"}
    made = place.call("elbv2", "CreateListener", plain)["Listeners"][0]["ListenerArn"]
    if "ListenerAttributes" in given:
        place.note("ListenerAttributes", "ignored")
    return Made(made, {"ListenerArn": made})


def _delete_listener(place: Place, arn: str, _given: Properties) -> None:
    place.ask("elbv2", "DeleteListener", ListenerArn=arn)


def _create_rule(place: Place, given: Properties) -> Made:
    made = place.call("elbv2", "CreateRule", given)["Rules"][0]
    return Made(made["RuleArn"], {"RuleArn": made["RuleArn"], "IsDefault": False})


def _delete_rule(place: Place, arn: str, _given: Properties) -> None:
    place.ask("elbv2", "DeleteRule", RuleArn=arn)


_PREFIX = "AWS::ElasticLoadBalancingV2::"
TYPES: dict[str, Any] = {
    f"{_PREFIX}LoadBalancer": Handler(_create_balancer, _delete_balancer),
    f"{_PREFIX}TargetGroup": Handler(_create_group, _delete_group),
    f"{_PREFIX}Listener": Handler(_create_listener, _delete_listener),
    f"{_PREFIX}ListenerRule": Handler(_create_rule, _delete_rule),
}
