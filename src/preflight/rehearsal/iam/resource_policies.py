"""What resources of the account say of themselves to IAM: their tags, and their own policies."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import moto.backends
from botocore.exceptions import ClientError

from preflight.aws import iam_policy_evaluation
from preflight.aws.iam_policy_evaluation import Policy
from preflight.rehearsal import acting
from preflight.rehearsal.account import Account

Tags = Mapping[str, str]
Client = Callable[[str], Any]
_T = TypeVar("_T")
_BUCKET = re.compile(r"^arn:(?P<partition>[a-z-]+):s3:::(?P<bucket>[^/]+)")
_REPOSITORY = re.compile(r"^arn:(?P<partition>[a-z-]+):ecr:(?P<region>[^:]+):\d+:repository/(?P<name>.+)$")


class ResourcePolicies:
    """Reads tags and policies of resources by their ARN."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def tags(self, arn: str, region: str) -> Tags:
        """The tags of a resource; none where it does not exist, or where its service's are not read here."""
        read = _READERS.get(arn.split(":")[2]) if arn.count(":") >= 5 else None
        return {} if read is None else self._asked(lambda client: read(client, arn), region) or {}

    def whole(self, arn: str, region: str) -> Sequence[str | None]:
        """The ARNs of what was named in short: a stack, both ends of an association, the role of a definition.

        None is among them if it is unknown.
        """
        for pattern, find in _FINDERS:
            if pattern.search(arn):
                arns = self._asked(lambda client, find=find: find(client, arn), region)  # type: ignore[misc]  # bound here
                return arns if arns is not None else [arn] if _is_stack(arn) else []
        return [arn]

    def _asked(self, ask: Callable[[Client], _T], region: str) -> _T | None:
        """What the account's administrator is answered, None where nothing is there."""
        try:
            with acting.acting_as(None):
                return ask(functools.partial(self._account.client, region=region))
        except ClientError:
            return None

    def policy(self, arn: str) -> Policy | None:
        """The policy of a bucket, for it and its objects, or of a repository; None where there is none."""
        match = _BUCKET.match(arn)
        if match:
            return self._of_bucket(**match.groupdict())
        match = _REPOSITORY.match(arn)
        return self._of_repository(match["name"], match["region"]) if match else None

    def _of_bucket(self, partition: str, bucket: str) -> Policy | None:
        stored = moto.backends.get_backend("s3")[self._account.id][partition].buckets.get(bucket)
        text = getattr(stored, "policy", None)
        return iam_policy_evaluation.document(text.decode() if isinstance(text, bytes) else text)

    def _of_repository(self, name: str, region: str) -> Policy | None:
        try:
            repository = moto.backends.get_backend("ecr")[self._account.id][region].repositories.get(name)
        except KeyError:  # there is no such region
            return None
        return iam_policy_evaluation.document(getattr(repository, "policy", None))


def _is_stack(arn: str) -> bool:
    """Whether an ARN is a stack's or a change set's, which is asked for even where it does not exist."""
    return arn.split(":")[2] == "cloudformation"


def _stack(client: Client, arn: str) -> list[str | None]:
    name = arn.split("stack/")[1].partition("/")[0]
    return [client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]["StackId"]]


def _stack_of_change_set(client: Client, arn: str) -> list[str | None]:
    return [client("cloudformation").describe_change_set(ChangeSetName=arn)["StackId"]]


def _ends(client: Client, arn: str) -> list[str | None]:
    head, _, association = arn.partition(":route-table-association/")
    within = [{"Name": "association.route-table-association-id", "Values": [association]}]
    for table in client("ec2").describe_route_tables(Filters=within)["RouteTables"]:
        subnets = [a.get("SubnetId") for a in table["Associations"] if a["RouteTableAssociationId"] == association]
        return [f"{head}:route-table/{table['RouteTableId']}", *(f"{head}:subnet/{s}" for s in subnets if s)]
    return [None]


def _role_of_definition(client: Client, arn: str) -> list[str | None]:
    """The role that a task definition names in a member: none where it names none, or does not exist."""
    name, _, member = arn.rpartition("/")
    definition = client("ecs").describe_task_definition(taskDefinition=name.removesuffix(":*"))["taskDefinition"]
    return [definition[member]] if definition.get(member) else []


_FINDERS: Sequence[tuple[re.Pattern[str], Callable[[Client, str], list[str | None]]]] = (
    (re.compile(r":stack/[^/]+/\*$"), _stack),
    (re.compile(r":changeSet/"), _stack_of_change_set),
    (re.compile(r":route-table-association/"), _ends),
    (re.compile(r":task-definition/.+/(execution|task)RoleArn$"), _role_of_definition),
)


def _of_ec2(client: Client, arn: str) -> Tags:
    within = [{"Name": "resource-id", "Values": [arn.rpartition("/")[2]]}]
    return {tag["Key"]: tag["Value"] for tag in client("ec2").describe_tags(Filters=within)["Tags"]}


def _of_ecs(client: Client, arn: str) -> Tags:
    return {tag["key"]: tag["value"] for tag in client("ecs").list_tags_for_resource(resourceArn=arn)["tags"]}


def _of_ecr(client: Client, arn: str) -> Tags:
    return {tag["Key"]: tag["Value"] for tag in client("ecr").list_tags_for_resource(resourceArn=arn)["tags"]}


def _of_logs(client: Client, arn: str) -> Tags:
    tags: Tags = client("logs").list_tags_for_resource(resourceArn=arn.removesuffix(":log-stream:"))["tags"]
    return tags


def _of_iam(client: Client, arn: str) -> Tags:
    kind, name = arn.split(":")[5].partition("/")[0], arn.rpartition("/")[2]
    if kind != "role":
        return {}
    return {tag["Key"]: tag["Value"] for tag in client("iam").list_role_tags(RoleName=name)["Tags"]}


def _of_stack(client: Client, arn: str) -> Tags:
    stack = client("cloudformation").describe_stacks(StackName=arn)["Stacks"][0]
    return {tag["Key"]: tag["Value"] for tag in stack.get("Tags") or []}


def _of_balancer(client: Client, arn: str) -> Tags:
    described = client("elbv2").describe_tags(ResourceArns=[arn])["TagDescriptions"]
    return {tag["Key"]: tag["Value"] for description in described for tag in description["Tags"]}


_READERS: Mapping[str, Callable[[Client, str], Tags]] = {
    "cloudformation": _of_stack,
    "ec2": _of_ec2,
    "ecr": _of_ecr,
    "ecs": _of_ecs,
    "elasticloadbalancing": _of_balancer,
    "iam": _of_iam,
    "logs": _of_logs,
}
