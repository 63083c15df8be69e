"""Change sets: what an operation on a stack would do, computed before it is done.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-changesets.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from preflight.deploy import aws_errors, run_tags
from preflight.deploy.session import Session
from preflight.system import waiting

TIMEOUT = 600.0
NO_CHANGES = ("didn't contain changes", "No updates are to be performed")
GONE = {"InvalidChangeSetStatus", "ChangeSetNotFound"}


@dataclass(frozen=True)
class StackRequest:
    """A stack as it is wanted."""

    name: str
    url: str
    parameters: Mapping[str, str]
    capabilities: Sequence[str]
    tags: Mapping[str, str]


@dataclass(frozen=True)
class Change:
    """One change: `action` is Add, Modify, Remove, Import or Dynamic."""

    action: str
    logical: str
    kind: str


@dataclass(frozen=True)
class ChangeSet:
    """A change set that can be executed, or (`refused` says why) cannot."""

    id: str
    stack: str
    changes: tuple[Change, ...] = ()
    refused: str | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing is to be changed."""
        return self.refused is not None and any(said in self.refused for said in NO_CHANGES)


@dataclass(frozen=True)
class ValidationFailure:
    """What pre-deployment validation refuses, in AWS's words."""

    stack: str
    logical: str
    kind: str
    reason: str


class ChangeSets:
    """The change sets of one session."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._client = session.client("cloudformation")

    def make(self, wanted: StackRequest, name: str, *, kind: str) -> ChangeSet:
        """A change set of that kind, CREATE or UPDATE, once it is computed.

        Raises:
            ClientError: CloudFormation refused the request.
            WaitExpiredError: it took too long.
        """
        try:
            made = self._client.create_change_set(
                StackName=wanted.name,
                ChangeSetName=name,
                ChangeSetType=kind,
                TemplateURL=wanted.url,
                Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in wanted.parameters.items()],
                Capabilities=list(wanted.capabilities),
                Tags=[{"Key": k, "Value": v} for k, v in wanted.tags.items()],
            )
        except ClientError as error:
            if aws_errors.code(error) != "AlreadyExistsException":  # an answer was lost, and the request came twice
                raise
            made = self._client.describe_change_set(StackName=wanted.name, ChangeSetName=name)
            made["Id"] = made["ChangeSetId"]
        return self._computed(made["Id"], made["StackId"])

    def _computed(self, arn: str, stack: str) -> ChangeSet:
        def probe() -> dict[str, Any] | None:
            found = self._client.describe_change_set(ChangeSetName=arn)
            return None if found["Status"].endswith(("_IN_PROGRESS", "_PENDING")) else dict(found)

        found = waiting.until(
            probe, what=f"change set {arn}", timeout=TIMEOUT, interval=self._session.interval, sleep=self._session.sleep
        )
        refused = found.get("StatusReason") or found["Status"] if found["Status"] != "CREATE_COMPLETE" else None
        return ChangeSet(arn, stack, tuple(self._changes(arn, found)), refused)

    def _changes(self, arn: str, found: Mapping[str, Any]) -> Iterator[Change]:
        while True:
            for change in found.get("Changes") or []:
                one = change.get("ResourceChange") or {}
                yield Change(one.get("Action", ""), one.get("LogicalResourceId", ""), one.get("ResourceType", ""))
            if not found.get("NextToken"):
                return
            found = self._client.describe_change_set(ChangeSetName=arn, NextToken=found["NextToken"])

    def violations(self, made: ChangeSet) -> Iterator[ValidationFailure]:
        """What validation found wrong with it.

        https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/validate-stack-deployments.html
        """
        pages = self._client.get_paginator("describe_events").paginate(
            ChangeSetName=made.id, Filters={"FailedEvents": True}
        )
        for event in (event for page in pages for event in page["OperationEvents"]):
            if event.get("EventType") == "VALIDATION_ERROR" and event.get("ValidationFailureMode") != "WARN":
                reason = event.get("ValidationStatusReason", "")
                yield ValidationFailure(made.stack, event.get("LogicalResourceId", ""), event.get("ResourceType", ""), reason)

    def tags(self, stack: str) -> dict[str, str]:
        """The tags that the change sets of a stack in review would give it."""
        listed = self._client.list_change_sets(StackName=stack)["Summaries"]
        described = [self._client.describe_change_set(ChangeSetName=one["ChangeSetId"]) for one in listed]
        return {key: value for one in described for key, value in run_tags.of_list(one.get("Tags") or []).items()}

    def execute(self, made: ChangeSet) -> None:
        """Begin to do what a change set says."""
        try:
            self._client.execute_change_set(ChangeSetName=made.id)
        except ClientError as error:
            if aws_errors.code(error) not in GONE or not self._was_executed(made):
                raise

    def _was_executed(self, made: ChangeSet) -> bool:
        """Whether it was: then an answer was lost, and the request came twice."""
        try:
            found = self._client.describe_change_set(ChangeSetName=made.id)
        except ClientError as error:
            return aws_errors.code(error) == "ChangeSetNotFound"
        return str(found["ExecutionStatus"]).startswith("EXECUTE_")
