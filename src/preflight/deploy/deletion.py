"""Deletes what a deployment created, and reports what it could not delete."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping

from botocore.exceptions import BotoCoreError, ClientError

from preflight.deploy import aws_errors
from preflight.deploy.declared_resources import DeclaredResource
from preflight.deploy.removal import Removal
from preflight.deploy.session import Session
from preflight.deploy.stack_findings import StackFindings
from preflight.deploy.stacks import Failure, StackFailedError, Stacks
from preflight.errors import WaitExpiredError
from preflight.model import Finding, Progress, Say
from preflight.system import waiting

LATE_REQUEST_TIMEOUT = 5.0  # seconds in which CloudFormation carries out a request whose answer was lost


class Deletion:
    """Deletes stacks and buckets; `remains` has findings for what may still be there, `sweep` is what removes that.

    `tags` are those of the run. What a DeletionPolicy keeps remains if the account `outlives` the run.
    """

    def __init__(
        self, session: Session, findings: StackFindings, say: Say, *, sweep: str, tags: Mapping[str, str], outlives: bool
    ) -> None:
        self._stacks = Stacks(session)
        self._removal = Removal(session, say)
        self._findings = findings
        self._say = say
        self._sweep = sweep
        self._tags = tags
        self._outlives = outlives
        self.remains: list[Finding] = []

    def delete_stack(self, name: str, stack: str, *, is_unanswered: bool) -> None:
        """Delete a stack by its id; one whose creation `is_unanswered` may appear a moment later."""
        self._say(Progress(f"deleting stack {name}", kind="stack", name=name, state="deleting"))
        with self._collect_remains(f"stack {name}"):
            if is_unanswered:
                self._wait_for(name)
            is_known = stack.startswith("arn:")
            for line in self._removal.stack(stack, own=self._tags if is_known else None):
                self._keep(line)
            if is_known or is_unanswered:
                self._check_gone(name, stack)

    def _keep(self, line: str) -> None:
        """Report what was kept."""
        if self._outlives:
            self.remains.append(self._findings.of_plan("NotDeleted", line, "Delete it by hand, or set DeletionPolicy: Delete for a check."))
        else:
            self._say(line)

    def _check_gone(self, name: str, stack: str) -> None:
        """Report a stack that is still there; only what was seen gone counts as deleted."""
        status = self._stacks.status(stack)
        if status != "DELETE_COMPLETE":
            command = f"aws cloudformation delete-stack --stack-name {name}"
            message = f"stack {name} is still there, in {status}, and shows no tags of this run"
            self.remains.append(self._findings.of_plan("NotDeleted", message, f"If it is this run's, delete it: {command}"))

    def report_snapshots(self, resources: Iterable[DeclaredResource]) -> None:
        """Report resources of which AWS keeps a final snapshot when their stacks are deleted."""
        for resource in resources:
            self._keep(f"a final snapshot of {resource.kind} {resource.physical} ({resource.logical}) is kept: its DeletionPolicy says so")

    def delete_bucket(self, name: str, *, is_own: bool) -> None:
        """Delete a bucket, which this run made if it `is_own`, and all that is in it."""
        with self._collect_remains(f"bucket {name}"):
            self._removal.bucket(name, is_own=is_own)

    def _wait_for(self, stack: str) -> None:
        with contextlib.suppress(WaitExpiredError):
            waiting.until(lambda: self._stacks.tags(stack), what=f"stack {stack}", timeout=LATE_REQUEST_TIMEOUT)

    @contextlib.contextmanager
    def _collect_remains(self, subject: str) -> Iterator[None]:
        """Add a finding for what could not be deleted in the block, and go on."""
        try:
            yield
        except StackFailedError as error:
            self.remains += [self._undeleted(failure) for failure in error.failures]
        except (ClientError, BotoCoreError) as error:
            self.remains.append(self._remaining(subject, aws_errors.describe(error)))
        except WaitExpiredError as error:
            self.remains.append(self._remaining(subject, str(error)))

    def _undeleted(self, failure: Failure) -> Finding:
        """Returns the finding for a resource that could not be deleted; without its line if AWS does not help to find it."""
        try:
            return self._findings.of_resource(failure)
        except (ClientError, BotoCoreError):
            return self._remaining(f"{failure.kind} {failure.logical or failure.stack}", failure.reason)

    def _remaining(self, subject: str, reason: str) -> Finding:
        return self._findings.of_plan("NotDeleted", f"{subject} may still be there: {reason}", f"Remove it: {self._sweep}")
