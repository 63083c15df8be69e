"""Changes the tags of existing resources, by the tagging operations of their services.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-resource-tags.html.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from preflight.rehearsal import protocol
from preflight.rehearsal.cloudformation.resources.context import HandlerContext, Properties, Request, Tag
from preflight.rehearsal.cloudformation.resources.handler import CreatedResource

Key = Callable[[HandlerContext, CreatedResource], str]  # what the operations call the resource
Tagged = tuple[Properties, Mapping[str, str]]


@dataclass(frozen=True)
class TagOperations:
    """The operations of a service that set and remove tags, and the member that names the resource."""

    service: str
    tag: str
    untag: str
    member: str
    key: Key = lambda _context, resource: resource.id
    others: Mapping[str, str] | None = None


def _by_arn(_context: HandlerContext, resource: CreatedResource) -> str:
    return str(resource.attributes["Arn"])


def _of(service: str, member: str, key: Key = TagOperations.key) -> TagOperations:
    return TagOperations(service, "TagResource", "UntagResource", member, key)


_EC2 = TagOperations("ec2", "CreateTags", "DeleteTags", "Resources")
_BALANCING = TagOperations("elbv2", "AddTags", "RemoveTags", "ResourceArns")
_DISCOVERY = _of("servicediscovery", "ResourceARN", _by_arn)
OPERATIONS: Mapping[str, TagOperations] = {
    **{
        f"AWS::EC2::{name}": _EC2
        for name in ("DHCPOptions", "FlowLog", "InternetGateway", "NatGateway", "NetworkAcl", "NetworkInterface", "RouteTable", "SecurityGroup", "Subnet", "VPC", "VPCEndpoint")
    },
    "AWS::EC2::EIP": TagOperations(
        "ec2", "CreateTags", "DeleteTags", "Resources", lambda _context, resource: str(resource.attributes["AllocationId"])
    ),
    **{
        f"AWS::ElasticLoadBalancingV2::{name}": _BALANCING
        for name in ("Listener", "ListenerRule", "LoadBalancer", "TargetGroup")
    },
    "AWS::CertificateManager::Certificate": TagOperations(
        "acm", "AddTagsToCertificate", "RemoveTagsFromCertificate", "CertificateArn"
    ),
    "AWS::CloudWatch::Alarm": _of("cloudwatch", "ResourceARN", _by_arn),
    "AWS::DynamoDB::Table": _of("dynamodb", "ResourceArn", _by_arn),
    "AWS::ECR::Repository": _of("ecr", "resourceArn", _by_arn),
    "AWS::ECS::Cluster": _of("ecs", "resourceArn", _by_arn),
    "AWS::ECS::Service": _of("ecs", "resourceArn"),
    "AWS::ECS::TaskDefinition": _of("ecs", "resourceArn"),
    "AWS::EFS::AccessPoint": _of("efs", "ResourceId"),
    "AWS::EFS::FileSystem": _of("efs", "ResourceId"),
    "AWS::Events::Rule": _of("events", "ResourceARN", _by_arn),
    "AWS::IAM::Role": TagOperations("iam", "TagRole", "UntagRole", "RoleName"),
    "AWS::KMS::Key": _of("kms", "KeyId"),
    "AWS::Lambda::Function": _of("lambda", "Resource", _by_arn),
    "AWS::Logs::LogGroup": _of(
        "logs", "resourceArn", lambda context, resource: context.arn("logs", f"log-group:{resource.id}")
    ),
    "AWS::SNS::Topic": _of("sns", "ResourceArn"),
    "AWS::SQS::Queue": TagOperations("sqs", "TagQueue", "UntagQueue", "QueueUrl"),
    "AWS::SSM::Parameter": TagOperations(
        "ssm", "AddTagsToResource", "RemoveTagsFromResource", "ResourceId", others={"ResourceType": "Parameter"}
    ),
    "AWS::SecretsManager::Secret": _of("secretsmanager", "SecretId"),
    **{
        f"AWS::ServiceDiscovery::{name}": _DISCOVERY
        for name in ("HttpNamespace", "PrivateDnsNamespace", "PublicDnsNamespace", "Service")
    },
}


BY_THEIR_UPDATE = frozenset({"AWS::CloudFormation::Stack", "AWS::S3::Bucket"})  # which sets all of their tags


def has_stack_tags(resource_type: str) -> bool:
    """Whether the tags of its stack are those of a resource, so that it changes with them."""
    return resource_type in OPERATIONS or resource_type in BY_THEIR_UPDATE


def property_of(resource_type: str, *resources: Properties) -> str | None:
    """Returns the property with the tags of a type whose tags can be changed, or None."""
    if resource_type not in OPERATIONS:
        return None
    return next((name for name in ("FileSystemTags", "AccessPointTags") if any(name in r for r in resources)), "Tags")


def update_with_stack(context: HandlerContext, resource: CreatedResource, old: Tagged, new: Tagged) -> None:
    """Changes the tags of a resource; the properties before and after come with the tags of the stack then."""
    name = property_of(context.resource_type, old[0], new[0])
    if name is not None:
        before, after = (replace(context, tags=tags).user_tags(properties.get(name)) for properties, tags in (old, new))
        update(context, resource, before, after)


def update(context: HandlerContext, resource: CreatedResource, old: Iterable[Tag], new: Iterable[Tag]) -> None:
    """Change the tags of a resource from `old` to `new`, those of the stack among them."""
    operations = OPERATIONS[context.resource_type]
    before, after = ({tag["Key"]: tag["Value"] for tag in tags} for tags in (old, new))
    key: Any = operations.key(context, resource)
    target = {operations.member: [key] if operations.member in {"Resources", "ResourceArns"} else key, **(operations.others or {})}
    removed = [name for name in before if name not in after]
    if removed:
        context.call(operations.service, operations.untag, **target, **_keys(operations, removed))
    changed = {name: value for name, value in after.items() if before.get(name) != value}
    if changed:
        context.call(operations.service, operations.tag, **target, **_tags(operations, operations.tag, changed))


def _tags(operations: TagOperations, operation: str, tags: Mapping[str, str]) -> Request:
    """Returns tags in the form that an operation takes."""
    members = protocol.model_of(operations.service).operation_model(operation).input_shape.members
    name = next(member for member in members if member.lower() == "tags")
    if members[name].type_name == "map":
        return {name: dict(tags)}
    key, value = sorted(members[name].member.members)  # Key and Value, key and value, or TagKey and TagValue
    return {name: [{key: k, value: v} for k, v in tags.items()]}


def _keys(operations: TagOperations, names: Iterable[str]) -> Request:
    members = protocol.model_of(operations.service).operation_model(operations.untag).input_shape.members
    name = next((member for member in members if member.lower().startswith("tagkey")), None)
    if name is None:  # EC2 and ACM take tags there, too
        tags = _tags(operations, operations.untag, dict.fromkeys(names, ""))
        return {k: [{"Key": tag["Key"]} for tag in v] for k, v in tags.items()}
    return {name: list(names)}
