"""CloudFormation stacks: creates, updates, watches and deletes them, and reports why one failed."""

from __future__ import annotations

import contextlib
import datetime as dt
import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from botocore.exceptions import ClientError

from preflight.deploy import aws_errors, run_tags
from preflight.deploy.change_sets import ChangeSet, ChangeSets, StackRequest
from preflight.deploy.session import Session
from preflight.model import JsonObject
from preflight.system import waiting

ResourceSummary = JsonObject  # a resource of ListStackResources
StackEvent = JsonObject  # an event of DescribeStackEvents
StackDescription = JsonObject  # a stack of DescribeStacks
STACK = "AWS::CloudFormation::Stack"
REVIEW = "REVIEW_IN_PROGRESS"
UPDATING = "UPDATE_IN_PROGRESS"
DEPLOY_TIMEOUT = 3600.0
DELETE_TIMEOUT = 1800.0
MAX_IDLE_POLLS = 5  # until a stack whose deletion does not begin counts as kept
CANCELLED = ("Resource creation cancelled", "Resource update cancelled")


@dataclass(frozen=True)
class Failure:
    """A resource or a stack that failed, with the reason in AWS's words."""

    stack: str
    logical: str | None
    kind: str
    status: str
    reason: str


class RefusedError(Exception):
    """CloudFormation refused a request at once."""

    def __init__(self, stack: str, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.stack = stack
        self.code = code
        self.message = message


class StackFailedError(Exception):
    """A stack ended in another status than the requested one."""

    def __init__(self, stack: str, status: str, failures: Sequence[Failure]) -> None:
        super().__init__(f"{stack} ended in {status}")
        self.stack = stack
        self.status = status
        self.failures = tuple(failures)


class Stacks:
    """The stacks of one session."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._client = session.client("cloudformation")
        self._change_sets = ChangeSets(session)

    def create(self, request: StackRequest, name: str) -> ChangeSet:
        """Returns the change set of that name that creates a stack, not yet executed.

        Raises:
            RefusedError: CloudFormation refused the request.
            StackFailedError: validation failed; nothing exists but a stack in review.
        """
        return self._change_set(request, name, kind="CREATE")

    def update(self, request: StackRequest, name: str) -> ChangeSet | None:
        """Returns the change set of that name that updates a stack, or None if there is nothing to change.

        Raises:
            RefusedError: CloudFormation refused the request.
            StackFailedError: validation failed; nothing was changed.
        """
        change_set = self._change_set(request, name, kind="UPDATE")
        return None if change_set.is_empty else change_set

    def _change_set(self, request: StackRequest, name: str, *, kind: str) -> ChangeSet:
        try:
            change_set = self._change_sets.create(request, name, kind=kind)
        except ClientError as error:
            if aws_errors.is_account_error(error):
                raise
            raise RefusedError(request.name, aws_errors.code(error), error.response["Error"]["Message"]) from None
        if change_set.refused is None or change_set.is_empty:
            return change_set
        status = f"{kind}_FAILED"
        failures = [
            Failure(v.stack, v.logical, v.kind, status, v.reason) for v in self._change_sets.violations(change_set)
        ]
        if failures:
            raise StackFailedError(change_set.stack, status, failures)
        raise RefusedError(request.name, "ChangeSetFailed", change_set.refused)

    def execute(self, change_set: ChangeSet, *, look: Callable[[], None]) -> list[StackEvent]:
        """Execute a change set and wait until it is done; `look` is called each time it is not.

        Returns the events since, oldest first.

        Raises:
            StackFailedError: it failed and was rolled back.
            WaitExpiredError: it took too long.
        """
        stack = change_set.stack
        former = {event["EventId"] for event in self.events(stack)}
        self._change_sets.execute(change_set)

        def new_events() -> list[StackEvent]:
            return [event for event in self.events(stack) if event["EventId"] not in former]

        def probe() -> str | None:
            status = self.status(stack)
            is_finished = not status.endswith("_IN_PROGRESS") and _has_reported(new_events(), stack, status)
            if not is_finished:
                look()
            return status if is_finished else None

        status = waiting.until(
            probe,
            what=f"stack {stack} to be deployed",
            timeout=DEPLOY_TIMEOUT,
            interval=self._session.interval,
            sleep=self._session.sleep,
        )
        if status not in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
            raise StackFailedError(stack, status, list(self.failures(stack)))
        return new_events()

    def root_stacks(self) -> list[StackDescription]:
        """Returns the stacks that exist and are not nested in another one, newest first."""
        pages = self._client.get_paginator("describe_stacks").paginate()
        roots = [stack for page in pages for stack in page["Stacks"] if not stack.get("RootId")]
        return sorted(roots, key=lambda stack: stack["CreationTime"], reverse=True)

    def tags(self, stack: str) -> dict[str, str]:
        """Returns the tags of a stack, or those that its change sets would give it if it is in review."""
        description = self._describe(stack)
        tags = run_tags.of_list(description.get("Tags") or [])
        if tags or description.get("StackStatus") != REVIEW:
            return tags
        try:
            return self._change_sets.tags(stack)
        except ClientError as error:
            if _is_gone(error):
                return {}
            raise

    def status(self, stack: str) -> str:
        """Returns the status of a stack; DELETE_COMPLETE if there is none."""
        return str(self._describe(stack).get("StackStatus", "DELETE_COMPLETE"))

    def id(self, stack: str) -> str | None:
        """Returns the id of the stack of a name, or None if there is none."""
        return self._describe(stack).get("StackId")

    def created(self, stack: str) -> dt.datetime | None:
        """Returns when a stack was created, or None if there is none."""
        return self._describe(stack).get("CreationTime")

    def _describe(self, stack: str) -> StackDescription:
        """Returns a stack as DescribeStacks shows it, or nothing if it is gone."""
        try:
            return dict(self._client.describe_stacks(StackName=stack)["Stacks"][0])
        except ClientError as error:
            if _is_gone(error):
                return {}
            raise

    def events(self, stack: str) -> list[StackEvent]:
        """Returns the events of a stack, oldest first."""
        pages = self._client.get_paginator("describe_stack_events").paginate(StackName=stack)
        return [event for page in pages for event in page["StackEvents"]][::-1]

    def failures(self, stack: str) -> Iterator[Failure]:
        """Yields what failed, in that order, those in nested stacks included; cancelled siblings are left out."""
        has_failures = False
        for event in self.events(stack):
            reason, physical = event.get("ResourceStatusReason", ""), event.get("PhysicalResourceId", "")
            if not event["ResourceStatus"].endswith("_FAILED") or reason in CANCELLED or physical == stack:
                continue
            if event["ResourceType"] == STACK and physical.startswith("arn:"):
                nested = list(self.failures(physical))
            else:
                nested = []
            nested = nested or [Failure(stack, event["LogicalResourceId"], event["ResourceType"], event["ResourceStatus"], reason)]
            has_failures = has_failures or bool(nested)
            yield from nested
        if not has_failures:
            yield from self._failure_of_stack(stack)

    def _failure_of_stack(self, stack: str) -> Iterator[Failure]:
        """Yields the first failure, or the beginning of the rollback, of the stack itself."""
        for event in self.events(stack):
            status = event["ResourceStatus"]
            if event["PhysicalResourceId"] == stack and ("ROLLBACK_IN_PROGRESS" in status or status.endswith("_FAILED")):
                reason = event.get("ResourceStatusReason", "").removesuffix(" Rollback requested by user.")
                yield Failure(stack, None, STACK, status, reason)
                return

    def outputs(self, stack: str) -> dict[str, str]:
        """Returns the outputs of a stack by name."""
        outputs = self._client.describe_stacks(StackName=stack)["Stacks"][0].get("Outputs") or []
        return {output["OutputKey"]: output["OutputValue"] for output in outputs}

    def resources(self, stack: str) -> list[ResourceSummary]:
        """Returns the resources of a stack, or none if it is gone."""
        try:
            pages = self._client.get_paginator("list_stack_resources").paginate(StackName=stack)
            return [resource for page in pages for resource in page["StackResourceSummaries"]]
        except ClientError as error:
            if _is_gone(error):
                return []
            raise

    def template_url(self, stack: str, logical: str) -> str | None:
        """Returns the TemplateURL of a nested stack, from the events of its parent."""
        for event in self.events(stack):
            if event["LogicalResourceId"] == logical and event.get("ResourceProperties"):
                properties = json.loads(event["ResourceProperties"])
                if isinstance(properties, dict) and "TemplateURL" in properties:
                    return str(properties["TemplateURL"])
        return None

    def delete(self, stack: str) -> None:
        """Delete a stack and wait until it is gone; an update in progress is cancelled first.

        Raises:
            StackFailedError: it could not be deleted.
            WaitExpiredError: it took too long.
        """
        former = self._wait_for_update(stack)
        self._client.delete_stack(StackName=stack)
        idle_polls = itertools.count()

        def probe() -> str | None:
            status = self.status(stack)
            has_begun = status.startswith("DELETE_") and status != former  # a second attempt begins at DELETE_FAILED
            is_idle = not status.endswith("_IN_PROGRESS") and not has_begun and next(idle_polls) < MAX_IDLE_POLLS
            is_finished = status == "DELETE_COMPLETE" or not (status.endswith("_IN_PROGRESS") or is_idle)
            return status if is_finished else None

        status = waiting.until(
            probe, what=f"stack {stack} to be deleted", timeout=DELETE_TIMEOUT, interval=self._session.interval
        )
        if status != "DELETE_COMPLETE":
            raise StackFailedError(stack, status, self._deletion_failures(stack, status))

    def _wait_for_update(self, stack: str) -> str:
        """Cancel an update, during which AWS refuses to delete the stack, and return the status after it.

        https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CancelUpdateStack.html
        """

        def probe() -> str | None:
            status = self.status(stack)
            if status == UPDATING:
                with contextlib.suppress(ClientError):  # one that cannot be cancelled, or has ended, is waited for
                    self._client.cancel_update_stack(StackName=stack)
            return None if status.startswith("UPDATE_") and status.endswith("_IN_PROGRESS") else status

        return waiting.until(
            probe, what=f"the update of stack {stack} to end", timeout=DELETE_TIMEOUT, interval=self._session.interval
        )

    def _deletion_failures(self, stack: str, status: str) -> list[Failure]:
        """Returns what could not be deleted, or else the last reason that CloudFormation gave for the stack itself."""
        failures = list(self._undeleted(stack))
        reasons = [e.get("ResourceStatusReason", "") for e in self.events(stack) if e["PhysicalResourceId"] == stack]
        return failures or [Failure(stack, None, STACK, status, reasons[-1] if reasons else "")]

    def _undeleted(self, stack: str) -> Iterator[Failure]:
        """Yields what could not be deleted in the last attempt, in nested stacks too."""
        for resource in self.resources(stack):
            if resource["ResourceStatus"] == "DELETE_FAILED":
                kind, physical = resource["ResourceType"], resource.get("PhysicalResourceId") or ""
                nested = list(self._undeleted(physical)) if kind == STACK and physical else []
                reason = resource.get("ResourceStatusReason", "")
                yield from nested or [Failure(stack, resource["LogicalResourceId"], kind, "DELETE_FAILED", reason)]

    def retained(self, stack: str) -> Iterator[tuple[str, str]]:
        """Yields type and physical id of what its DeletionPolicy kept when a stack was deleted, in nested stacks too."""
        for event in self.events(stack):
            physical = event.get("PhysicalResourceId") or ""
            if event["ResourceStatus"] == "DELETE_SKIPPED":
                yield event["ResourceType"], physical
            is_nested = event["ResourceType"] == STACK and physical.startswith("arn:") and physical != stack
            if is_nested and event["ResourceStatus"] == "DELETE_COMPLETE":
                yield from self.retained(physical)


def _has_reported(events: Sequence[StackEvent], stack: str, status: str) -> bool:
    """Whether an event reports `status` for the stack itself; DescribeStacks may still return the previous one."""
    return any(event["ResourceStatus"] == status and event["PhysicalResourceId"] == stack for event in events)


def _is_gone(error: ClientError) -> bool:
    return "does not exist" in error.response["Error"]["Message"]
