"""Elastic Load Balancing.

Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_awselasticloadbalancingv2.html.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from preflight.rehearsal.iam.actions.request import ApiRequest, Ask, Where, creating, for_resources, tagging

TAG, KEY = "elasticloadbalancing:AddTags", "elasticloadbalancing:CreateAction"
_SHORT: Mapping[str, str] = {"application": "app", "network": "net", "gateway": "gwy"}


def _balancer(question: ApiRequest) -> Iterator[str]:
    kind = _SHORT.get(str(question.get("type") or "application"), "app")
    yield question.arn(f"loadbalancer/{kind}/{question.get('name')}/*")


def _group(question: ApiRequest) -> Iterator[str]:
    yield question.arn(f"targetgroup/{question.get('name')}/*")


def _by(member: str) -> Where:
    return lambda question: question.texts(member)


_CHANGED: Mapping[str, str] = {  # operation: the member that names what it changes
    "DeleteLoadBalancer": "loadBalancerArn",
    "ModifyLoadBalancerAttributes": "loadBalancerArn",
    "SetIpAddressType": "loadBalancerArn",
    "SetSecurityGroups": "loadBalancerArn",
    "SetSubnets": "loadBalancerArn",
    "DeleteTargetGroup": "targetGroupArn",
    "ModifyTargetGroup": "targetGroupArn",
    "ModifyTargetGroupAttributes": "targetGroupArn",
    "RegisterTargets": "targetGroupArn",
    "DeregisterTargets": "targetGroupArn",
    "DeleteListener": "listenerArn",
    "ModifyListener": "listenerArn",
    "ModifyListenerAttributes": "listenerArn",
    "AddListenerCertificates": "listenerArn",
    "RemoveListenerCertificates": "listenerArn",
    "DeleteRule": "ruleArn",
    "ModifyRule": "ruleArn",
}
_CREATED: Mapping[str, Where] = {
    "CreateLoadBalancer": _balancer,
    "CreateTargetGroup": _group,
    "CreateListener": _by("loadBalancerArn"),
    "CreateRule": _by("listenerArn"),
}


def of(name: str) -> Ask | None:
    """Returns the permissions an operation needs, or None if its resources are unknown."""
    if name in _CREATED:
        return creating(for_resources(_CREATED[name]), tagging=TAG, create_key=KEY)
    if name in _CHANGED:
        return for_resources(_by(_CHANGED[name]))
    if name in {"AddTags", "RemoveTags"}:
        return tagging(for_resources(_by("resourceArns")))
    return for_resources() if name.startswith("Describe") else None
