"""Stacks of CloudFormation: create, watch, delete, and why one failed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from preflight import errors, waiting
from preflight.aws import session as sessions

STACK = "AWS::CloudFormation::Stack"
CREATE_TIMEOUT = 3600.0
DELETE_TIMEOUT = 1800.0
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


class FailedError(Exception):
    """A stack ended in another state than the one that was asked for."""

    def __init__(self, stack: str, status: str, failures: Sequence[Failure]) -> None:
        super().__init__(f"{stack} ended in {status}")
        self.stack = stack
        self.status = status
        self.failures = tuple(failures)


class Stacks:
    """The stacks of one session."""

    def __init__(self, session: sessions.Session) -> None:
        self._session = session
        self._client = session.client("cloudformation")

    def create(
        self,
        name: str,
        url: str,
        *,
        parameters: Mapping[str, str],
        capabilities: Sequence[str],
        tags: Mapping[str, str],
    ) -> str:
        """Begin to create a stack and return its id.

        Raises:
            RefusedError: CloudFormation refused the request.
        """
        try:
            answer = self._client.create_stack(
                StackName=name,
                TemplateURL=url,
                Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in parameters.items()],
                Capabilities=list(capabilities),
                Tags=[{"Key": k, "Value": v} for k, v in tags.items()],
            )
        except ClientError as error:
            said = error.response["Error"]
            if said["Code"] == "InternalFailure":
                raise errors.ToolBrokeError(f"CloudFormation broke while it was asked for stack {name}") from None
            raise RefusedError(name, said["Code"], said["Message"]) from None
        return str(answer["StackId"])

    def wait_created(self, stack: str, *, look: Callable[[], None]) -> None:
        """Wait until a stack is created; `look` is called each time it is not yet.

        Raises:
            FailedError: it failed and was rolled back.
            WaitExpiredError: it took too long.
        """

        def probe() -> str | None:
            status = self.status(stack)
            if status.endswith("_IN_PROGRESS"):
                look()
                return None
            return status

        status = waiting.until(
            probe, what=f"stack {stack} to be created", timeout=CREATE_TIMEOUT, interval=self._session.interval
        )
        if status != "CREATE_COMPLETE":
            raise FailedError(stack, status, list(self.failures(stack)))

    def status(self, stack: str) -> str:
        """Status of a stack; DELETE_COMPLETE where there is none."""
        try:
            return str(self._client.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"])
        except ClientError as error:
            if "does not exist" in error.response["Error"]["Message"]:
                return "DELETE_COMPLETE"
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
        except ClientError:
            return []

    def template_url(self, stack: str, logical: str) -> str | None:
        """TemplateURL of a nested stack, from the events of its parent."""
        for event in self.events(stack):
            if event["LogicalResourceId"] == logical and event.get("ResourceProperties"):
                properties = json.loads(event["ResourceProperties"])
                if isinstance(properties, dict) and "TemplateURL" in properties:
                    return str(properties["TemplateURL"])
        return None

    def delete(self, stack: str) -> None:
        """Delete a stack and wait until it is gone.

        Raises:
            FailedError: it could not be deleted.
            WaitExpiredError: it took too long.
        """
        self._client.delete_stack(StackName=stack)

        def probe() -> str | None:
            status = self.status(stack)
            return None if status.endswith("_IN_PROGRESS") else status

        status = waiting.until(
            probe, what=f"stack {stack} to be deleted", timeout=DELETE_TIMEOUT, interval=self._session.interval
        )
        if status != "DELETE_COMPLETE":
            raise FailedError(stack, status, list(self.failures(stack)))
