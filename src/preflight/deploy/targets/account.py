"""A real account as a target, and the guard rails in front of it."""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Iterator

from preflight.container_engine import unfinished_builds
from preflight.container_engine.engine import Engine, remove_run
from preflight.container_engine.standins import Standins
from preflight.deploy import aws_errors
from preflight.deploy.session import Session, account_session
from preflight.errors import StopRequested, UsageError
from preflight.model import Observations, Say
from preflight.plan import placeholders
from preflight.plan.plan import Plan, StackStep
from preflight.system import run_folders

_ID = re.compile(r"\d{12}")


class RealAccount:
    """The account with that number, with the credentials of the standard chain."""

    name = "aws"
    reports_events = True
    inside = None  # there is no way into a task's network
    run_schedule = None  # EventBridge has no operation for it

    def __init__(self, number: str, *, regions: tuple[str, ...], run: str) -> None:
        self._number = number
        self._regions = regions
        self._run = run
        self._stop = threading.Event()
        self._sessions: dict[str, Session] = {}  # a profile with MFA asks for one code a region

    @property
    def sweep(self) -> str:
        """The command that removes what the run left there."""
        return f"preflight sweep --target aws --account {self._number} --regions {','.join(self._regions)} --run {self._run}"

    def check(self) -> None:
        """Check that the credentials belong to the account.

        Raises:
            UsageError: there are none, or they belong to another account.
            AccountError: AWS did not answer.
        """
        check_number(self._number)
        with aws_errors.as_account_errors():
            actual = self.session(self._regions[0]).account
        if actual != self._number:
            msg = f"the credentials belong to account {actual}, and --account says {self._number}. Next: name the profile of that account by AWS_PROFILE, or correct --account"
            raise UsageError(msg)

    def session(self, region: str) -> Session:
        """Returns a session with it, in a region."""
        if region not in self._sessions:
            with aws_errors.as_account_errors():
                self._sessions[region] = account_session(region, stop=self._stop)
        return self._sessions[region]

    def values(self, plan: Plan, run: str) -> dict[str, str]:
        """Returns the values of a plan's placeholders."""
        return placeholders.of(plan, run=run, account=self._number, is_shared=True)

    def standins(self, plan: Plan, engine: Engine | None, note: Say) -> Standins | None:
        """Returns stand-ins if the endpoint is on this machine; on AWS images are built from what their Dockerfile names."""
        is_local = self.session(plan.region).has_loopback_only
        return Standins(engine, plan.standins, note) if is_local and engine is not None else None

    @contextlib.contextmanager
    def registered_run(self, run: str, engine: Engine | None) -> Iterator[None]:
        """Registers the run until the block ends; if the run is stopped, its images are removed."""
        folder = run_folders.new_run(run)
        try:
            yield
        except StopRequested:
            if engine is not None:
                remove_run(engine, run)
                unfinished_builds.remove(engine, has_own=True)
            raise
        finally:
            run_folders.remove(folder)

    def observations(self) -> Observations:
        """Returns nothing: a real account keeps no ledger."""
        return Observations()

    def cancel(self) -> None:
        """Cancel every wait of its sessions."""
        self._stop.set()

    def close(self) -> None:
        """Do nothing: there is nothing to release."""


def check_number(number: str | None) -> None:
    """Check that an account ID has twelve digits.

    Raises:
        UsageError: it is missing, or has another form.
    """
    if number is None:
        msg = "--target aws creates things that cost money. Next: say in which account, by --account and its twelve digits"
        raise UsageError(msg)
    if not _ID.fullmatch(number):
        msg = f"--account {number}: expected twelve digits"
        raise UsageError(msg)


def check_names(plan: Plan) -> None:
    """Check that the names of a plan differ from run to run, since others use the account too.

    Raises:
        UsageError: a stack or a repository would have the same name in every run.
    """
    same = [name for name in _names(plan) if "{prefix}" not in name and "{run}" not in name]
    if same:
        msg = f"{plan.path.name}: {same[0]!r} is not unique per run, so it would collide with other runs or existing resources. Next: begin it with {{prefix}}"
        raise UsageError(msg)


def _names(plan: Plan) -> Iterator[str]:
    for step in plan.steps:
        yield step.name if isinstance(step, StackStep) else step.name.partition(":")[0]
