"""Deletes what a run made: stacks with all that keeps them from going, and what outlives them.

A stack's log groups, images and objects are not its resources, and a repository or a bucket that is
not empty keeps its stack: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/troubleshooting.html.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from preflight.deploy import aws_errors, run_tags, stacks
from preflight.deploy.session import Session
from preflight.deploy.stacks import StackFailedError, Stacks
from preflight.deploy.template_bucket import Bucket
from preflight.model import Say
from preflight.system import waiting

TRIES = 3
GONE = {"ResourceNotFoundException", "RepositoryNotFoundException", "ImageNotFoundException", "ClusterNotFoundException"}
INSIGHTS = "/aws/ecs/containerinsights/{}/performance"


class Removal:
    """Deletes things of one session: what carries our tags, or what its caller created itself."""

    def __init__(self, session: Session, say: Say) -> None:
        self._session = session
        self._say = say
        self._stacks = Stacks(session)
        self._ecr = session.client("ecr")
        self._logs = session.client("logs")

    def stack(self, stack: str, *, own: Mapping[str, str] | None = None) -> list[str]:
        """Delete a stack and what outlives it, and return lines that say what is kept.

        A stack without our tags is left alone, unless its caller created it: then `own` are its tags,
        whatever CloudFormation shows of them.

        Raises:
            StackFailedError: it could not be deleted, not even by trying again.
            WaitExpiredError: that took too long.
        """
        marks = self._stacks.tags(stack)
        if run_tags.read(marks) is None:
            if own is None or self._stacks.status(stack) == "DELETE_COMPLETE":
                return []
            marks = dict(own)
        stack = self._stacks.id(stack) or stack  # once it is gone, its name leads nowhere
        since = self._stacks.created(stack)
        remaining: list[str] = []
        groups = list(self._adopted(stack, marks, since, remaining))
        self._delete(stack)
        for group in groups:
            self.log_group(group)
        return remaining + [line for kind, name in self._stacks.retained(stack) for line in self._retained(kind, name)]

    def _claim(self, cluster: str, marks: Mapping[str, str]) -> None:
        """Make the log group that Container Insights may yet make for a cluster that is measured, with our tags.

        A log group created during the deletion would have no owner if this run were killed before it sees it.
        """
        group = _insights(cluster)
        try:
            if self._is_measured(cluster):
                self._logs.create_log_group(logGroupName=group, tags=_own(marks))
        except ClientError as error:
            if aws_errors.code(error) != "ResourceAlreadyExistsException":
                self._say(f"log group {group} may be left: {aws_errors.describe(error)}")

    def _is_measured(self, cluster: str) -> bool:
        clusters = self._session.client("ecs").describe_clusters(clusters=[cluster], include=["SETTINGS"])["clusters"]
        settings = [setting for one in clusters for setting in one.get("settings") or []]
        return any(s["name"] == "containerInsights" and s["value"] != "disabled" for s in settings)

    def _delete(self, stack: str) -> None:
        for attempt in range(TRIES):
            self._empty(stack)
            try:
                self._stacks.delete(stack)
            except StackFailedError as error:
                if attempt == TRIES - 1:
                    raise
                self._say(f"{stack} was not deleted: {'; '.join(f.reason for f in error.failures)}; trying again")
                waiting.pause(self._session.interval * 5)
            else:
                return

    def _resources(self, stack: str, *, has_gone: bool = False) -> Iterator[tuple[str, str]]:
        """Type and physical id of every resource of a stack and of those nested in it; also what `has_gone`."""
        for resource in self._stacks.resources(stack):
            kind, physical = resource["ResourceType"], resource.get("PhysicalResourceId") or ""
            if physical and (has_gone or resource["ResourceStatus"] != "DELETE_COMPLETE"):
                yield kind, physical
                if kind == stacks.STACK:
                    yield from self._resources(physical, has_gone=has_gone)

    def _empty(self, stack: str) -> None:
        """Empty what keeps a stack from going; what has our tags, since a resource may have failed for a name in use."""
        for kind, physical in self._resources(stack):
            if kind == "AWS::ECR::Repository":
                self._try(self._empty_repository, physical)
            if kind == "AWS::S3::Bucket":
                self._try(self._empty_bucket, physical)

    def _try(self, empty: Callable[[str], None], name: str) -> None:
        """Empty something; where that is refused the stack may go all the same, or says what keeps it."""
        try:
            empty(name)
        except ClientError as error:
            self._say(f"{name} cannot be emptied: {aws_errors.describe(error)}")

    def _empty_bucket(self, name: str) -> None:
        bucket = Bucket(self._session, name)
        if run_tags.read(bucket.tags()) is not None:
            bucket.empty()

    def _empty_repository(self, name: str) -> None:
        if run_tags.read(self._marks(name)) is not None:
            self._forget_images(name)

    def _forget_images(self, repository: str) -> None:
        """Delete every image of a repository, in two rounds: those of a list of images go only once the list has gone.

        https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ImageFailure.html
        """
        for _ in range(2):
            pages = self._ecr.get_paginator("list_images").paginate(repositoryName=repository)
            digests = sorted({image["imageDigest"] for page in pages for image in page["imageIds"]})
            for start in range(0, len(digests), 100):
                some = [{"imageDigest": digest} for digest in digests[start : start + 100]]
                self._ecr.batch_delete_image(repositoryName=repository, imageIds=some)

    def _adopted(
        self, stack: str, marks: Mapping[str, str], since: dt.datetime | None, remaining: list[str]
    ) -> Iterator[str]:
        """Yields log groups that ECS created, or may create, for a stack; tagged, so that a sweep finds them.

        Container Insights creates one for a cluster, and the log driver one for a container with
        awslogs-create-group. One that is older than the stack was there before. What cannot be looked
        up or tagged is added to `kept`; the stack is deleted all the same.
        https://docs.aws.amazon.com/AmazonECS/latest/developerguide/cloudwatch-container-insights.html
        https://docs.aws.amazon.com/AmazonECS/latest/developerguide/specify-log-config.html
        """
        names = dict.fromkeys(self._group_names(stack, marks, remaining))
        yield from (name for name in names if since is not None and self._adopt(name, marks, since, remaining))

    def _adopt(self, name: str, marks: Mapping[str, str], since: dt.datetime, remaining: list[str]) -> bool:
        """Give a log group that is not older than its stack our tags. Returns whether it has them now."""
        try:
            group = self._group(name)
            if group is None or group["creationTime"] < since.timestamp() * 1000:
                return False
            self._logs.tag_resource(resourceArn=_arn(group), tags=_own(marks))
        except ClientError as error:
            remaining.append(f"log group {name} may be left: {aws_errors.describe(error)}")
            return False
        return True

    def _group_names(self, stack: str, marks: Mapping[str, str], remaining: list[str]) -> Iterator[str]:
        declared = {physical for kind, physical in self._resources(stack) if kind == "AWS::Logs::LogGroup"}
        for kind, physical in self._resources(stack, has_gone=True):
            if kind == "AWS::ECS::Cluster":
                self._claim(physical, marks)
                yield _insights(physical)
            if kind == "AWS::ECS::TaskDefinition":
                yield from (name for name in self._created_by_tasks(physical, remaining) if name not in declared)

    def _created_by_tasks(self, definition: str, remaining: list[str]) -> Iterator[str]:
        """Yields the log groups that containers of a task definition create."""
        try:
            response = self._session.client("ecs").describe_task_definition(taskDefinition=definition)
        except ClientError as error:
            remaining.append(f"log groups of {definition} may be left: {aws_errors.describe(error)}")
            return
        for container in response["taskDefinition"]["containerDefinitions"]:
            options = (container.get("logConfiguration") or {}).get("options") or {}
            is_created = str(options.get("awslogs-create-group", "")).lower() == "true"
            if is_created and options.get("awslogs-region", self._session.region) == self._session.region:
                yield str(options.get("awslogs-group", ""))

    def _group(self, name: str) -> dict[str, Any] | None:
        groups = self._logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
        return next((dict(group) for group in groups if group["logGroupName"] == name), None)

    def _retained(self, kind: str, physical: str) -> Iterator[str]:
        """Delete what a DeletionPolicy kept, if that is known how; yields a line if it stays."""
        remove = self._by_type.get(kind)
        if remove is None or not remove(physical):
            yield f"{kind} {physical} is kept: its DeletionPolicy says so"

    @property
    def _by_type(self) -> Mapping[str, Callable[[str], bool]]:
        return {"AWS::Logs::LogGroup": self.log_group, "AWS::S3::Bucket": self.bucket, "AWS::ECR::Repository": self.repository}

    def bucket(self, name: str, *, is_own: bool = False) -> bool:
        """Delete a bucket that carries our tags, or that its caller created, and all that is in it.

        Returns whether it was deleted, or had gone before.
        """
        bucket = Bucket(self._session, name)
        if not is_own and run_tags.read(bucket.tags()) is None:
            return False
        bucket.remove()
        return True

    def log_group(self, name: str) -> bool:
        """Delete a log group that carries our tags. Returns whether it was deleted."""
        group = self._group(name)
        if group is None or run_tags.read(self._logs.list_tags_for_resource(resourceArn=_arn(group))["tags"]) is None:
            return False
        self._forgive(self._logs.delete_log_group, logGroupName=name)
        return True

    def repository(self, name: str) -> bool:
        """Delete a repository that carries our tags, and its images. Returns whether it was deleted."""
        if run_tags.read(self._marks(name)) is None:
            return False
        self._forgive(self._ecr.delete_repository, repositoryName=name, force=True)
        return True

    def _marks(self, repository: str) -> dict[str, str]:
        """Tags of a repository; none where it is gone."""
        try:
            arn = self._ecr.describe_repositories(repositoryNames=[repository])["repositories"][0]["repositoryArn"]
            return run_tags.of_list(self._ecr.list_tags_for_resource(resourceArn=arn)["tags"])
        except ClientError as error:
            _unless_gone(error)
            return {}

    @staticmethod
    def _forgive(delete: Callable[..., Any], **parameters: Any) -> None:
        try:
            delete(**parameters)
        except ClientError as error:
            _unless_gone(error)


def _insights(cluster: str) -> str:
    """The log group of Container Insights for a cluster, by its name or ARN."""
    return INSIGHTS.format(cluster.rpartition("/")[2])


def _own(marks: Mapping[str, str]) -> dict[str, str]:
    """Our tags among those of a stack."""
    return {key: marks[key] for key in (run_tags.RUN, run_tags.EXPIRES, run_tags.PLAN)}


def _arn(group: Mapping[str, Any]) -> str:
    """ARN of a log group, as tags are asked for by it."""
    return str(group["arn"]).removesuffix(":*")


def _unless_gone(error: ClientError) -> None:
    """Raise an error, unless it says that there is no such thing any more."""
    if aws_errors.code(error) not in GONE:
        raise error
