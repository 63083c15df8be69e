"""A real account as a target, and the guard rails in front of it."""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Iterator

from preflight.container_engine import engine as engines
from preflight.container_engine.engine import Engine
from preflight.container_engine.standins import Standins, remove_unfinished
from preflight.deploy import aws_errors
from preflight.deploy import session as sessions
from preflight.deploy.session import Session
from preflight.errors import StopRequested, UsageError
from preflight.model import Observations
from preflight.plan import placeholders
from preflight.plan.plan import Plan, StackStep
from preflight.system import run_folders

_ID = re.compile(r"\d{12}")


class RealAccount:
    """The account of that number, by the credentials of the standard chain."""

    name = "aws"
    is_told = True
    inside = None  # nobody out here can ask within a task's network

    def __init__(self, number: str, *, regions: tuple[str, ...], run: str) -> None:
        self._number = number
        self._regions = regions
        self._run = run
        self._stop = threading.Event()
        self._sessions: dict[str, Session] = {}  # a profile that asks for a code asks once a region

    @property
    def sweep(self) -> str:
        """The command that removes what the run left there."""
        return f"preflight sweep --target aws --account {self._number} --regions {','.join(self._regions)} --run {self._run}"

    def check(self) -> None:
        """Hold the credentials against the number.

        Raises:
            UsageError: there are none, or they belong to another account.
            AccountError: AWS did not say whose they are.
        """
        check_number(self._number)
        with aws_errors.as_account_errors():
            actual = self.session(self._regions[0]).account
        if actual != self._number:
            msg = f"the credentials belong to account {actual}, and --account says {self._number}. Next: name the profile of that account by AWS_PROFILE, or correct --account"
            raise UsageError(msg)

    def session(self, region: str) -> Session:
        """A session with it, in a region."""
        if region not in self._sessions:
            with aws_errors.as_account_errors():
                self._sessions[region] = sessions.account(region, stop=self._stop)
        return self._sessions[region]

    def values(self, asked: Plan, run: str) -> dict[str, str]:
        """What the placeholders of a plan stand for."""
        return placeholders.of(asked, run=run, account=self._number, is_shared=True)

    def standins(self, asked: Plan, engine: Engine | None) -> Standins | None:
        """None: what is deployed is built from what the Dockerfile names, but on an endpoint of this machine."""
        is_near = self.session(asked.region).has_loopback_only
        return Standins(engine, asked.standins) if is_near and engine is not None else None

    @contextlib.contextmanager
    def noted(self, run: str, engine: Engine | None) -> Iterator[None]:
        """Note that a run has begun, until the block ends; one that is stopped leaves no image either."""
        folder = run_folders.new_run(run)
        try:
            yield
        except StopRequested:
            if engine is not None:
                engines.remove_run(engine, run)
                remove_unfinished(engine)
            raise
        finally:
            run_folders.remove(folder)

    def observations(self) -> Observations:
        """Returns nothing: a real account keeps no ledger."""
        return Observations()

    def halt(self) -> None:
        """Let whatever waits in its name stop waiting."""
        self._stop.set()

    def close(self) -> None:
        """Nothing is to be closed."""


def check_number(number: str | None) -> None:
    """Hold the number of an account against its form.

    Raises:
        UsageError: it is none.
    """
    if number is None:
        msg = "--target aws creates things that cost money. Next: say in which account, by --account and its twelve digits"
        raise UsageError(msg)
    if not _ID.fullmatch(number):
        msg = f"--account {number}: expected twelve digits"
        raise UsageError(msg)


def check_names(asked: Plan) -> None:
    """Hold a plan against what is asked of names in an account that others use too.

    Raises:
        UsageError: a stack or a repository would have the same name in every run.
    """
    same = [name for name in _names(asked) if "{prefix}" not in name and "{run}" not in name]
    if same:
        msg = f"{asked.path.name}: {same[0]!r} has the same name in every run, so that two runs, or a run and what is in use, would meet. Next: begin it with {{prefix}}"
        raise UsageError(msg)


def _names(asked: Plan) -> Iterator[str]:
    for step in asked.steps:
        yield step.name if isinstance(step, StackStep) else step.name.partition(":")[0]
