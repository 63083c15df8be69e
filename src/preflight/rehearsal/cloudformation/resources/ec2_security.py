"""Amazon EC2: security group rules and network ACLs as resources of their own."""

from __future__ import annotations

import threading
from typing import Any

from preflight.rehearsal.cloudformation.resources import ec2_readers
from preflight.rehearsal.cloudformation.resources.context import HandlerContext, Properties
from preflight.rehearsal.cloudformation.resources.declarative import deleter
from preflight.rehearsal.cloudformation.resources.ec2_network import default_egress, permission, tag_specifications
from preflight.rehearsal.cloudformation.resources.handler import CreatedResource, Handler


def _authorize(operation: str) -> Any:
    def create(context: HandlerContext, properties: Properties) -> CreatedResource:
        rule = permission(properties)
        group = properties["GroupId"]
        if operation.endswith("Egress"):
            _DEFAULT_EGRESS.revoke(context, group)
        response = context.call("ec2", operation, GroupId=group, IpPermissions=[rule])
        for key in properties:
            context.record(key, "stored")
        rule_id = (response.get("SecurityGroupRules") or [{}])[0].get("SecurityGroupRuleId") or context.generate_name()
        return CreatedResource(rule_id, {"Id": rule_id})

    return create


class _DefaultEgress:
    """Revokes the default rules of each group once: rules of a stack are made side by side, and may be the same."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._revoked: set[str] = set()  # ids of groups, which no two accounts share

    def revoke(self, context: HandlerContext, group: str) -> None:
        """Revokes the default rules, which an explicit egress rule replaces as the inline property does."""
        with self._lock:
            for rule in default_egress(context, group) if group not in self._revoked else ():
                context.call("ec2", "RevokeSecurityGroupEgress", GroupId=group, IpPermissions=[rule])
            self._revoked.add(group)


_DEFAULT_EGRESS = _DefaultEgress()


def _revoke(operation: str) -> Any:
    def delete(context: HandlerContext, _id: str, properties: Properties) -> None:
        context.call("ec2", operation, GroupId=properties["GroupId"], IpPermissions=[permission(properties)])

    return delete


def _describe(operation: str) -> Any:
    """Returns what changes the description of a rule, which nothing else of it can."""

    def update(context: HandlerContext, rule: str, _old: Properties, new: Properties) -> CreatedResource:
        peer = permission({**new, "Description": new.get("Description") or " "})
        context.call("ec2", operation, GroupId=new["GroupId"], IpPermissions=[peer])
        return CreatedResource(rule, {"Id": rule})

    return update


def _create_acl(context: HandlerContext, properties: Properties) -> CreatedResource:
    request = {"VpcId": properties["VpcId"], **tag_specifications(context, "network-acl", properties)}
    acl = context.submit("ec2", "CreateNetworkAcl", request)["NetworkAcl"]["NetworkAclId"]
    return CreatedResource(acl, {"Id": acl})


def _create_entry(context: HandlerContext, properties: Properties) -> CreatedResource:
    renamed = {{"Icmp": "IcmpTypeCode"}.get(key, key): value for key, value in properties.items()}
    context.submit("ec2", "CreateNetworkAclEntry", {"Egress": False, **renamed})
    if "Icmp" in properties:
        context.record("Icmp", "stored")
    return CreatedResource(
        f"{properties['NetworkAclId']}-{properties['RuleNumber']}-{bool(properties.get('Egress'))}",
        {"Id": context.generate_name()},
    )


def _delete_entry(context: HandlerContext, _id: str, properties: Properties) -> None:
    request = {"NetworkAclId": properties["NetworkAclId"], "RuleNumber": int(properties["RuleNumber"])}
    context.call("ec2", "DeleteNetworkAclEntry", **request, Egress=bool(properties.get("Egress")))


def _associate_acl(context: HandlerContext, properties: Properties) -> CreatedResource:
    """Moves a subnet from its ACL to another one."""
    association = _replace(context, properties["SubnetId"], properties["NetworkAclId"])
    context.record_stored(properties)
    return CreatedResource(association, {"AssociationId": association})


def _update_acl_association(context: HandlerContext, _id: str, _old: Properties, new: Properties) -> CreatedResource:
    return _associate_acl(context, new)


def _current(context: HandlerContext, subnet: str) -> str:
    """Returns the id of the association of a subnet, which always has one.

    Raises:
        ResourceFailedError: there is no such subnet.
    """
    context.call("ec2", "DescribeSubnets", SubnetIds=[subnet])
    filters = [{"Name": "association.subnet-id", "Values": [subnet]}]
    acls = context.call("ec2", "DescribeNetworkAcls", Filters=filters)["NetworkAcls"]
    return str(next(a["NetworkAclAssociationId"] for f in acls for a in f["Associations"] if a["SubnetId"] == subnet))


def _replace(context: HandlerContext, subnet: str, acl: str) -> str:
    context.call("ec2", "DescribeNetworkAcls", NetworkAclIds=[acl])  # moto dissociates the subnet, and then looks for it
    current = _current(context, subnet)
    response = context.call("ec2", "ReplaceNetworkAclAssociation", AssociationId=current, NetworkAclId=acl)
    return str(response["NewAssociationId"])


def _dissociate_acl(context: HandlerContext, association: str, properties: Properties) -> None:
    """Moves a subnet back to the default ACL, unless another association has taken the place of this one."""
    subnet = context.call("ec2", "DescribeSubnets", SubnetIds=[properties["SubnetId"]])["Subnets"][0]
    if _current(context, subnet["SubnetId"]) != association:
        return
    filters = [{"Name": "vpc-id", "Values": [subnet["VpcId"]]}, {"Name": "default", "Values": ["true"]}]
    acls = context.call("ec2", "DescribeNetworkAcls", Filters=filters)["NetworkAcls"]
    _replace(context, subnet["SubnetId"], acls[0]["NetworkAclId"])


def _update_acl(context: HandlerContext, acl: str, _old: Properties, new: Properties) -> CreatedResource:
    context.call("ec2", "CreateTags", Resources=[acl], Tags=context.all_tags(new.get("Tags")))
    return CreatedResource(acl, {"Id": acl})


def _update_entry(context: HandlerContext, physical_id: str, _old: Properties, new: Properties) -> CreatedResource:
    renamed = {{"Icmp": "IcmpTypeCode"}.get(key, key): value for key, value in new.items()}
    context.submit("ec2", "ReplaceNetworkAclEntry", {"Egress": False, **renamed})
    return CreatedResource(physical_id, {"Id": physical_id})


TYPES = {
    "AWS::EC2::SecurityGroupIngress": Handler(
        _authorize("AuthorizeSecurityGroupIngress"),
        _revoke("RevokeSecurityGroupIngress"),
        _describe("UpdateSecurityGroupRuleDescriptionsIngress"),
        ec2_readers.rule("IpPermissions", "Source"),
    ),
    "AWS::EC2::SecurityGroupEgress": Handler(
        _authorize("AuthorizeSecurityGroupEgress"),
        _revoke("RevokeSecurityGroupEgress"),
        _describe("UpdateSecurityGroupRuleDescriptionsEgress"),
        ec2_readers.rule("IpPermissionsEgress", "Destination"),
    ),
    "AWS::EC2::NetworkAcl": Handler(
        _create_acl, deleter("ec2", "DeleteNetworkAcl", "NetworkAclId"), _update_acl, ec2_readers.acl
    ),
    "AWS::EC2::NetworkAclEntry": Handler(_create_entry, _delete_entry, _update_entry, ec2_readers.entry),
    "AWS::EC2::SubnetNetworkAclAssociation": Handler(
        _associate_acl, _dissociate_acl, _update_acl_association, ec2_readers.acl_association
    ),
}
