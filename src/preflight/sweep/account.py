"""Removes from an account what runs left behind, in every region that is named; only what carries our tags."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from preflight.deploy import aws_errors
from preflight.deploy.stacks import StackFailedError
from preflight.deploy.targets.account import RealAccount
from preflight.errors import AccountError, PreflightError
from preflight.model import Say
from preflight.sweep import leftovers
from preflight.sweep.leftovers import Leftover, Leftovers


@dataclass(frozen=True)
class SweepRequest:
    """What is to go: of one `run`, or what began at least `age` ago (None: what has expired)."""

    account: str | None
    regions: tuple[str, ...]
    age: dt.timedelta | None
    run: str | None
    is_dry: bool


@dataclass
class SweepResult:
    """How many things went (or would), and what is still there."""

    count: int = 0
    left: list[str] = field(default_factory=list)
    unasked: list[str] = field(default_factory=list)


def sweep_account(wanted: SweepRequest, say: Say) -> SweepResult:
    """Remove what is to go; what that was.

    Raises:
        UsageError: there are no credentials, or they belong to another account than the one that was named.
        AccountError: the account could not be asked in a region; all others are clean by then.
    """
    where = RealAccount(wanted.account or "", regions=wanted.regions, run=wanted.run or "")
    if wanted.account is not None:
        where.check()
    done = SweepResult()
    for region in wanted.regions:
        _clean(wanted, where, region, done, say)
    if done.unasked:
        raise AccountError("; ".join(done.unasked))
    return done


def _clean(wanted: SweepRequest, where: RealAccount, region: str, done: SweepResult, say: Say) -> None:
    """Remove what is to go in one region; note where that cannot be asked."""
    now = dt.datetime.now(dt.timezone.utc)
    try:
        with aws_errors.as_account_errors():
            every = Leftovers(where.session(region), say)
            due = [one for one in every.found() if leftovers.is_due(one.mark, run=wanted.run, age=wanted.age, now=now)]
    except AccountError as error:
        done.unasked.append(f"{region}: {error}")
        return
    for one in due:
        say(f"{'would remove' if wanted.is_dry else 'removing'} {one} in {region}")
        if wanted.is_dry or _is_removed(every, one, done, say):
            done.count += 1


def _is_removed(every: Leftovers, one: Leftover, done: SweepResult, say: Say) -> bool:
    try:
        with aws_errors.as_account_errors():
            for kept in every.remove(one):
                say(kept)
    except (StackFailedError, PreflightError) as error:
        done.left.append(str(one))
        reasons = "; ".join(f.reason for f in error.failures) if isinstance(error, StackFailedError) else str(error)
        say(f"{one} is still there: {reasons}")
        return False
    return True
