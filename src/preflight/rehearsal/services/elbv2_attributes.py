"""Whether a load balancer, a listener or a target group takes attributes: the tables, by what it is and already has.

https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_ModifyLoadBalancerAttributes.html,
API_ModifyTargetGroupAttributes.html; moto/elbv2/models.py looks at few of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from preflight.aws import constraints
from preflight.aws.constraints import Constraint
from preflight.aws.refusals import listener_attributes, load_balancer_attributes, target_group_attributes
from preflight.rehearsal.account import Account
from preflight.rehearsal.protocol import Call, Refusal

Pairs = Sequence[Mapping[str, str]]


def load_balancer(account: Account, call: Call) -> None:
    """Check the attributes that a request sets of a load balancer."""
    elb: Any = account.client("elbv2", call.region)
    arn = call.parameters["LoadBalancerArn"]
    described = elb.describe_load_balancers(LoadBalancerArns=[arn])["LoadBalancers"][0]
    stored = elb.describe_load_balancer_attributes(LoadBalancerArn=arn)["Attributes"]
    _check(load_balancer_attributes.ROWS, "LoadBalancerAttributes", described, stored, call)


def listener(account: Account, call: Call) -> None:
    """Check the attributes that a request sets of a listener."""
    elb: Any = account.client("elbv2", call.region)
    described = elb.describe_listeners(ListenerArns=[call.parameters["ListenerArn"]])["Listeners"][0]
    _check(listener_attributes.ROWS, "ListenerAttributes", described, (), call)


def target_group(account: Account, call: Call) -> None:
    """Check the attributes that a request sets of a target group."""
    elb: Any = account.client("elbv2", call.region)
    arn = call.parameters["TargetGroupArn"]
    described = elb.describe_target_groups(TargetGroupArns=[arn])["TargetGroups"][0]
    stored = elb.describe_target_group_attributes(TargetGroupArn=arn)["Attributes"]
    _check(target_group_attributes.ROWS, "TargetGroupAttributes", described, stored, call)


def _check(rows: Sequence[Constraint], name: str, described: Mapping[str, Any], stored: Pairs, call: Call) -> None:
    """Check what is set, beside those that are kept; moto keeps some that the resource cannot have."""
    pairs = call.parameters.get("Attributes") or []
    if not all(pair.keys() >= {"Key", "Value"} for pair in pairs):
        raise Refusal("ValidationError", "Each attribute must have a Key and a Value")
    keys = {pair["Key"] for pair in pairs}
    others = [pair for pair in stored if pair["Key"] not in keys and not _refused(rows, {**described, name: [pair]})]
    refused = _refused(rows, {**described, name: [*others, *pairs]})
    if refused is not None:
        raise Refusal(refused.constraint.code, refused.message)


def _refused(rows: Sequence[Constraint], properties: Mapping[str, Any]) -> constraints.Refused | None:
    return next(constraints.refused(rows, properties), None)
