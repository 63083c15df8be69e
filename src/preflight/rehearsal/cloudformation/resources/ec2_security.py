"""Amazon EC2: security group rules and network ACLs as resources of their own."""

from __future__ import annotations

from typing import Any

from preflight.rehearsal.cloudformation.resources import ec2_readers
from preflight.rehearsal.cloudformation.resources.ec2_network import default_egress, permission, specified
from preflight.rehearsal.cloudformation.resources.handler import CreatedResource, Handler, HandlerContext, Properties


def _authorize(operation: str) -> Any:
    def create(place: HandlerContext, given: Properties) -> CreatedResource:
        rule = permission(given)
        group = given["GroupId"]
        if operation.endswith("Egress"):
            _drop_default(place, group)
        answer = place.ask("ec2", operation, GroupId=group, IpPermissions=[rule])
        for key in given:
            place.note(key, "stored")
        made = (answer.get("SecurityGroupRules") or [{}])[0].get("SecurityGroupRuleId") or place.name()
        return CreatedResource(made, {"Id": made})

    return create


def _drop_default(place: HandlerContext, group: str) -> None:
    """An explicit egress rule takes the default ones away, as the inline property does."""
    for rule in default_egress(place, group):
        place.ask("ec2", "RevokeSecurityGroupEgress", GroupId=group, IpPermissions=[rule])


def _revoke(operation: str) -> Any:
    def delete(place: HandlerContext, _id: str, given: Properties) -> None:
        place.ask("ec2", operation, GroupId=given["GroupId"], IpPermissions=[permission(given)])

    return delete


def _create_acl(place: HandlerContext, given: Properties) -> CreatedResource:
    asked = {"VpcId": given["VpcId"], **specified(place, "network-acl", given)}
    acl = place.call("ec2", "CreateNetworkAcl", asked)["NetworkAcl"]["NetworkAclId"]
    return CreatedResource(acl, {"Id": acl})


def _delete_acl(place: HandlerContext, acl: str, _given: Properties) -> None:
    place.ask("ec2", "DeleteNetworkAcl", NetworkAclId=acl)


def _create_entry(place: HandlerContext, given: Properties) -> CreatedResource:
    renamed = {{"Icmp": "IcmpTypeCode"}.get(key, key): value for key, value in given.items()}
    place.call("ec2", "CreateNetworkAclEntry", {"Egress": False, **renamed})
    if "Icmp" in given:
        place.note("Icmp", "stored")
    return CreatedResource(
        f"{given['NetworkAclId']}-{given['RuleNumber']}-{bool(given.get('Egress'))}", {"Id": place.name()}
    )


def _delete_entry(place: HandlerContext, _id: str, given: Properties) -> None:
    asked = {"NetworkAclId": given["NetworkAclId"], "RuleNumber": int(given["RuleNumber"])}
    place.ask("ec2", "DeleteNetworkAclEntry", **asked, Egress=bool(given.get("Egress")))


def _associate_acl(place: HandlerContext, given: Properties) -> CreatedResource:
    """Move a subnet from its ACL to another one."""
    made = _replace(place, given["SubnetId"], given["NetworkAclId"])
    for key in given:
        place.note(key, "stored")
    return CreatedResource(made, {"AssociationId": made})


def _replace(place: HandlerContext, subnet: str, acl: str) -> str:
    within = [{"Name": "association.subnet-id", "Values": [subnet]}]
    found = place.ask("ec2", "DescribeNetworkAcls", Filters=within)["NetworkAcls"]
    current = next(a for f in found for a in f["Associations"] if a["SubnetId"] == subnet)
    answer = place.ask(
        "ec2", "ReplaceNetworkAclAssociation", AssociationId=current["NetworkAclAssociationId"], NetworkAclId=acl
    )
    return str(answer["NewAssociationId"])


def _dissociate_acl(place: HandlerContext, _id: str, given: Properties) -> None:
    vpc = place.ask("ec2", "DescribeSubnets", SubnetIds=[given["SubnetId"]])["Subnets"][0]["VpcId"]
    default = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "default", "Values": ["true"]}]
    acls = place.ask("ec2", "DescribeNetworkAcls", Filters=default)["NetworkAcls"]
    _replace(place, given["SubnetId"], acls[0]["NetworkAclId"])


def _update_acl(place: HandlerContext, acl: str, _old: Properties, new: Properties) -> CreatedResource:
    place.ask("ec2", "CreateTags", Resources=[acl], Tags=place.all_tags(new.get("Tags")))
    return CreatedResource(acl, {"Id": acl})


def _update_entry(place: HandlerContext, physical: str, _old: Properties, new: Properties) -> CreatedResource:
    renamed = {{"Icmp": "IcmpTypeCode"}.get(key, key): value for key, value in new.items()}
    place.call("ec2", "ReplaceNetworkAclEntry", {"Egress": False, **renamed})
    return CreatedResource(physical, {"Id": physical})


TYPES = {
    "AWS::EC2::SecurityGroupIngress": Handler(
        _authorize("AuthorizeSecurityGroupIngress"),
        _revoke("RevokeSecurityGroupIngress"),
        None,
        ec2_readers.rule("IpPermissions", "Source"),
    ),
    "AWS::EC2::SecurityGroupEgress": Handler(
        _authorize("AuthorizeSecurityGroupEgress"),
        _revoke("RevokeSecurityGroupEgress"),
        None,
        ec2_readers.rule("IpPermissionsEgress", "Destination"),
    ),
    "AWS::EC2::NetworkAcl": Handler(_create_acl, _delete_acl, _update_acl, ec2_readers.acl),
    "AWS::EC2::NetworkAclEntry": Handler(_create_entry, _delete_entry, _update_entry, ec2_readers.entry),
    "AWS::EC2::SubnetNetworkAclAssociation": Handler(
        _associate_acl, _dissociate_acl, None, ec2_readers.acl_association
    ),
}
