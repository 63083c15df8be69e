"""Change sets: the changes of an operation on a stack, computed before it is executed.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-changesets.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from preflight.deploy import aws_errors, run_tags
from preflight.deploy.session import Session
from preflight.model import JsonObject, PropertyChange
from preflight.system import waiting

ChangeSetDescription = JsonObject  # of DescribeChangeSet
TIMEOUT = 600.0
NO_CHANGES = ("didn't contain changes", "No updates are to be performed")
RECREATIONS = ("Never", "Conditionally", "Always")
MAX_TEXT = 4096  # characters of a value in reports
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
class PlannedChange:
    """One change in a stack: `action` is Add, Modify, Remove, Import or Dynamic, `replacement` True, False or Conditional.

    `policy` is what becomes of what is replaced or removed, `after` has the properties after an update.
    """

    action: str
    logical: str
    kind: str
    stack: str = ""
    name: str = ""  # of the stack; of a nested one its logical id after those around it
    physical: str = ""
    replacement: str = "False"
    policy: str | None = None
    properties: tuple[PropertyChange, ...] = ()
    after: JsonObject = field(default_factory=dict)


@dataclass(frozen=True)
class ChangeSet:
    """A change set that can be executed, or cannot: then `refused` says why."""

    id: str
    stack: str
    changes: tuple[PlannedChange, ...] = ()
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
        options = {"IncludeNestedStacks": True} if kind == "UPDATE" else {}
        try:
            response = self._client.create_change_set(
                **options,
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
            description = self._client.describe_change_set(ChangeSetName=arn, IncludePropertyValues=True)
            return None if description["Status"].endswith(("_IN_PROGRESS", "_PENDING")) else dict(description)

        description = waiting.until(
            probe, what=f"change set {arn}", timeout=TIMEOUT, interval=self._session.interval, sleep=self._session.sleep
        )
        status = description["Status"]
        refused = description.get("StatusReason") or status if status != "CREATE_COMPLETE" else None
        return ChangeSet(arn, stack, tuple(self._changes(arn, description, description["StackName"])), refused)

    def _changes(self, arn: str, page: ChangeSetDescription, name: str) -> Iterator[PlannedChange]:
        while True:
            for change in page.get("Changes") or []:
                resource = change.get("ResourceChange") or {}
                nested = resource.get("ChangeSetId")
                if nested:
                    description = self._client.describe_change_set(ChangeSetName=nested, IncludePropertyValues=True)
                    yield from self._changes(nested, dict(description), f"{name}/{resource['LogicalResourceId']}")
                else:
                    yield _resource_change(resource, stack=page["StackId"], name=name)
            if not page.get("NextToken"):
                return
            page = self._client.describe_change_set(ChangeSetName=arn, NextToken=page["NextToken"], IncludePropertyValues=True)

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


def _resource_change(change: JsonObject, *, stack: str, name: str) -> PlannedChange:
    """Returns a change as DescribeChangeSet has it.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceChange.html
    """
    before, after = (_properties(change.get(key)) for key in ("BeforeContext", "AfterContext"))
    return PlannedChange(
        change.get("Action", ""),
        change.get("LogicalResourceId", ""),
        change.get("ResourceType", ""),
        stack,
        name,
        change.get("PhysicalResourceId") or "",
        change.get("Replacement") or "False",
        change.get("PolicyAction"),
        tuple(_property_changes(change.get("Details") or [], before, after)),
        after,
    )


def _properties(context: str | None) -> JsonObject:
    """Returns the properties in a BeforeContext or AfterContext."""
    try:
        read = json.loads(context or "{}")
    except ValueError:
        return {}
    properties = read.get("Properties") if isinstance(read, dict) else None
    return properties if isinstance(properties, dict) else {}


def _property_changes(details: Sequence[JsonObject], before: JsonObject, after: JsonObject) -> Iterator[PropertyChange]:
    """Yields the change of each property; a change set may have several details about one."""
    recreations: dict[str, str] = {}
    for target in (detail.get("Target") or {} for detail in details):
        name, recreation = target.get("Name"), target.get("RequiresRecreation") or "Never"
        if target.get("Attribute") == "Properties" and name:
            recreations[name] = max(recreations.get(name, "Never"), recreation, key=RECREATIONS.index)
    for name, recreation in recreations.items():
        yield PropertyChange(name, _text(before.get(name)), _text(after.get(name)), recreation)


def _text(value: Any) -> str | None:
    if value is None:
        return None
    text = value if isinstance(value, str) else json.dumps(value, separators=(", ", ": "))
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}…"
