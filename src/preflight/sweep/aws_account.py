"""Removes from an account what runs left behind, in every region that is named; only what carries our tags."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from preflight.deploy import aws_errors
from preflight.deploy.stacks import StackFailedError
from preflight.deploy.targets.account import RealAccount
from preflight.errors import AccountError, PreflightError
from preflight.model import Say
from preflight.sweep import tagged_resources
from preflight.sweep.tagged_resources import Leftover, Leftovers


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


def sweep_account(request: SweepRequest, say: Say) -> SweepResult:
    """Remove what is to go; what that was.

    Raises:
        UsageError: there are no credentials, or they belong to another account than the one that was named.
        AccountError: the account could not be asked in a region; all others are clean by then.
    """
    where = RealAccount(request.account or "", regions=request.regions, run=request.run or "")
    if request.account is not None:
        where.check()
    result = SweepResult()
    for region in request.regions:
        _clean(request, where, region, result, say)
    if result.unasked:
        raise AccountError("; ".join(result.unasked))
    return result


def _clean(request: SweepRequest, where: RealAccount, region: str, result: SweepResult, say: Say) -> None:
    """Remove what is to go in one region; note where that cannot be asked."""
    now = dt.datetime.now(dt.timezone.utc)
    try:
        with aws_errors.as_account_errors():
            every = Leftovers(where.session(region), say)
            due = [one for one in every.found() if tagged_resources.is_due(one.mark, run=request.run, age=request.age, now=now)]
    except AccountError as error:
        result.unasked.append(f"{region}: {error}")
        return
    for one in due:
        say(f"{'would remove' if request.is_dry else 'removing'} {one} in {region}")
        if request.is_dry or _is_removed(every, one, result, say):
            result.count += 1


def _is_removed(every: Leftovers, one: Leftover, result: SweepResult, say: Say) -> bool:
    try:
        with aws_errors.as_account_errors():
            for line in every.remove(one):
                say(line)
    except (StackFailedError, PreflightError) as error:
        result.left.append(str(one))
        reasons = "; ".join(f.reason for f in error.failures) if isinstance(error, StackFailedError) else str(error)
        say(f"{one} is still there: {reasons}")
        return False
    return True
