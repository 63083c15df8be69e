"""What EC2 refuses of security groups and moto does not: by the tables, by the VPC, and rules that are there already.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AuthorizeSecurityGroupIngress.html;
moto/ec2/models/security_groups.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from preflight.aws.refusals import catalog, security_groups
from preflight.rehearsal.account import Account
from preflight.rehearsal.protocol import Call, Refusal

_PEERS = (
    ("IpRanges", "CidrIp", "CidrIp"),
    ("Ipv6Ranges", "CidrIpv6", "CidrIpv6"),
    ("PrefixListIds", "PrefixListId", "{}PrefixListId"),
    ("UserIdGroupPairs", "GroupId", "{}SecurityGroupId"),
    ("UserIdGroupPairs", "GroupName", "{}SecurityGroupName"),
)
_GROUP = "sg-0"  # of a rule: its group is another member of a request

def create(_account: Account, call: Call) -> None:
    """Checks a new group, whose description has another name in CloudFormation.

    The properties of a stack's group are checked already; it is not known that EC2 refuses a name that CloudFormation
    makes for a stack whose own name begins with sg-.

    Raises:
        Refusal: EC2 refuses its name or its description.
    """
    tags = [tag["Key"] for item in call.parameters.get("TagSpecifications") or [] for tag in item.get("Tags") or []]
    if "aws:cloudformation:stack-id" in tags:
        return
    properties = {"GroupName": call.parameters.get("GroupName"), "GroupDescription": call.parameters.get("Description")}
    _check("AWS::EC2::SecurityGroup", {name: value for name, value in properties.items() if value is not None})


def authorize(account: Account, call: Call) -> None:
    """Checks new rules of a group.

    Raises:
        Refusal: EC2 refuses one, it is there already, or it refers to a group of another network.
    """
    direction = call.name.removeprefix("AuthorizeSecurityGroup")
    items = call.parameters.get("IpPermissions") or ([call.parameters] if call.parameters.get("IpProtocol") else [])
    rules = [rule for item in items for rule in _rules(item, direction)]
    for rule in rules:
        _check(f"AWS::EC2::SecurityGroup{direction}", {"GroupId": _GROUP, **rule})
    identities = [security_groups.identity(rule) for rule in rules]
    if len(set(identities)) < len(identities):
        raise Refusal("InvalidParameterValue", "The same permission must not appear multiple times")
    if call.parameters.get("GroupId"):
        _check_new(account, call, direction, rules)
        _check_one_network(account, call, rules, direction)


def modify(_account: Account, call: Call) -> None:
    """Checks what rules are changed to.

    Raises:
        Refusal: EC2 refuses one.
    """
    names = {"CidrIpv4": "CidrIp", "PrefixListId": "SourcePrefixListId", "ReferencedGroupId": "SourceSecurityGroupId"}
    for item in call.parameters.get("SecurityGroupRules") or []:
        rule = {"GroupId": _GROUP, **{name: value for name, value in (item.get("SecurityGroupRule") or {}).items() if value is not None}}
        _check("AWS::EC2::SecurityGroupIngress", {names.get(name, name): value for name, value in rule.items()})


def _check(kind: str, properties: Mapping[str, Any]) -> None:
    refused = next(catalog.of_resource(kind, properties), None)
    if refused is not None:
        raise Refusal(refused.constraint.code, refused.message)


def _rules(item: Mapping[str, Any], direction: str) -> Iterator[dict[str, Any]]:
    """Yields an IpPermission as rules of CloudFormation: one for each peer, or one without any."""
    ports = {name: item[name] for name in ("IpProtocol", "FromPort", "ToPort") if item.get(name) is not None}
    side = "Source" if direction == "Ingress" else "Destination"
    lone = {name: item[name] for name in ("CidrIp", "SourceSecurityGroupName") if item.get(name) is not None}
    if lone:  # the members of a request with one rule
        yield {**ports, **lone}
        return
    is_empty = True
    for names, key, property_name in _PEERS:
        for peer in item.get(names) or []:
            if peer.get(key) is not None and not (key == "GroupName" and peer.get("GroupId")):
                described = {"Description": peer["Description"]} if peer.get("Description") is not None else {}
                yield {**ports, property_name.format(side): peer[key], **described}
                is_empty = False
    if is_empty:
        yield ports


def _check_new(account: Account, call: Call, direction: str, rules: list[dict[str, Any]]) -> None:
    ec2: Any = account.client("ec2", call.region)
    group = ec2.describe_security_groups(GroupIds=[call.parameters["GroupId"]])["SecurityGroups"][0]
    listed = group["IpPermissions" if direction == "Ingress" else "IpPermissionsEgress"]
    there = {security_groups.identity(rule) for item in listed for rule in _rules(item, direction)}
    for rule in rules:
        if security_groups.identity(rule) in there:
            raise Refusal("InvalidPermission.Duplicate", f'the specified rule "{_shown(rule)}" already exists')


def _shown(rule: Mapping[str, Any]) -> str:
    """Returns a rule as EC2 words it."""
    names = {"IpProtocol", "FromPort", "ToPort", "Description"}
    peer = next((str(value) for name, value in rule.items() if name not in names), "")
    if rule["IpProtocol"] == "-1":
        return f"peer: {peer}, ALL, ALLOW"
    ports = f"from port: {rule.get('FromPort')}, to port: {rule.get('ToPort')}"
    return f"peer: {peer}, {rule['IpProtocol'].upper()}, {ports}, ALLOW"


def _check_one_network(account: Account, call: Call, rules: list[dict[str, Any]], direction: str) -> None:
    """A rule refers to groups of its own VPC, or of one that is peered with it.

    https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html.
    """
    name = "SourceSecurityGroupId" if direction == "Ingress" else "DestinationSecurityGroupId"
    referenced = [rule[name] for rule in rules if rule.get(name)]
    ec2: Any = account.client("ec2", call.region)
    if not referenced or ec2.describe_vpc_peering_connections()["VpcPeeringConnections"]:
        return
    filters = [{"Name": "group-id", "Values": [call.parameters["GroupId"], *referenced]}]
    groups = ec2.describe_security_groups(Filters=filters)["SecurityGroups"]
    if len({group["VpcId"] for group in groups}) > 1:
        msg = "You have specified two resources that belong to different networks."
        raise Refusal("InvalidGroup.NotFound", msg)
