"""Elastic Load Balancing.

Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_awselasticloadbalancingv2.html.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from preflight.rehearsal.iam.actions.request import (
    ApiRequest,
    Permissions,
    Resources,
    for_resources,
    with_request_tags,
    with_tag_changes,
)

TAG, KEY = "elasticloadbalancing:AddTags", "elasticloadbalancing:CreateAction"
_SHORT: Mapping[str, str] = {"application": "app", "network": "net", "gateway": "gwy"}


def _balancer(request: ApiRequest) -> Iterator[str]:
    kind = _SHORT.get(str(request.get("type") or "application"), "app")
    yield request.arn(f"loadbalancer/{kind}/{request.get('name')}/*")


def _group(request: ApiRequest) -> Iterator[str]:
    yield request.arn(f"targetgroup/{request.get('name')}/*")


def _by(member: str) -> Resources:
    return lambda request: request.texts(member)


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
_CREATED: Mapping[str, Resources] = {
    "CreateLoadBalancer": _balancer,
    "CreateTargetGroup": _group,
    "CreateListener": _by("loadBalancerArn"),
    "CreateRule": _by("listenerArn"),
}


def of(name: str) -> Permissions | None:
    """Returns the permissions an operation needs, or None if its resources are unknown."""
    if name in _CREATED:
        return with_request_tags(for_resources(_CREATED[name]), tagging=TAG, create_key=KEY)
    if name in _CHANGED:
        return for_resources(_by(_CHANGED[name]))
    if name in {"AddTags", "RemoveTags"}:
        return with_tag_changes(for_resources(_by("resourceArns")))
    return for_resources() if name.startswith("Describe") else None
