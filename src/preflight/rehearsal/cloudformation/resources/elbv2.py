"""Elastic Load Balancing, version 2."""

from __future__ import annotations

from typing import Any

from preflight.rehearsal import protocol
from preflight.rehearsal.cloudformation.resources.handler import CreatedResource, Handler, HandlerContext, Properties

MAX_NAME = 32


def _attributes(place: HandlerContext, kind: str, arn: str, given: Properties) -> None:
    """Set the attributes of a `LoadBalancer`, a `TargetGroup` or a `Listener`."""
    name = f"{kind}Attributes"
    if given.get(name):
        pairs = [{"Key": pair["Key"], "Value": str(pair["Value"])} for pair in given[name]]
        place.ask("elbv2", f"Modify{name}", **{f"{kind}Arn": arn, "Attributes": pairs})
        place.note(name, "stored")


def _create_balancer(place: HandlerContext, given: Properties) -> CreatedResource:
    plain = {key: value for key, value in given.items() if key != "LoadBalancerAttributes"}
    name = place.name(most=MAX_NAME).removeprefix("internal-")  # which no name may begin with
    asked = {"Name": name, **plain, "Tags": place.all_tags(given.get("Tags"))}
    if not asked["Tags"]:
        del asked["Tags"]
    made = place.call("elbv2", "CreateLoadBalancer", asked)["LoadBalancers"][0]
    arn = made["LoadBalancerArn"]
    place.identify(arn)
    _attributes(place, "LoadBalancer", arn, given)
    return _balancer(made)


def _balancer(made: dict[str, Any]) -> CreatedResource:
    arn = made["LoadBalancerArn"]
    return CreatedResource(
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


def _delete_balancer(place: HandlerContext, arn: str, _given: Properties) -> None:
    place.ask("elbv2", "DeleteLoadBalancer", LoadBalancerArn=arn)


def _create_group(place: HandlerContext, given: Properties) -> CreatedResource:
    apart = {"TargetGroupAttributes", "Targets"}
    plain = {key: value for key, value in given.items() if key not in apart}
    tags = place.all_tags(given.get("Tags"))
    asked = {"Name": place.name(most=MAX_NAME), **plain, **({"Tags": tags} if tags else {})}
    made = place.call("elbv2", "CreateTargetGroup", asked)["TargetGroups"][0]
    arn = made["TargetGroupArn"]
    place.identify(arn)
    _attributes(place, "TargetGroup", arn, given)
    if given.get("Targets"):
        place.call("elbv2", "RegisterTargets", {"TargetGroupArn": arn, "Targets": given["Targets"]})
    return _group(made)


def _group(made: dict[str, Any]) -> CreatedResource:
    arn = made["TargetGroupArn"]
    return CreatedResource(
        arn,
        {
            "TargetGroupArn": arn,
            "TargetGroupName": made["TargetGroupName"],
            "TargetGroupFullName": arn.rpartition(":")[2],
            "LoadBalancerArns": made.get("LoadBalancerArns", []),
        },
    )


def _delete_group(place: HandlerContext, arn: str, _given: Properties) -> None:
    place.ask("elbv2", "DeleteTargetGroup", TargetGroupArn=arn)


def _create_listener(place: HandlerContext, given: Properties) -> CreatedResource:
    plain = {key: value for key, value in given.items() if key != "ListenerAttributes"}
    made = place.call("elbv2", "CreateListener", plain)["Listeners"][0]["ListenerArn"]
    place.identify(made)
    _attributes(place, "Listener", made, given)
    return CreatedResource(made, {"ListenerArn": made})


def _delete_listener(place: HandlerContext, arn: str, _given: Properties) -> None:
    place.ask("elbv2", "DeleteListener", ListenerArn=arn)


def _create_rule(place: HandlerContext, given: Properties) -> CreatedResource:
    made = place.call("elbv2", "CreateRule", given)["Rules"][0]
    return CreatedResource(made["RuleArn"], {"RuleArn": made["RuleArn"], "IsDefault": False})


def _delete_rule(place: HandlerContext, arn: str, _given: Properties) -> None:
    place.ask("elbv2", "DeleteRule", RuleArn=arn)


def _update_balancer(place: HandlerContext, arn: str, old: Properties, new: Properties) -> CreatedResource:
    if old.get("Subnets") != new.get("Subnets") and new.get("Subnets"):
        place.ask("elbv2", "SetSubnets", LoadBalancerArn=arn, Subnets=list(new["Subnets"]))
    if old.get("SecurityGroups") != new.get("SecurityGroups") and new.get("SecurityGroups"):
        place.ask("elbv2", "SetSecurityGroups", LoadBalancerArn=arn, SecurityGroups=list(new["SecurityGroups"]))
    if old.get("IpAddressType") != new.get("IpAddressType"):
        place.ask("elbv2", "SetIpAddressType", LoadBalancerArn=arn, IpAddressType=new.get("IpAddressType", "ipv4"))
    _attributes(place, "LoadBalancer", arn, new)
    return _balancer(place.ask("elbv2", "DescribeLoadBalancers", LoadBalancerArns=[arn])["LoadBalancers"][0])


def _read_balancer(place: HandlerContext, arn: str, given: Properties) -> dict[str, Any]:
    found = place.ask("elbv2", "DescribeLoadBalancers", LoadBalancerArns=[arn])["LoadBalancers"][0]
    subnets = [zone["SubnetId"] for zone in found["AvailabilityZones"]]
    return {
        **found,
        "Name": found["LoadBalancerName"],
        "Subnets": subnets,
        "SubnetMappings": [m for m in given.get("SubnetMappings") or [] if m["SubnetId"] in subnets],
        "LoadBalancerAttributes": _kept_attributes(place, "LoadBalancer", arn),
        "Tags": _kept_tags(place, arn),
    }


def _kept_attributes(place: HandlerContext, kind: str, arn: str) -> list[dict[str, str]]:
    return list(place.ask("elbv2", f"Describe{kind}Attributes", **{f"{kind}Arn": arn})["Attributes"])


def _kept_tags(place: HandlerContext, arn: str) -> list[dict[str, str]]:
    return list(place.ask("elbv2", "DescribeTags", ResourceArns=[arn])["TagDescriptions"][0]["Tags"])


def _update_group(place: HandlerContext, arn: str, _old: Properties, new: Properties) -> CreatedResource:
    members = protocol.model_of("elbv2").operation_model("ModifyTargetGroup").input_shape.members
    changed = {key: value for key, value in new.items() if key in members}
    place.call("elbv2", "ModifyTargetGroup", {"TargetGroupArn": arn, **changed})
    _attributes(place, "TargetGroup", arn, new)
    return _group(place.ask("elbv2", "DescribeTargetGroups", TargetGroupArns=[arn])["TargetGroups"][0])


def _read_group(place: HandlerContext, arn: str, given: Properties) -> dict[str, Any]:
    found = place.ask("elbv2", "DescribeTargetGroups", TargetGroupArns=[arn])["TargetGroups"][0]
    return {
        **found,
        "Name": found["TargetGroupName"],
        "TargetGroupAttributes": _kept_attributes(place, "TargetGroup", arn),
        "Targets": _kept_targets(place, arn) if given.get("Targets") else [],
        "Tags": _kept_tags(place, arn),
    }


def _kept_targets(place: HandlerContext, arn: str) -> list[dict[str, Any]]:
    health = place.ask("elbv2", "DescribeTargetHealth", TargetGroupArn=arn)["TargetHealthDescriptions"]
    return [description["Target"] for description in health]


def _update_listener(place: HandlerContext, arn: str, _old: Properties, new: Properties) -> CreatedResource:
    plain = {key: value for key, value in new.items() if key not in {"ListenerAttributes", "LoadBalancerArn"}}
    place.call("elbv2", "ModifyListener", {"ListenerArn": arn, **plain})
    _attributes(place, "Listener", arn, new)
    return CreatedResource(arn, {"ListenerArn": arn})


def _read_listener(place: HandlerContext, arn: str, given: Properties) -> dict[str, Any]:
    found = place.ask("elbv2", "DescribeListeners", ListenerArns=[arn])["Listeners"][0]
    kept = _kept_attributes(place, "Listener", arn) if given.get("ListenerAttributes") else []
    return {**found, "ListenerAttributes": kept}


def _update_rule(place: HandlerContext, arn: str, old: Properties, new: Properties) -> CreatedResource:
    place.call("elbv2", "ModifyRule", {"RuleArn": arn, **{k: new[k] for k in ("Actions", "Conditions") if k in new}})
    if old.get("Priority") != new.get("Priority"):
        pairs = [{"RuleArn": arn, "Priority": int(new["Priority"])}]
        place.ask("elbv2", "SetRulePriorities", RulePriorities=pairs)
    return CreatedResource(arn, {"RuleArn": arn, "IsDefault": False})


def _read_rule(place: HandlerContext, arn: str, given: Properties) -> dict[str, Any]:
    found = place.ask("elbv2", "DescribeRules", RuleArns=[arn])["Rules"][0]
    return {**found, "ListenerArn": given["ListenerArn"] if found else None}


def _add_certificates(place: HandlerContext, given: Properties) -> CreatedResource:
    place.call("elbv2", "AddListenerCertificates", given)
    return CreatedResource(place.name())


def _remove_certificates(place: HandlerContext, _id: str, given: Properties) -> None:
    asked = {"ListenerArn": given["ListenerArn"], "Certificates": [dict(c) for c in given["Certificates"]]}
    place.ask("elbv2", "RemoveListenerCertificates", **asked)


def _read_certificates(place: HandlerContext, _id: str, given: Properties) -> dict[str, Any]:
    listener = given["ListenerArn"]
    found = place.ask("elbv2", "DescribeListenerCertificates", ListenerArn=listener)["Certificates"]
    return {"ListenerArn": listener, "Certificates": found}


_PREFIX = "AWS::ElasticLoadBalancingV2::"
TYPES: dict[str, Any] = {
    f"{_PREFIX}LoadBalancer": Handler(_create_balancer, _delete_balancer, _update_balancer, _read_balancer),
    f"{_PREFIX}TargetGroup": Handler(_create_group, _delete_group, _update_group, _read_group),
    f"{_PREFIX}Listener": Handler(_create_listener, _delete_listener, _update_listener, _read_listener),
    f"{_PREFIX}ListenerRule": Handler(_create_rule, _delete_rule, _update_rule, _read_rule),
    f"{_PREFIX}ListenerCertificate": Handler(_add_certificates, _remove_certificates, None, _read_certificates),
}
