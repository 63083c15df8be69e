"""What Elastic Load Balancing refuses of listeners and rules by what their load balancer and target groups are.

moto/elbv2/models.py looks at protocols and types of actions alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import moto.backends

from preflight.aws.refusals import listener_actions
from preflight.rehearsal.account import Account
from preflight.rehearsal.protocol import Call, Refusal
from preflight.rehearsal.services import elbv2_mutual_authentication

Action = Mapping[str, Any]
Described = Mapping[str, Any]
# The protocols of target groups by that of their listener; a listener of a gateway load balancer has none.
# https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-target-groups.html
_COMPATIBLE: Mapping[str | None, frozenset[str]] = {
    None: frozenset({"GENEVE"}),
    "HTTP": frozenset({"HTTP", "HTTPS"}),
    "HTTPS": frozenset({"HTTP", "HTTPS"}),
    "TCP": frozenset({"TCP", "TCP_UDP"}),
    "TLS": frozenset({"TCP", "TLS"}),
    "UDP": frozenset({"UDP", "TCP_UDP"}),
    "TCP_UDP": frozenset({"TCP_UDP"}),
    "QUIC": frozenset({"QUIC", "TCP_QUIC"}),
    "TCP_QUIC": frozenset({"TCP_QUIC"}),
}

_UDP, _QUIC = ("UDP", "TCP_UDP"), ("QUIC", "TCP_QUIC")
_PROTOCOLS = {"application": ("HTTP", "HTTPS"), "network": ("TCP", "TLS", "UDP", "TCP_UDP", "QUIC", "TCP_QUIC")}


def create_listener(account: Account, call: Call) -> None:
    """Check a new listener: https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateListener.html."""
    elb: Any = account.client("elbv2", call.region)
    balancer = _balancer(elb, call.parameters["LoadBalancerArn"])
    _check_listener(account, call, balancer, {"ListenerArn": "", **call.parameters})


def modify_listener(account: Account, call: Call) -> None:
    """Check a changed listener: https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_ModifyListener.html."""
    elb: Any = account.client("elbv2", call.region)
    listener = _listener(elb, call.parameters["ListenerArn"])
    properties = {"Port": listener.get("Port"), "Protocol": listener.get("Protocol"), **call.parameters}
    _check_listener(account, call, _balancer(elb, listener["LoadBalancerArn"]), properties)


def create_rule(account: Account, call: Call) -> None:
    """Check a new rule: https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateRule.html."""
    _check_rule(account, call, call.parameters["ListenerArn"])


def modify_rule(account: Account, call: Call) -> None:
    """Check a changed rule: https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_ModifyRule.html."""
    _check_rule(account, call, call.parameters["RuleArn"].replace(":listener-rule/", ":listener/").rpartition("/")[0])


def add_certificates(account: Account, call: Call) -> None:
    """Check further certificates of a listener.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_AddListenerCertificates.html.
    """
    elb: Any = account.client("elbv2", call.region)
    protocol = _listener(elb, call.parameters["ListenerArn"]).get("Protocol")
    if protocol not in {"HTTPS", "TLS"}:
        raise Refusal("ValidationError", f"A certificate cannot be specified for {protocol} listeners")
    _check_certificates(call)


def _balancer(elb: Any, arn: str) -> Described:
    balancer: Described = elb.describe_load_balancers(LoadBalancerArns=[arn])["LoadBalancers"][0]
    return balancer


def _listener(elb: Any, arn: str) -> Described:
    listener: Described = elb.describe_listeners(ListenerArns=[arn])["Listeners"][0]
    return listener


def _check_listener(account: Account, call: Call, balancer: Described, properties: Described) -> None:
    elb: Any = account.client("elbv2", call.region)
    arn = balancer["LoadBalancerArn"]
    _check_protocol(balancer["Type"], properties)
    others = [
        x for x in elb.describe_listeners(LoadBalancerArn=arn)["Listeners"] if x["ListenerArn"] != properties["ListenerArn"]
    ]
    if properties.get("Port") and any(str(other.get("Port")) == str(properties["Port"]) for other in others):
        raise Refusal("DuplicateListener", f"A listener already exists on this port for this load balancer '{arn}'")
    _check_certificates(call)
    _check_datagrams(balancer, properties.get("Protocol"), [str(other.get("Protocol")) for other in others])
    elbv2_mutual_authentication.check(account, call, arn, properties.get("Port"), others)
    _check_actions(account, call, balancer, properties.get("Protocol"), properties.get("DefaultActions") or [])


def _check_datagrams(balancer: Described, protocol: str | None, others: Sequence[str]) -> None:
    """A load balancer has one listener of QUIC, none of UDP beside it, no IPv6 addresses, and no security groups.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/network/create-listener.html.
    """
    if protocol in _QUIC and (balancer.get("IpAddressType") == "dualstack" or balancer.get("SecurityGroups")):
        msg = f"{protocol} listeners are not allowed on dualstack load balancers or load balancers with security groups"
        raise Refusal("InvalidConfigurationRequest", msg)
    if (protocol in _QUIC and {*_QUIC, *_UDP} & {*others}) or (protocol in _UDP and {*_QUIC} & {*others}):
        msg = "A load balancer can have only one QUIC or TCP_QUIC listener, and no UDP or TCP_UDP listener beside it"
        raise Refusal("InvalidConfigurationRequest", msg)


def _check_protocol(kind: str, properties: Described) -> None:
    """A listener has a port and a protocol of its load balancer's type; one of a gateway load balancer has neither."""
    allowed = _PROTOCOLS.get(kind)
    for name in ("port", "protocol"):
        if not allowed and properties.get(name.title()):
            raise Refusal("ValidationError", f"A {name} cannot be specified for gateway listeners")
        if allowed and not properties.get(name.title()):
            raise Refusal("ValidationError", f"A listener {name} must be specified")
    if allowed and properties["Protocol"] not in allowed:
        msg = f"Listener protocol '{properties['Protocol']}' must be one of '{', '.join(allowed)}'"
        raise Refusal("ValidationError", msg)


def _check_rule(account: Account, call: Call, listener_arn: str) -> None:
    elb: Any = account.client("elbv2", call.region)
    listener = _listener(elb, listener_arn)
    balancer = _balancer(elb, listener["LoadBalancerArn"])
    _check_actions(account, call, balancer, listener.get("Protocol"), call.parameters.get("Actions") or [])


def _check_certificates(call: Call) -> None:
    """A certificate of ACM is in the region of the load balancer."""
    for certificate in call.parameters.get("Certificates") or []:
        arn = str(certificate.get("CertificateArn"))
        if arn.split(":")[2:3] == ["acm"] and call.is_of_other_region(arn):
            raise Refusal("CertificateNotFound", f"Certificate '{arn}' not found")


def _check_actions(
    account: Account, call: Call, balancer: Described, protocol: str | None, actions: Sequence[Action]
) -> None:
    kind = balancer["Type"]
    for action in actions:
        if kind != "application" and action["Type"] != "forward":
            msg = f"Actions of type '{action['Type']}' are not supported on load balancers with type '{kind}'"
            raise Refusal("InvalidLoadBalancerAction", msg)
        if action["Type"] in listener_actions.AUTHENTICATIONS and protocol != "HTTPS":
            raise Refusal(
                "InvalidLoadBalancerAction",
                f"Actions of type '{action['Type']}' are supported only for HTTPS listeners",
            )
        _check_user_pool(call, action)
        if protocol == "HTTPS" and (action.get("RedirectConfig") or {}).get("Protocol") == "HTTP":
            raise Refusal("InvalidLoadBalancerAction", "You cannot redirect from HTTPS to HTTP")
        arns = list(_forwarded(action))
        groups = (
            account.client("elbv2", call.region).describe_target_groups(TargetGroupArns=arns)["TargetGroups"]
            if arns
            else []
        )
        for group in groups:
            _check_group(group, balancer, protocol)
            _check_association(account, call.region, group["TargetGroupArn"], balancer["LoadBalancerArn"])
        if len(groups) > 1:
            _check_groups(account, call.region, action, groups)


def _check_user_pool(call: Call, action: Action) -> None:
    """Users log in with a user pool of the load balancer's region.

    https://github.com/kubernetes-sigs/aws-load-balancer-controller/issues/1057.
    """
    arn = str((action.get("AuthenticateCognitoConfig") or {}).get("UserPoolArn") or "")
    if call.is_of_other_region(arn):
        msg = f"'{arn}' is not a valid user pool ARN: it is in another region than the load balancer, which is in {call.region}"
        raise Refusal("InvalidLoadBalancerAction", msg)


def _forwarded(action: Action) -> Iterator[str]:
    """Yields each target group once."""
    groups = [group["TargetGroupArn"] for group in (action.get("ForwardConfig") or {}).get("TargetGroups") or []]
    yield from dict.fromkeys([*([action["TargetGroupArn"]] if action.get("TargetGroupArn") else []), *groups])


def _check_group(group: Described, balancer: Described, protocol: str | None) -> None:
    """A target group is in the VPC of the load balancer, and speaks as the listener does.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-target-groups.html#target-group-protocol-version.
    """
    arn = group["TargetGroupArn"]
    if group.get("VpcId") and group["VpcId"] != balancer["VpcId"]:
        msg = f"The target group '{arn}' and the load balancer '{balancer['LoadBalancerArn']}' must be in the same VPC"
        raise Refusal("InvalidConfigurationRequest", msg)
    spoken = group.get("Protocol")  # none if the target is a function
    compatible = _COMPATIBLE.get(protocol) if group.get("TargetType") != "alb" else frozenset({"TCP"} if protocol == "TCP" else ())
    if (spoken and compatible is not None and spoken not in compatible) or (not spoken and balancer["Type"] != "application"):
        raise Refusal(
            "IncompatibleProtocols", f"The listener and the following target groups have incompatible protocols: {arn}."
        )
    if protocol == "HTTP" and group.get("ProtocolVersion") in {"HTTP2", "GRPC"}:
        msg = f"Listener protocol 'HTTP' is not supported with a target group with the protocol-version '{group['ProtocolVersion']}'"
        raise Refusal("InvalidConfigurationRequest", msg)
    if group.get("IpAddressType") == "ipv6" and balancer.get("IpAddressType") == "ipv4":
        msg = (
            f"The target group '{arn}' has the IP address type 'ipv6', and the load balancer the IP address type 'ipv4'"
        )
        raise Refusal("InvalidConfigurationRequest", msg)
    if protocol in _UDP and group.get("IpAddressType") != "ipv6" and balancer.get("IpAddressType") == "dualstack":
        msg = f"The IPv4 target group '{arn}' cannot be used with a {protocol} listener of a dualstack load balancer"
        raise Refusal("InvalidConfigurationRequest", msg)


def _check_association(account: Account, region: str, group: str, balancer: str) -> None:
    """No other load balancer forwards to a target group."""
    for other in list(moto.backends.get_backend("elbv2")[account.id][region].load_balancers):
        if other != balancer and group in forwarded_by(account, region, other):
            msg = f"The following target groups cannot be associated with more than one load balancer: {group}"
            raise Refusal("TargetGroupAssociationLimit", msg)


def forwarded_by(account: Account, region: str, balancer: str) -> set[str]:
    """Returns the target groups that the listeners and the rules of a load balancer forward to."""
    listeners = moto.backends.get_backend("elbv2")[account.id][region].load_balancers[balancer].listeners
    rules = [rule for listener in list(listeners.values()) for rule in list(listener.rules.values())]
    return {group for rule in rules for action in rule.actions for group in _forwarded(action.data)}


def _check_groups(account: Account, region: str, action: Action, groups: Sequence[Described]) -> None:
    """Target groups of one action speak the same protocol, and are sticky only if the action is."""
    if len({group["Protocol"] for group in groups if group.get("Protocol")}) > 1:
        arns = ", ".join(group["TargetGroupArn"] for group in groups)
        raise Refusal(
            "InvalidConfigurationRequest", f"The target groups of an action must have the same protocol: {arns}"
        )
    if {group.get("Protocol") for group in groups} <= {*_PROTOCOLS["network"]} and len({_addresses(group) for group in groups}) > 1:
        arns = ", ".join(group["TargetGroupArn"] for group in groups)
        msg = f"The target groups of an action must have the same IP address type: {arns}"
        raise Refusal("InvalidConfigurationRequest", msg)
    sticky = ((action.get("ForwardConfig") or {}).get("TargetGroupStickinessConfig") or {}).get("Enabled")
    if str(sticky).lower() == "true":
        return
    elb: Any = account.client("elbv2", region)
    for group in groups:
        pairs = elb.describe_target_group_attributes(TargetGroupArn=group["TargetGroupArn"])["Attributes"]
        if {"Key": "stickiness.enabled", "Value": "true"} in pairs:
            msg = "You must enable group stickiness on a rule if you enabled target stickiness on one of its target groups"
            raise Refusal("InvalidLoadBalancerAction", msg)


def _addresses(group: Described) -> str:
    return str(group.get("IpAddressType") or "ipv4")
