"""What Elastic Load Balancing refuses and moto does not. Each check cites AWS's page and the moto file."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from typing import Any

import moto.backends
from moto.elbv2 import models, ssl_policies
from werkzeug.wrappers import Request  # noqa: TC002 - as everywhere here

from preflight.rehearsal import protocol
from preflight.rehearsal.account import Account
from preflight.rehearsal.load_balancing.targets import Targets
from preflight.rehearsal.protocol import Call, Operation, Refusal
from preflight.rehearsal.services import (
    ServiceEmulation,
    elbv2_access_logs,
    elbv2_attributes,
    elbv2_listeners,
    elbv2_registrations,
)

# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html; moto/elbv2/ssl_policies.py.
_NEWER_POLICIES = [
    *(f"ELBSecurityPolicy-TLS13-1-{name}-FIPS-2023-04" for name in ("0", "1", "2", "2-Res", "2-Ext0", "2-Ext1", "2-Ext2", "3")),
    *(f"ELBSecurityPolicy-FS-{name}" for name in ("2018-06", "1-1-2019-08", "1-2-2019-08", "1-2-Res-2019-08")),
]
_CHANGES_ASSOCIATIONS = ("ModifyListener", "DeleteListener", "ModifyRule", "DeleteRule", "DeleteLoadBalancer")
DELAY, TOKEN_VALIDATION = "deregistration_delay.timeout_seconds", "jwt-validation"
_CHANGES_LOAD_BALANCERS = re.compile(
    r"^(Create|Delete|Modify|Set)(LoadBalancer|Listener|Subnets|SecurityGroups)"
)
_BALANCER = re.compile(r":(?:loadbalancer|listener|listener-rule)/(\w+/[^/]+/[^/]+)")  # of an ARN


def _balancer(account: Account, call: Call) -> None:
    """A load balancer has two zones, and a way to the internet where it faces it.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html and
    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html;
    moto/elbv2/models.py.
    """
    parameters = call.parameters
    subnets = parameters.get("Subnets") or [m["SubnetId"] for m in parameters.get("SubnetMappings") or []]
    if (parameters.get("Type") or "application") in {"application", "network"} and subnets:
        _check_subnets(account.client("ec2", call.region), parameters, subnets)


def _check_subnets(ec2: Any, parameters: Mapping[str, Any], subnets: list[str]) -> None:
    described = ec2.describe_subnets(SubnetIds=subnets)["Subnets"]
    zones = [subnet["AvailabilityZone"] for subnet in described]
    is_application = (parameters.get("Type") or "application") == "application"
    if len(set(zones)) < len(zones):
        msg = "A load balancer cannot be attached to multiple subnets in the same Availability Zone"
        raise Refusal("InvalidConfigurationRequest", msg)
    if is_application and len(zones) < 2:
        msg = "At least two subnets in two different Availability Zones must be specified"
        raise Refusal("ValidationError", msg)
    vpc = described[0]["VpcId"]
    if any(subnet["VpcId"] != vpc for subnet in described):
        vpcs = ", ".join(f"'{name}'" for name in sorted({subnet["VpcId"] for subnet in described}))
        raise Refusal("InvalidConfigurationRequest", f"All subnets must belong to the same VPC: {vpcs}")
    _check_addresses(parameters.get("SubnetMappings") or [], described)
    attached = [{"Name": "attachment.vpc-id", "Values": [vpc]}]
    is_dual = str(parameters.get("IpAddressType") or "").startswith("dualstack")
    if is_dual and not all(subnet.get("Ipv6CidrBlockAssociationSet") for subnet in described):
        msg = "You must specify subnets with an associated IPv6 CIDR block."
        raise Refusal("InvalidConfigurationRequest", msg)
    is_public = (parameters.get("Scheme") or "internet-facing") == "internet-facing"
    if is_public and not ec2.describe_internet_gateways(Filters=attached)["InternetGateways"]:
        raise Refusal("InvalidSubnet", f"VPC {vpc} has no internet gateway")
    groups = parameters.get("SecurityGroups") or []
    if groups and any(g["VpcId"] != vpc for g in ec2.describe_security_groups(GroupIds=groups)["SecurityGroups"]):
        msg = "One or more security groups are invalid"
        raise Refusal("InvalidConfigurationRequest", msg)


def _check_addresses(mappings: list[Mapping[str, Any]], subnets: list[Mapping[str, Any]]) -> None:
    """A private address of a load balancer is in its subnet.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_SubnetMapping.html.
    """
    blocks = {subnet["SubnetId"]: ipaddress.ip_network(subnet["CidrBlock"]) for subnet in subnets if "CidrBlock" in subnet}
    for mapping in mappings:
        address, subnet = mapping.get("PrivateIPv4Address"), mapping.get("SubnetId")
        if address and subnet in blocks and ipaddress.ip_address(address) not in blocks[subnet]:
            msg = f"The IP address '{address}' is not within the subnet '{subnet}' range '{blocks[subnet]}'"
            raise Refusal("ValidationError", msg)


def _balancer_attributes(account: Account, call: Call) -> None:
    elbv2_attributes.load_balancer(account, call)
    elbv2_access_logs.check(account, call)


def _complete_schemes(account: Account, region: str) -> None:
    """Make each load balancer that was created without a scheme internet-facing, as AWS does.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html;
    moto/elbv2/responses.py.
    """
    for balancer in list(moto.backends.get_backend("elbv2")[account.id][region].load_balancers.values()):
        balancer.scheme = balancer.scheme or "internet-facing"


def _complete_associations(account: Account, region: str) -> None:
    """Note which load balancers forward to each target group; moto notes it when a listener or a rule is created, and never again.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetGroup.html; moto/elbv2/models.py.
    """
    backend = moto.backends.get_backend("elbv2")[account.id][region]
    forwarded = {balancer: elbv2_listeners.forwarded_by(account, region, balancer) for balancer in list(backend.load_balancers)}
    for arn, group in list(backend.target_groups.items()):
        group.load_balancer_arns = [balancer for balancer, groups in forwarded.items() if arn in groups]


class _AnyKey(frozenset[str]):
    """Stands where moto lists the attributes of load balancers; the tables say which there are."""

    def __contains__(self, _key: object) -> bool:
        return True


def allow_what_aws_takes() -> None:
    """Lets moto take what it refuses: an hour of delay, newer attributes and conditions, and no public IPv4 addresses.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetGroupAttribute.html,
    API_LoadBalancerAttribute.html, API_RuleCondition.html and API_CreateLoadBalancer.html; moto/elbv2/models.py.
    """
    models.FakeLoadBalancer.VALID_ATTRS = _AnyKey()
    modify, create = models.ELBv2Backend.modify_target_group_attributes, models.ELBv2Backend.create_load_balancer

    def modify_with_an_hour(backend: Any, arn: str, attributes: dict[str, Any]) -> None:
        longest = {key: value for key, value in attributes.items() if (key, str(value)) == (DELAY, "3600")}
        modify(backend, arn, {key: value for key, value in attributes.items() if key not in longest})
        backend.target_groups[arn].attributes.update(longest)

    def create_of_any_type(backend: Any, *positional: Any, ip_address_type: str = "ipv4", **keywords: Any) -> Any:
        address_type = "dualstack" if ip_address_type.startswith("dualstack") else ip_address_type
        balancer = create(backend, *positional, ip_address_type=address_type, **keywords)
        balancer.ip_address_type = ip_address_type
        return balancer

    if modify.__name__ != modify_with_an_hour.__name__:
        _allow_changes()
        models.ELBv2Backend.modify_target_group_attributes = modify_with_an_hour
        models.ELBv2Backend.create_load_balancer = create_of_any_type
        models.ELBv2Backend.create_target_group = _create_with_quic(models.ELBv2Backend.create_target_group)
        # The tables know regular expressions too, and elbv2_listeners QUIC.
        models.ELBv2Backend._validate_conditions = lambda _backend, _conditions: None  # noqa: SLF001 - moto has no other place
        models.ELBv2Backend._validate_port_and_protocol = lambda *_given: None  # noqa: SLF001 - as above
        _allow_token_validation()


def _allow_token_validation() -> None:
    """Lets moto keep actions of the type jwt-validation, which it does not know.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_Action.html.
    """
    models.ALLOWED_ACTIONS.append(TOKEN_VALIDATION)
    validate = models.ELBv2Backend._validate_actions  # noqa: SLF001 - moto has no other place

    def validate_others(backend: Any, actions: list[models.FakeAction]) -> None:
        validate(backend, [action for action in actions if action.type != TOKEN_VALIDATION])

    models.ELBv2Backend._validate_actions = validate_others  # noqa: SLF001 - as above


def _create_with_quic(create: Callable[..., Any]) -> Callable[..., Any]:
    """Lets moto create target groups of QUIC, which it does not know, as such of UDP.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html.
    """

    def create_target_group(backend: Any, name: str, **members: Any) -> Any:
        protocol = members.get("protocol")
        plain_protocol = {"QUIC": "UDP", "TCP_QUIC": "TCP_UDP"}.get(str(protocol), protocol)
        group = create(backend, name, **{**members, "protocol": plain_protocol} if protocol else members)
        group.protocol = protocol
        return group

    return create_target_group


def _allow_changes() -> None:
    """Lets moto change listeners to any protocol and policy, and load balancers to any type of addresses.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_ModifyListener.html and API_SetIpAddressType.html.
    """
    modify_listener, set_address_type = models.ELBv2Backend.modify_listener, models.ELBv2Backend.set_ip_address_type

    def modify_to_any_protocol(backend: Any, arn: str, port: Any = None, protocol: str | None = None, *others: Any) -> Any:
        """Moto knows three protocols here, and keeps certificates for HTTPS alone; elbv2_listeners has checked both."""
        listener = backend.describe_listeners(load_balancer_arn=None, listener_arns=[arn])[0]
        listener.protocol, own_protocol = protocol or listener.protocol, protocol or listener.protocol
        if own_protocol == "TLS":
            listener.protocol = "HTTPS"
        try:
            return modify_listener(backend, arn, port, None, *others)
        finally:
            listener.protocol = own_protocol

    def set_any_address_type(backend: Any, arn: str, ip_type: str) -> None:
        set_address_type(backend, arn, "dualstack" if ip_type.startswith("dualstack") else ip_type)
        backend.load_balancers[arn].ip_address_type = ip_type

    policies = ssl_policies.SSL_POLICIES
    policies.update({name: {**policies["ELBSecurityPolicy-TLS13-1-2-2021-06"], "name": name} for name in _NEWER_POLICIES})
    models.ELBv2Backend.modify_listener = modify_to_any_protocol
    models.ELBv2Backend.set_ip_address_type = set_any_address_type


def _operations(account: Account, registered: Targets) -> Mapping[str, Operation]:
    """DescribeTargetHealth, which says of the tasks' targets how they really are; moto knows the others."""

    def health(call: Call) -> dict[str, Any]:
        group = call.parameters["TargetGroupArn"]
        backend = moto.backends.get_backend("elbv2")[account.id][call.region]
        if group not in backend.target_groups:
            raise Refusal("TargetGroupNotFound", "One or more target groups not found")
        stored = {(k.instance_id, int(k.port)): _kept(k) for k in backend.describe_target_health(group, [])}
        own = {(target.address, target.port): target.as_response() for target in registered.in_group(group)}
        descriptions = {**stored, **own}
        targets = [(t["Id"], int(t.get("Port") or backend.target_groups[group].port or 0)) for t in call.parameters.get("Targets") or []]
        return {"TargetHealthDescriptions": [descriptions.get(target) or _unknown(*target) for target in targets or descriptions]}

    return {"DescribeTargetHealth": health}


def _unknown(address: str, port: int) -> dict[str, Any]:
    health = {"State": "unused", "Reason": "Target.NotRegistered", "Description": "Target is not registered to the target group"}
    return {"Target": {"Id": address, "Port": port}, "HealthCheckPort": str(port), "TargetHealth": health}


def _kept(status: Any) -> dict[str, Any]:
    health = {"State": status.status, "Reason": status.reason, "Description": status.description}
    return {
        "Target": {"Id": status.instance_id, "Port": status.port},
        "HealthCheckPort": str(status.health_check_port or status.port),
        "TargetHealth": {key: value for key, value in health.items() if value},
    }


def service(account: Account, targets: Targets, load_balancers_changed: Callable[[str, str], None]) -> ServiceEmulation:
    """Returns Elastic Load Balancing; changes of load balancers are reported by region and, of one that exists, by name and id."""

    def after(region: str, request: Request) -> None:
        if _CHANGES_LOAD_BALANCERS.match(protocol.operation_name(request) or ""):
            named = next(filter(None, map(_BALANCER.search, request.values.values())), None)
            load_balancers_changed(region, named[1] if named is not None else "")

    return ServiceEmulation(
        "elasticloadbalancing",
        operations=_operations(account, targets),
        checks={
            "AddListenerCertificates": elbv2_listeners.add_certificates,
            "CreateListener": elbv2_listeners.create_listener,
            "CreateLoadBalancer": _balancer,
            "CreateRule": elbv2_listeners.create_rule,
            "ModifyListener": elbv2_listeners.modify_listener,
            "ModifyListenerAttributes": elbv2_attributes.listener,
            "ModifyLoadBalancerAttributes": _balancer_attributes,
            "ModifyRule": elbv2_listeners.modify_rule,
            "ModifyTargetGroupAttributes": elbv2_attributes.target_group,
            "RegisterTargets": elbv2_registrations.check,
        },
        completions={"CreateLoadBalancer": _complete_schemes, **dict.fromkeys(_CHANGES_ASSOCIATIONS, _complete_associations)},
        after=after,
    )
