"""Change sets: the changes of an operation on a stack, computed before it is executed.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-changesets.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from botocore.exceptions import ClientError

from preflight.deploy import aws_errors, run_tags
from preflight.deploy.session import Session
from preflight.model import JsonObject
from preflight.system import waiting

ChangeSetDescription = JsonObject  # of DescribeChangeSet
TIMEOUT = 600.0
NO_CHANGES = ("didn't contain changes", "No updates are to be performed")
EXECUTED_OR_GONE = {"InvalidChangeSetStatus", "ChangeSetNotFound"}


@dataclass(frozen=True)
class StackRequest:
    """The stack to create or update."""

    name: str
    url: str
    parameters: Mapping[str, str]
    capabilities: Sequence[str]
    tags: Mapping[str, str]


@dataclass(frozen=True)
class ResourceChange:
    """One change: `action` is Add, Modify, Remove, Import or Dynamic."""

    action: str
    logical: str
    kind: str


@dataclass(frozen=True)
class ChangeSet:
    """A change set that can be executed, or cannot: then `refused` says why."""

    id: str
    stack: str
    changes: tuple[ResourceChange, ...] = ()
    refused: str | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to change."""
        return self.refused is not None and any(text in self.refused for text in NO_CHANGES)


@dataclass(frozen=True)
class ValidationFailure:
    """A resource that pre-deployment validation refuses, with the reason in AWS's words."""

    stack: str
    logical: str
    kind: str
    reason: str


class ChangeSets:
    """The change sets of one session."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._client = session.client("cloudformation")

    def create(self, request: StackRequest, name: str, *, kind: str) -> ChangeSet:
        """Returns a change set of that kind, CREATE or UPDATE, once it is computed.

        Raises:
            ClientError: CloudFormation refused the request.
            WaitExpiredError: it took too long.
        """
        try:
            response = self._client.create_change_set(
                StackName=request.name,
                ChangeSetName=name,
                ChangeSetType=kind,
                TemplateURL=request.url,
                Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in request.parameters.items()],
                Capabilities=list(request.capabilities),
                Tags=[{"Key": k, "Value": v} for k, v in request.tags.items()],
            )
            arn = response["Id"]
        except ClientError as error:
            if aws_errors.code(error) != "AlreadyExistsException":  # the first answer was lost, and the request repeated
                raise
            response = self._client.describe_change_set(StackName=request.name, ChangeSetName=name)
            arn = response["ChangeSetId"]
        return self._computed(arn, response["StackId"])

    def _computed(self, arn: str, stack: str) -> ChangeSet:
        def probe() -> ChangeSetDescription | None:
            description = self._client.describe_change_set(ChangeSetName=arn)
            return None if description["Status"].endswith(("_IN_PROGRESS", "_PENDING")) else dict(description)

        description = waiting.until(
            probe, what=f"change set {arn}", timeout=TIMEOUT, interval=self._session.interval, sleep=self._session.sleep
        )
        status = description["Status"]
        refused = description.get("StatusReason") or status if status != "CREATE_COMPLETE" else None
        return ChangeSet(arn, stack, tuple(self._changes(arn, description)), refused)

    def _changes(self, arn: str, page: ChangeSetDescription) -> Iterator[ResourceChange]:
        while True:
            for change in page.get("Changes") or []:
                resource = change.get("ResourceChange") or {}
                logical, kind = resource.get("LogicalResourceId", ""), resource.get("ResourceType", "")
                yield ResourceChange(resource.get("Action", ""), logical, kind)
            if not page.get("NextToken"):
                return
            page = self._client.describe_change_set(ChangeSetName=arn, NextToken=page["NextToken"])

    def violations(self, change_set: ChangeSet) -> Iterator[ValidationFailure]:
        """Yields what validation found wrong with a change set.

        https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/validate-stack-deployments.html
        """
        pages = self._client.get_paginator("describe_events").paginate(
            ChangeSetName=change_set.id, Filters={"FailedEvents": True}
        )
        for event in (event for page in pages for event in page["OperationEvents"]):
            if event.get("EventType") == "VALIDATION_ERROR" and event.get("ValidationFailureMode") != "WARN":
                yield ValidationFailure(
                    change_set.stack,
                    event.get("LogicalResourceId", ""),
                    event.get("ResourceType", ""),
                    event.get("ValidationStatusReason", ""),
                )

    def tags(self, stack: str) -> dict[str, str]:
        """Returns the tags that the change sets of a stack in review would give it."""
        tags: dict[str, str] = {}
        for summary in self._client.list_change_sets(StackName=stack)["Summaries"]:
            description = self._client.describe_change_set(ChangeSetName=summary["ChangeSetId"])
            tags |= run_tags.of_list(description.get("Tags") or [])
        return tags

    def execute(self, change_set: ChangeSet) -> None:
        """Begin to execute a change set."""
        try:
            self._client.execute_change_set(ChangeSetName=change_set.id)
        except ClientError as error:
            if aws_errors.code(error) not in EXECUTED_OR_GONE or not self._was_executed(change_set):
                raise

    def _was_executed(self, change_set: ChangeSet) -> bool:
        """Whether it was executed already: then the first answer was lost, and the request repeated."""
        try:
            description = self._client.describe_change_set(ChangeSetName=change_set.id)
        except ClientError as error:
            return aws_errors.code(error) == "ChangeSetNotFound"
        return str(description["ExecutionStatus"]).startswith("EXECUTE_")
