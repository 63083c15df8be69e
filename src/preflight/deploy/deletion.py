"""Deletes what a deployment created, and reports what it could not delete."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from botocore.exceptions import BotoCoreError, ClientError

from preflight.deploy import aws_errors
from preflight.deploy.removal import Removal
from preflight.deploy.session import Session
from preflight.deploy.stack_findings import StackFindings
from preflight.deploy.stacks import Failure, StackFailedError, Stacks
from preflight.errors import WaitExpiredError
from preflight.model import Finding, Say
from preflight.system import waiting

LATE_REQUEST_TIMEOUT = 5.0  # seconds in which CloudFormation carries out a request whose answer was lost


class Deletion:
    """Deletes stacks and buckets; `remains` has findings for what may still be there, `sweep` is what removes that."""

    def __init__(self, session: Session, findings: StackFindings, say: Say, *, sweep: str) -> None:
        self._stacks = Stacks(session)
        self._removal = Removal(session, say)
        self._findings = findings
        self._say = say
        self._sweep = sweep
        self.remains: list[Finding] = []

    def delete_stack(self, name: str, stack: str, *, is_unanswered: bool) -> None:
        """Delete a stack by its id; one whose creation `is_unanswered` may appear a moment later."""
        self._say(f"deleting stack {name}")
        with self._collect_remains(f"stack {name}"):
            if is_unanswered:
                self._wait_for(name)
            for line in self._removal.stack(stack):
                self._say(line)

    def delete_bucket(self, name: str) -> None:
        """Delete a bucket and all that is in it."""
        with self._collect_remains(f"bucket {name}"):
            self._removal.bucket(name)

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
