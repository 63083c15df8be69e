"""Stacks of CloudFormation: create, watch, delete, and why one failed."""

from __future__ import annotations

import contextlib
import datetime as dt
import itertools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from preflight.deploy import aws_errors, run_tags
from preflight.deploy.change_sets import ChangeSet, ChangeSets, StackRequest
from preflight.deploy.session import Session
from preflight.system import waiting

STACK = "AWS::CloudFormation::Stack"
REVIEW = "REVIEW_IN_PROGRESS"
UPDATING = "UPDATE_IN_PROGRESS"
DEPLOY_TIMEOUT = 3600.0
DELETE_TIMEOUT = 1800.0
PATIENCE = 5  # questions until a stack that does not begin to be deleted counts as kept
CANCELLED = ("Resource creation cancelled", "Resource update cancelled")


@dataclass(frozen=True)
class Failure:
    """A resource that failed (or a stack that did): where, and in AWS's words why."""

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
    """A stack ended in another state than the one that was asked for."""

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
        self._changesets = ChangeSets(session)

    def create(self, wanted: StackRequest, change_set: str) -> ChangeSet:
        """Prepare to create a stack: the change set that shows what that makes.

        Raises:
            RefusedError: CloudFormation refused the request.
            FailedError: it found the template wrong; nothing was made but a stack in review.
        """
        return self._prepared(wanted, change_set, kind="CREATE")

    def update(self, wanted: StackRequest, change_set: str) -> ChangeSet | None:
        """Prepare to update a stack; None where there is nothing to change.

        Raises:
            RefusedError: CloudFormation refused the request.
            FailedError: it found the template wrong; nothing was changed.
        """
        made = self._prepared(wanted, change_set, kind="UPDATE")
        return None if made.is_empty else made

    def _prepared(self, wanted: StackRequest, change_set: str, *, kind: str) -> ChangeSet:
        try:
            made = self._changesets.make(wanted, change_set, kind=kind)
        except ClientError as error:
            if aws_errors.is_account_error(error):
                raise
            raise RefusedError(wanted.name, aws_errors.code(error), error.response["Error"]["Message"]) from None
        if made.refused is None or made.is_empty:
            return made
        wrong = [
            Failure(v.stack, v.logical, v.kind, f"{kind}_FAILED", v.reason) for v in self._changesets.violations(made)
        ]
        if wrong:
            raise StackFailedError(made.stack, f"{kind}_FAILED", wrong)
        raise RefusedError(wanted.name, "ChangeSetFailed", made.refused)

    def execute(self, made: ChangeSet, *, look: Callable[[], None]) -> list[dict[str, Any]]:
        """Do what a change set says and wait until that is done; `look` is called each time it is not yet.

        Returns the events since, oldest first.

        Raises:
            FailedError: it failed and was rolled back.
            WaitExpiredError: it took too long.
        """
        before = {event["EventId"] for event in self.events(made.stack)}
        self._changesets.execute(made)

        def since() -> list[dict[str, Any]]:
            return [event for event in self.events(made.stack) if event["EventId"] not in before]

        def probe() -> str | None:
            status = self.status(made.stack)
            is_over = not status.endswith("_IN_PROGRESS") and _has_come_to(status, made.stack, since())
            if not is_over:
                look()
            return status if is_over else None

        status = waiting.until(
            probe,
            what=f"stack {made.stack} to be deployed",
            timeout=DEPLOY_TIMEOUT,
            interval=self._session.interval,
            sleep=self._session.sleep,
        )
        if status not in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
            raise StackFailedError(made.stack, status, list(self.failures(made.stack)))
        return since()

    def living(self) -> list[dict[str, Any]]:
        """Every stack that is there and is not nested in another one, newest first, as DescribeStacks shows it."""
        pages = self._client.get_paginator("describe_stacks").paginate()
        found = [stack for page in pages for stack in page["Stacks"] if not stack.get("RootId")]
        return sorted(found, key=lambda stack: stack["CreationTime"], reverse=True)

    def tags(self, stack: str) -> dict[str, str]:
        """Tags of a stack; of one in review those that its change sets would give it; none where it is gone."""
        try:
            found = self._client.describe_stacks(StackName=stack)["Stacks"][0]
            given = run_tags.of_list(found.get("Tags") or [])
            return given or (self._changesets.tags(stack) if found["StackStatus"] == REVIEW else {})
        except ClientError as error:
            if _is_gone(error):
                return {}
            raise

    def status(self, stack: str) -> str:
        """Status of a stack; DELETE_COMPLETE where there is none."""
        return str(self._described(stack).get("StackStatus", "DELETE_COMPLETE"))

    def id(self, stack: str) -> str | None:
        """Id of the stack of a name; None where there is none."""
        return self._described(stack).get("StackId")

    def created(self, stack: str) -> dt.datetime | None:
        """When a stack was created; None where there is none."""
        return self._described(stack).get("CreationTime")

    def _described(self, stack: str) -> dict[str, Any]:
        """A stack as DescribeStacks shows it; nothing where it is gone."""
        try:
            return dict(self._client.describe_stacks(StackName=stack)["Stacks"][0])
        except ClientError as error:
            if _is_gone(error):
                return {}
            raise

    def events(self, stack: str) -> list[dict[str, Any]]:
        """Events of a stack, oldest first."""
        pages = self._client.get_paginator("describe_stack_events").paginate(StackName=stack)
        return [event for page in pages for event in page["StackEvents"]][::-1]

    def failures(self, stack: str) -> Iterator[Failure]:
        """What failed first, followed down into nested stacks; cancelled siblings are left out."""
        found = False
        for event in self.events(stack):
            reason = event.get("ResourceStatusReason", "")
            if not event["ResourceStatus"].endswith("_FAILED") or reason in CANCELLED:
                continue
            if event["PhysicalResourceId"] == stack:
                continue
            if event["ResourceType"] == STACK and event["PhysicalResourceId"].startswith("arn:"):
                inner = list(self.failures(event["PhysicalResourceId"]))
                found = found or bool(inner)
                yield from inner
            if event["ResourceType"] != STACK or not event["PhysicalResourceId"].startswith("arn:"):
                found = True
                yield Failure(stack, event["LogicalResourceId"], event["ResourceType"], event["ResourceStatus"], reason)
        if not found:
            yield from self._own_failure(stack)

    def _own_failure(self, stack: str) -> Iterator[Failure]:
        for event in self.events(stack):
            is_end = "ROLLBACK_IN_PROGRESS" in event["ResourceStatus"] or event["ResourceStatus"].endswith("_FAILED")
            if event["PhysicalResourceId"] == stack and is_end:
                reason = event.get("ResourceStatusReason", "")
                yield Failure(
                    stack, None, STACK, event["ResourceStatus"], reason.removesuffix(" Rollback requested by user.")
                )
                return

    def outputs(self, stack: str) -> dict[str, str]:
        """Outputs of a stack by name."""
        found = self._client.describe_stacks(StackName=stack)["Stacks"][0].get("Outputs") or []
        return {output["OutputKey"]: output["OutputValue"] for output in found}

    def resources(self, stack: str) -> list[dict[str, Any]]:
        """Resources of a stack as ListStackResources shows them; none where it is gone."""
        try:
            pages = self._client.get_paginator("list_stack_resources").paginate(StackName=stack)
            return [resource for page in pages for resource in page["StackResourceSummaries"]]
        except ClientError as error:
            if _is_gone(error):
                return []
            raise

    def template_url(self, stack: str, logical: str) -> str | None:
        """TemplateURL of a nested stack, from the events of its parent."""
        for event in self.events(stack):
            if event["LogicalResourceId"] == logical and event.get("ResourceProperties"):
                properties = json.loads(event["ResourceProperties"])
                if isinstance(properties, dict) and "TemplateURL" in properties:
                    return str(properties["TemplateURL"])
        return None

    def delete(self, stack: str) -> None:
        """Delete a stack and wait until it is gone; an update that is under way is given up first.

        Raises:
            FailedError: it could not be deleted.
            WaitExpiredError: it took too long.
        """
        before = self._settled(stack)
        self._client.delete_stack(StackName=stack)
        idle = itertools.count()

        def probe() -> str | None:
            status = self.status(stack)
            is_gone = status == "DELETE_COMPLETE"
            has_begun = status.startswith("DELETE_") and status != before  # a second attempt begins at DELETE_FAILED
            is_open = status.endswith("_IN_PROGRESS") or (not has_begun and next(idle) < PATIENCE)
            return status if is_gone or not is_open else None

        status = waiting.until(
            probe, what=f"stack {stack} to be deleted", timeout=DELETE_TIMEOUT, interval=self._session.interval
        )
        if status != "DELETE_COMPLETE":
            raise StackFailedError(stack, status, self._kept(stack, status))

    def _settled(self, stack: str) -> str:
        """Status of a stack once no update is under way, during which AWS refuses to delete it.

        https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CancelUpdateStack.html
        """

        def probe() -> str | None:
            status = self.status(stack)
            if status == UPDATING:
                with contextlib.suppress(ClientError):  # one that may not be given up, or has ended, is waited for
                    self._client.cancel_update_stack(StackName=stack)
            return None if status.startswith("UPDATE_") and status.endswith("_IN_PROGRESS") else status

        return waiting.until(
            probe, what=f"the update of stack {stack} to end", timeout=DELETE_TIMEOUT, interval=self._session.interval
        )

    def _kept(self, stack: str, status: str) -> list[Failure]:
        """Why a stack was not deleted: what could not be, else what CloudFormation said last of the stack itself."""
        found = list(self._undeleted(stack))
        own = [e.get("ResourceStatusReason", "") for e in self.events(stack) if e["PhysicalResourceId"] == stack]
        return found or [Failure(stack, None, STACK, status, own[-1] if own else "")]

    def _undeleted(self, stack: str) -> Iterator[Failure]:
        """What could not be deleted by now, followed down into nested stacks; what earlier attempts met is no matter."""
        for resource in self.resources(stack):
            if resource["ResourceStatus"] == "DELETE_FAILED":
                kind, physical = resource["ResourceType"], resource.get("PhysicalResourceId") or ""
                inner = list(self._undeleted(physical)) if kind == STACK and physical else []
                reason = resource.get("ResourceStatusReason", "")
                yield from inner or [Failure(stack, resource["LogicalResourceId"], kind, "DELETE_FAILED", reason)]

    def retained(self, stack: str) -> Iterator[tuple[str, str]]:
        """Type and physical id of what outlived a stack that was deleted, by its DeletionPolicy; nested ones followed."""
        for event in self.events(stack):
            physical = event.get("PhysicalResourceId") or ""
            if event["ResourceStatus"] == "DELETE_SKIPPED":
                yield event["ResourceType"], physical
            is_nested = event["ResourceType"] == STACK and physical.startswith("arn:") and physical != stack
            if is_nested and event["ResourceStatus"] == "DELETE_COMPLETE":
                yield from self.retained(physical)


def _has_come_to(status: str, stack: str, events: Sequence[Mapping[str, Any]]) -> bool:
    """Whether events tell of a status of the stack itself: before an operation begins, the status is the one of old."""
    return any(e["ResourceStatus"] == status and e["PhysicalResourceId"] == stack for e in events)


def _is_gone(error: ClientError) -> bool:
    return "does not exist" in error.response["Error"]["Message"]
