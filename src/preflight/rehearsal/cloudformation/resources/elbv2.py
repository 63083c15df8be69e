"""Elastic Load Balancing, version 2."""

from __future__ import annotations

from preflight.rehearsal import protocol
from preflight.rehearsal.cloudformation.resources import shifted_actions
from preflight.rehearsal.cloudformation.resources.context import HandlerContext, Properties, Response, only, without
from preflight.rehearsal.cloudformation.resources.declarative import deleter
from preflight.rehearsal.cloudformation.resources.handler import CreatedResource, Handler

MAX_NAME = 32


def _attributes(context: HandlerContext, kind: str, arn: str, properties: Properties) -> None:
    """Sets the attributes of a `LoadBalancer`, a `TargetGroup` or a `Listener`."""
    name = f"{kind}Attributes"
    pairs = [{"Key": pair["Key"], "Value": str(pair["Value"])} for pair in properties.get(name) or [] if _is_complete(pair)]
    if pairs:
        context.call("elbv2", f"Modify{name}", **{f"{kind}Arn": arn, "Attributes": pairs})
        context.record(name, "stored")
    if not all(_is_complete(pair) for pair in properties.get(name) or []):
        context.record(name, "ignored", "an attribute has no Key or no Value; AWS requires neither, and does not say what it makes of that")


def _is_complete(pair: Properties) -> bool:
    return pair.keys() >= {"Key", "Value"}


def _create_balancer(context: HandlerContext, properties: Properties) -> CreatedResource:
    members = without(properties, "LoadBalancerAttributes")
    name = context.generate_name(max_length=MAX_NAME).removeprefix("internal-")  # no name may begin with it
    request = {"Name": name, **members, "Tags": context.all_tags(properties.get("Tags"))}
    if not request["Tags"]:
        del request["Tags"]
    load_balancer = context.submit("elbv2", "CreateLoadBalancer", request)["LoadBalancers"][0]
    arn = load_balancer["LoadBalancerArn"]
    context.identify(arn)
    _attributes(context, "LoadBalancer", arn, properties)
    return _balancer(load_balancer)


def _balancer(load_balancer: Response) -> CreatedResource:
    arn = load_balancer["LoadBalancerArn"]
    return CreatedResource(
        arn,
        {
            "LoadBalancerArn": arn,
            "DNSName": load_balancer["DNSName"],
            "CanonicalHostedZoneID": load_balancer.get("CanonicalHostedZoneId", "Z14GRHDCWA56QT"),
            "LoadBalancerName": load_balancer["LoadBalancerName"],
            "LoadBalancerFullName": arn.partition(":loadbalancer/")[2],
            "SecurityGroups": load_balancer.get("SecurityGroups", []),
        },
    )


def _create_group(context: HandlerContext, properties: Properties) -> CreatedResource:
    others = {"TargetGroupAttributes", "Targets"}
    members = {key: value for key, value in properties.items() if key not in others}
    tags = context.all_tags(properties.get("Tags"))
    request = {"Name": context.generate_name(max_length=MAX_NAME), **members, **({"Tags": tags} if tags else {})}
    target_group = context.submit("elbv2", "CreateTargetGroup", request)["TargetGroups"][0]
    arn = target_group["TargetGroupArn"]
    context.identify(arn)
    _attributes(context, "TargetGroup", arn, properties)
    if properties.get("Targets"):
        context.submit("elbv2", "RegisterTargets", {"TargetGroupArn": arn, "Targets": properties["Targets"]})
    return _group(target_group)


def _group(target_group: Response) -> CreatedResource:
    arn = target_group["TargetGroupArn"]
    return CreatedResource(
        arn,
        {
            "TargetGroupArn": arn,
            "TargetGroupName": target_group["TargetGroupName"],
            "TargetGroupFullName": arn.rpartition(":")[2],
            "LoadBalancerArns": target_group.get("LoadBalancerArns", []),
        },
    )


def _create_listener(context: HandlerContext, properties: Properties) -> CreatedResource:
    members = without(properties, "ListenerAttributes")
    arn = context.submit("elbv2", "CreateListener", members)["Listeners"][0]["ListenerArn"]
    context.identify(arn)
    _attributes(context, "Listener", arn, properties)
    return CreatedResource(arn, {"ListenerArn": arn})


def _create_rule(context: HandlerContext, properties: Properties) -> CreatedResource:
    rule = context.submit("elbv2", "CreateRule", properties)["Rules"][0]
    return CreatedResource(rule["RuleArn"], {"RuleArn": rule["RuleArn"], "IsDefault": False})


def _update_balancer(context: HandlerContext, arn: str, old: Properties, new: Properties) -> CreatedResource:
    if old.get("Subnets") != new.get("Subnets") and new.get("Subnets"):
        context.call("elbv2", "SetSubnets", LoadBalancerArn=arn, Subnets=list(new["Subnets"]))
    if old.get("SecurityGroups") != new.get("SecurityGroups") and new.get("SecurityGroups"):
        context.call("elbv2", "SetSecurityGroups", LoadBalancerArn=arn, SecurityGroups=list(new["SecurityGroups"]))
    if old.get("IpAddressType") != new.get("IpAddressType"):
        context.call("elbv2", "SetIpAddressType", LoadBalancerArn=arn, IpAddressType=new.get("IpAddressType", "ipv4"))
    _change_attributes(context, "LoadBalancer", arn, old, new)
    return _balancer(context.call("elbv2", "DescribeLoadBalancers", LoadBalancerArns=[arn])["LoadBalancers"][0])


def _read_balancer(context: HandlerContext, arn: str, properties: Properties) -> Response:
    load_balancer = context.call("elbv2", "DescribeLoadBalancers", LoadBalancerArns=[arn])["LoadBalancers"][0]
    subnets = [zone["SubnetId"] for zone in load_balancer["AvailabilityZones"]]
    return {
        **load_balancer,
        "Name": load_balancer["LoadBalancerName"],
        "Subnets": subnets,
        "SubnetMappings": [m for m in properties.get("SubnetMappings") or [] if m["SubnetId"] in subnets],
        "LoadBalancerAttributes": _described_attributes(context, "LoadBalancer", arn),
        "Tags": _described_tags(context, arn),
    }


def _described_attributes(context: HandlerContext, kind: str, arn: str) -> list[dict[str, str]]:
    return list(context.call("elbv2", f"Describe{kind}Attributes", **{f"{kind}Arn": arn})["Attributes"])


def _described_tags(context: HandlerContext, arn: str) -> list[dict[str, str]]:
    return list(context.call("elbv2", "DescribeTags", ResourceArns=[arn])["TagDescriptions"][0]["Tags"])


# What a property or attribute goes back to when a template no longer sets it:
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-elasticloadbalancingv2-targetgroup.html.
_DEFAULTS = {
    "HealthCheckIntervalSeconds": 30,
    "HealthCheckPath": "/",
    "HealthCheckPort": "traffic-port",
    "HealthCheckTimeoutSeconds": 5,
    "HealthyThresholdCount": 5,
    "Matcher": {"HttpCode": "200"},
    "UnhealthyThresholdCount": 2,
}
_ATTRIBUTE_DEFAULTS = {
    "access_logs.s3.enabled": "false",
    "deletion_protection.enabled": "false",
    "idle_timeout.timeout_seconds": "60",
    "routing.http.drop_invalid_header_fields.enabled": "false",
    "routing.http2.enabled": "true",
    "deregistration_delay.timeout_seconds": "300",
    "load_balancing.algorithm.type": "round_robin",
    "slow_start.duration_seconds": "0",
    "stickiness.enabled": "false",
}


def _change_attributes(context: HandlerContext, kind: str, arn: str, old: Properties, new: Properties) -> None:
    """Sets attributes, and sets those back that the template no longer has."""
    name = f"{kind}Attributes"
    kept, former = ({pair.get("Key") for pair in properties.get(name) or []} for properties in (new, old))
    reset = [{"Key": key, "Value": _ATTRIBUTE_DEFAULTS[key]} for key in _ATTRIBUTE_DEFAULTS if key in former - kept]
    _attributes(context, kind, arn, {name: [*reset, *(new.get(name) or [])]})


def _update_group(context: HandlerContext, arn: str, old: Properties, new: Properties) -> CreatedResource:
    members = protocol.model_of("elbv2").operation_model("ModifyTargetGroup").input_shape.members
    removed = {key: _DEFAULTS[key] for key in _DEFAULTS.keys() & old.keys() - new.keys()}
    changed = {key: value for key, value in new.items() if key in members}
    context.submit("elbv2", "ModifyTargetGroup", {"TargetGroupArn": arn, **removed, **changed}, recorded=changed)
    _change_attributes(context, "TargetGroup", arn, old, new)
    return _group(context.call("elbv2", "DescribeTargetGroups", TargetGroupArns=[arn])["TargetGroups"][0])


def _read_group(context: HandlerContext, arn: str, properties: Properties) -> Response:
    target_group = context.call("elbv2", "DescribeTargetGroups", TargetGroupArns=[arn])["TargetGroups"][0]
    return {
        **target_group,
        "Name": target_group["TargetGroupName"],
        "TargetGroupAttributes": _described_attributes(context, "TargetGroup", arn),
        "Targets": _described_targets(context, arn) if properties.get("Targets") else [],
        "Tags": _described_tags(context, arn),
    }


def _described_targets(context: HandlerContext, arn: str) -> list[Response]:
    health = context.call("elbv2", "DescribeTargetHealth", TargetGroupArn=arn)["TargetHealthDescriptions"]
    return [description["Target"] for description in health]


def _update_listener(context: HandlerContext, arn: str, old: Properties, new: Properties) -> CreatedResource:
    members = without(shifted_actions.unless_kept(context, arn, "DefaultActions", old, new), "ListenerAttributes", "LoadBalancerArn")
    context.submit("elbv2", "ModifyListener", {"ListenerArn": arn, **members})
    _attributes(context, "Listener", arn, new)
    return CreatedResource(arn, {"ListenerArn": arn})


def _read_listener(context: HandlerContext, arn: str, properties: Properties) -> Response:
    listener = context.call("elbv2", "DescribeListeners", ListenerArns=[arn])["Listeners"][0]
    attributes = _described_attributes(context, "Listener", arn) if properties.get("ListenerAttributes") else []
    actions = shifted_actions.as_declared(context, arn, properties.get("DefaultActions"), listener.get("DefaultActions"))
    return {**listener, "DefaultActions": actions, "ListenerAttributes": attributes}


def _update_rule(context: HandlerContext, arn: str, old: Properties, new: Properties) -> CreatedResource:
    changed = shifted_actions.unless_kept(context, arn, "Actions", old, new)
    context.submit("elbv2", "ModifyRule", {"RuleArn": arn, **only(changed, "Actions", "Conditions")})
    current = context.call("elbv2", "DescribeRules", RuleArns=[arn])["Rules"][0]["Priority"]
    if str(current) != str(new["Priority"]):  # what a failed update did not change is in the way of nothing
        pairs = [{"RuleArn": arn, "Priority": int(new["Priority"])}]
        context.call("elbv2", "SetRulePriorities", RulePriorities=pairs)
    return CreatedResource(arn, {"RuleArn": arn, "IsDefault": False})


def _read_rule(context: HandlerContext, arn: str, properties: Properties) -> Response:
    rule = context.call("elbv2", "DescribeRules", RuleArns=[arn])["Rules"][0]
    actions = shifted_actions.as_declared(context, arn, properties.get("Actions"), rule.get("Actions"))
    return {**rule, "Actions": actions, "ListenerArn": properties["ListenerArn"] if rule else None}


def _add_certificates(context: HandlerContext, properties: Properties) -> CreatedResource:
    context.submit("elbv2", "AddListenerCertificates", properties)
    return CreatedResource(context.generate_name())


def _remove_certificates(context: HandlerContext, _id: str, properties: Properties) -> None:
    request = {"ListenerArn": properties["ListenerArn"], "Certificates": [dict(c) for c in properties["Certificates"]]}
    context.call("elbv2", "RemoveListenerCertificates", **request)


def _update_certificates(context: HandlerContext, name: str, old: Properties, new: Properties) -> CreatedResource:
    _add_certificates(context, new)
    removed = [certificate for certificate in old["Certificates"] if certificate not in new["Certificates"]]
    if removed:
        _remove_certificates(context, name, {**old, "Certificates": removed})
    return CreatedResource(name)


def _read_certificates(context: HandlerContext, _id: str, properties: Properties) -> Response:
    listener = properties["ListenerArn"]
    certificates = context.call("elbv2", "DescribeListenerCertificates", ListenerArn=listener)["Certificates"]
    return {"ListenerArn": listener, "Certificates": certificates}


_PREFIX = "AWS::ElasticLoadBalancingV2::"
TYPES: Response = {
    f"{_PREFIX}LoadBalancer": Handler(
        _create_balancer, deleter("elbv2", "DeleteLoadBalancer", "LoadBalancerArn"), _update_balancer, _read_balancer
    ),
    f"{_PREFIX}TargetGroup": Handler(
        _create_group, deleter("elbv2", "DeleteTargetGroup", "TargetGroupArn"), _update_group, _read_group
    ),
    f"{_PREFIX}Listener": Handler(
        _create_listener, deleter("elbv2", "DeleteListener", "ListenerArn"), _update_listener, _read_listener
    ),
    f"{_PREFIX}ListenerRule": Handler(
        _create_rule, deleter("elbv2", "DeleteRule", "RuleArn"), _update_rule, _read_rule
    ),
    f"{_PREFIX}ListenerCertificate": Handler(
        _add_certificates, _remove_certificates, _update_certificates, _read_certificates
    ),
}
