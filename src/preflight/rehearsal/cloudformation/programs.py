"""Resources whose programs run on AWS and not in the rehearsal: custom resources, builds, pipelines, functions."""

from __future__ import annotations

import json
import re
from collections.abc import Collection

from preflight.rehearsal.cloudformation.stack import Resource, Stack, Stacks
from preflight.templates import dependency_graph, schemas

BUILDERS = frozenset(
    {
        "AWS::CodeBuild::Project",
        "AWS::CodePipeline::Pipeline",
        "AWS::EC2::Instance",
        "AWS::ImageBuilder::Image",
        "AWS::ImageBuilder::ImagePipeline",
    }
)
FILE_WRITERS = frozenset(
    {
        "AWS::Batch::JobDefinition", "AWS::CodeBuild::Project", "AWS::DataSync::Task", "AWS::EC2::Instance",
        "AWS::EC2::LaunchTemplate", "AWS::Lambda::Function",
    }
)
# Custom resources of CDK that do one thing, and neither push an image nor write to a file system.
# Source: https://github.com/aws/aws-cdk/tree/main/packages/%40aws-cdk/custom-resource-handlers.
HELPERS_OF_CDK = frozenset(
    f"Custom::{name}"
    for name in (
        "AWSCDKOpenIdConnectProvider", "CDKBucketDeployment", "CrossRegionExportReader", "CrossRegionExportWriter",
        "ECRAutoDeleteImages", "LogRetention", "S3AutoDeleteObjects", "S3BucketNotifications",
        "VpcRestrictDefaultSG",
    )
)


class Programs:
    """The programs of all stacks."""

    def __init__(self, stacks: Stacks) -> None:
        self._stacks = stacks

    def pusher(self, repository: str, user: str) -> str | None:
        """Returns what may push an image to a repository before its user (ARN of a service) needs it, or None."""
        return self._find(BUILDERS, repository, user)

    def file_writer(self, file_system: str, user: str) -> str | None:
        """Returns what may create a folder of a file system before its user needs it, or None."""
        return self._find(FILE_WRITERS, file_system, user)

    def _find(self, types: Collection[str], target: str, user: str) -> str | None:
        """Returns a program that has to do with the target, or for which the user waits."""
        for stack in self._stacks.all():
            for resource in list(stack.resources.values()) if stack.status != "DELETE_COMPLETE" else ():
                if _is_program(resource, types) and (
                    _has_to_do_with(stack, resource.logical_id, target) or _waits(stack, user, resource.logical_id)
                ):
                    return f"{resource.logical_id} ({resource.resource_type})"
        return None


def _is_program(resource: Resource, types: Collection[str]) -> bool:
    kind = resource.resource_type
    return kind in types or (schemas.is_custom(kind) and kind not in HELPERS_OF_CDK)


def _has_to_do_with(stack: Stack, program: str, target: str) -> bool:
    """Whether a program, what it needs or a policy of its roles is or names the target."""
    pattern = re.compile(rf"(?<![\w-]){re.escape(target)}(?![\w/-])")
    needed = {name for name in list(stack.resources) if dependency_graph.reaches(stack.needs, program, name)}
    policies = {n for n, r in list(stack.resources.items()) if _is_policy(r) and stack.needs.get(n, set()) & needed}
    resources = [stack.resources[name] for name in needed | policies]
    return any(r.physical_id == target or pattern.search(json.dumps(r.properties, default=str)) for r in resources)


def _is_policy(resource: Resource) -> bool:
    return resource.resource_type.startswith("AWS::IAM::") and resource.resource_type.endswith("Policy")


def _waits(stack: Stack, user: str, program: str) -> bool:
    users = [name for name, resource in list(stack.resources.items()) if resource.physical_id == user]
    return any(dependency_graph.reaches(stack.needs, name, program) for name in users)
