"""Elastic Load Balancing, version 2."""

from __future__ import annotations

from preflight.rehearsal import protocol
from preflight.rehearsal.cloudformation.resources.context import HandlerContext, Properties, Response, without
from preflight.rehearsal.cloudformation.resources.handler import CreatedResource, Handler

MAX_NAME = 32


def _attributes(context: HandlerContext, kind: str, arn: str, properties: Properties) -> None:
    """Set the attributes of a `LoadBalancer`, a `TargetGroup` or a `Listener`."""
    name = f"{kind}Attributes"
    if properties.get(name):
        pairs = [{"Key": pair["Key"], "Value": str(pair["Value"])} for pair in properties[name]]
        context.call("elbv2", f"Modify{name}", **{f"{kind}Arn": arn, "Attributes": pairs})
        context.record(name, "stored")


def _create_balancer(context: HandlerContext, properties: Properties) -> CreatedResource:
    plain = without(properties, "LoadBalancerAttributes")
    name = context.generate_name(max_length=MAX_NAME).removeprefix("internal-")  # which no name may begin with
    request = {"Name": name, **plain, "Tags": context.all_tags(properties.get("Tags"))}
    if not request["Tags"]:
        del request["Tags"]
    made = context.submit("elbv2", "CreateLoadBalancer", request)["LoadBalancers"][0]
    arn = made["LoadBalancerArn"]
    context.identify(arn)
    _attributes(context, "LoadBalancer", arn, properties)
    return _balancer(made)


def _balancer(made: Response) -> CreatedResource:
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


def _delete_balancer(context: HandlerContext, arn: str, _properties: Properties) -> None:
    context.call("elbv2", "DeleteLoadBalancer", LoadBalancerArn=arn)


def _create_group(context: HandlerContext, properties: Properties) -> CreatedResource:
    apart = {"TargetGroupAttributes", "Targets"}
    plain = {key: value for key, value in properties.items() if key not in apart}
    tags = context.all_tags(properties.get("Tags"))
    request = {"Name": context.generate_name(max_length=MAX_NAME), **plain, **({"Tags": tags} if tags else {})}
    made = context.submit("elbv2", "CreateTargetGroup", request)["TargetGroups"][0]
    arn = made["TargetGroupArn"]
    context.identify(arn)
    _attributes(context, "TargetGroup", arn, properties)
    if properties.get("Targets"):
        context.submit("elbv2", "RegisterTargets", {"TargetGroupArn": arn, "Targets": properties["Targets"]})
    return _group(made)


def _group(made: Response) -> CreatedResource:
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


def _delete_group(context: HandlerContext, arn: str, _properties: Properties) -> None:
    context.call("elbv2", "DeleteTargetGroup", TargetGroupArn=arn)


def _create_listener(context: HandlerContext, properties: Properties) -> CreatedResource:
    plain = without(properties, "ListenerAttributes")
    made = context.submit("elbv2", "CreateListener", plain)["Listeners"][0]["ListenerArn"]
    context.identify(made)
    _attributes(context, "Listener", made, properties)
    return CreatedResource(made, {"ListenerArn": made})


def _delete_listener(context: HandlerContext, arn: str, _properties: Properties) -> None:
    context.call("elbv2", "DeleteListener", ListenerArn=arn)


def _create_rule(context: HandlerContext, properties: Properties) -> CreatedResource:
    made = context.submit("elbv2", "CreateRule", properties)["Rules"][0]
    return CreatedResource(made["RuleArn"], {"RuleArn": made["RuleArn"], "IsDefault": False})


def _delete_rule(context: HandlerContext, arn: str, _properties: Properties) -> None:
    context.call("elbv2", "DeleteRule", RuleArn=arn)


def _update_balancer(context: HandlerContext, arn: str, old: Properties, new: Properties) -> CreatedResource:
    if old.get("Subnets") != new.get("Subnets") and new.get("Subnets"):
        context.call("elbv2", "SetSubnets", LoadBalancerArn=arn, Subnets=list(new["Subnets"]))
    if old.get("SecurityGroups") != new.get("SecurityGroups") and new.get("SecurityGroups"):
        context.call("elbv2", "SetSecurityGroups", LoadBalancerArn=arn, SecurityGroups=list(new["SecurityGroups"]))
    if old.get("IpAddressType") != new.get("IpAddressType"):
        context.call("elbv2", "SetIpAddressType", LoadBalancerArn=arn, IpAddressType=new.get("IpAddressType", "ipv4"))
    _attributes(context, "LoadBalancer", arn, new)
    return _balancer(context.call("elbv2", "DescribeLoadBalancers", LoadBalancerArns=[arn])["LoadBalancers"][0])


def _read_balancer(context: HandlerContext, arn: str, properties: Properties) -> Response:
    found = context.call("elbv2", "DescribeLoadBalancers", LoadBalancerArns=[arn])["LoadBalancers"][0]
    subnets = [zone["SubnetId"] for zone in found["AvailabilityZones"]]
    return {
        **found,
        "Name": found["LoadBalancerName"],
        "Subnets": subnets,
        "SubnetMappings": [m for m in properties.get("SubnetMappings") or [] if m["SubnetId"] in subnets],
        "LoadBalancerAttributes": _kept_attributes(context, "LoadBalancer", arn),
        "Tags": _kept_tags(context, arn),
    }


def _kept_attributes(context: HandlerContext, kind: str, arn: str) -> list[dict[str, str]]:
    return list(context.call("elbv2", f"Describe{kind}Attributes", **{f"{kind}Arn": arn})["Attributes"])


def _kept_tags(context: HandlerContext, arn: str) -> list[dict[str, str]]:
    return list(context.call("elbv2", "DescribeTags", ResourceArns=[arn])["TagDescriptions"][0]["Tags"])


def _update_group(context: HandlerContext, arn: str, _old: Properties, new: Properties) -> CreatedResource:
    members = protocol.model_of("elbv2").operation_model("ModifyTargetGroup").input_shape.members
    changed = {key: value for key, value in new.items() if key in members}
    context.submit("elbv2", "ModifyTargetGroup", {"TargetGroupArn": arn, **changed})
    _attributes(context, "TargetGroup", arn, new)
    return _group(context.call("elbv2", "DescribeTargetGroups", TargetGroupArns=[arn])["TargetGroups"][0])


def _read_group(context: HandlerContext, arn: str, properties: Properties) -> Response:
    found = context.call("elbv2", "DescribeTargetGroups", TargetGroupArns=[arn])["TargetGroups"][0]
    return {
        **found,
        "Name": found["TargetGroupName"],
        "TargetGroupAttributes": _kept_attributes(context, "TargetGroup", arn),
        "Targets": _kept_targets(context, arn) if properties.get("Targets") else [],
        "Tags": _kept_tags(context, arn),
    }


def _kept_targets(context: HandlerContext, arn: str) -> list[Response]:
    health = context.call("elbv2", "DescribeTargetHealth", TargetGroupArn=arn)["TargetHealthDescriptions"]
    return [description["Target"] for description in health]


def _update_listener(context: HandlerContext, arn: str, _old: Properties, new: Properties) -> CreatedResource:
    plain = without(new, "ListenerAttributes", "LoadBalancerArn")
    context.submit("elbv2", "ModifyListener", {"ListenerArn": arn, **plain})
    _attributes(context, "Listener", arn, new)
    return CreatedResource(arn, {"ListenerArn": arn})


def _read_listener(context: HandlerContext, arn: str, properties: Properties) -> Response:
    found = context.call("elbv2", "DescribeListeners", ListenerArns=[arn])["Listeners"][0]
    kept = _kept_attributes(context, "Listener", arn) if properties.get("ListenerAttributes") else []
    return {**found, "ListenerAttributes": kept}


def _update_rule(context: HandlerContext, arn: str, old: Properties, new: Properties) -> CreatedResource:
    context.submit(
        "elbv2", "ModifyRule", {"RuleArn": arn, **{k: new[k] for k in ("Actions", "Conditions") if k in new}}
    )
    if old.get("Priority") != new.get("Priority"):
        pairs = [{"RuleArn": arn, "Priority": int(new["Priority"])}]
        context.call("elbv2", "SetRulePriorities", RulePriorities=pairs)
    return CreatedResource(arn, {"RuleArn": arn, "IsDefault": False})


def _read_rule(context: HandlerContext, arn: str, properties: Properties) -> Response:
    found = context.call("elbv2", "DescribeRules", RuleArns=[arn])["Rules"][0]
    return {**found, "ListenerArn": properties["ListenerArn"] if found else None}


def _add_certificates(context: HandlerContext, properties: Properties) -> CreatedResource:
    context.submit("elbv2", "AddListenerCertificates", properties)
    return CreatedResource(context.generate_name())


def _remove_certificates(context: HandlerContext, _id: str, properties: Properties) -> None:
    request = {"ListenerArn": properties["ListenerArn"], "Certificates": [dict(c) for c in properties["Certificates"]]}
    context.call("elbv2", "RemoveListenerCertificates", **request)


def _read_certificates(context: HandlerContext, _id: str, properties: Properties) -> Response:
    listener = properties["ListenerArn"]
    found = context.call("elbv2", "DescribeListenerCertificates", ListenerArn=listener)["Certificates"]
    return {"ListenerArn": listener, "Certificates": found}


_PREFIX = "AWS::ElasticLoadBalancingV2::"
TYPES: Response = {
    f"{_PREFIX}LoadBalancer": Handler(_create_balancer, _delete_balancer, _update_balancer, _read_balancer),
    f"{_PREFIX}TargetGroup": Handler(_create_group, _delete_group, _update_group, _read_group),
    f"{_PREFIX}Listener": Handler(_create_listener, _delete_listener, _update_listener, _read_listener),
    f"{_PREFIX}ListenerRule": Handler(_create_rule, _delete_rule, _update_rule, _read_rule),
    f"{_PREFIX}ListenerCertificate": Handler(_add_certificates, _remove_certificates, None, _read_certificates),
}
