"""Removes from an account what runs left behind, in every region that is named; only what carries our tags."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field

from preflight import errors
from preflight.deploy import aws_errors as trouble
from preflight.deploy import stacks
from preflight.deploy.targets import account as accounts
from preflight.sweep import leftovers

Say = Callable[[str], None]


@dataclass(frozen=True)
class Wanted:
    """What is to go: of one `run`, or what began at least `age` ago (None: what has expired)."""

    account: str | None
    regions: tuple[str, ...]
    age: dt.timedelta | None
    run: str | None
    is_dry: bool


@dataclass
class Cleaned:
    """How many things went (or would), and what is still there."""

    count: int = 0
    left: list[str] = field(default_factory=list)
    unasked: list[str] = field(default_factory=list)


def clean(wanted: Wanted, say: Say) -> Cleaned:
    """Remove what is to go; what that was.

    Raises:
        UsageError: there are no credentials, or they belong to another account than the one that was named.
        AccountError: the account could not be asked in a region; all others are clean by then.
    """
    where = accounts.Account(wanted.account or "", regions=wanted.regions, run=wanted.run or "")
    if wanted.account is not None:
        where.check()
    done = Cleaned()
    for region in wanted.regions:
        _clean(wanted, where, region, done, say)
    if done.unasked:
        raise errors.AccountError("; ".join(done.unasked))
    return done


def _clean(wanted: Wanted, where: accounts.Account, region: str, done: Cleaned, say: Say) -> None:
    """Remove what is to go in one region; note where that cannot be asked."""
    now = dt.datetime.now(dt.timezone.utc)
    try:
        with trouble.told():
            every = leftovers.Leftovers(where.session(region), say)
            due = [one for one in every.found() if leftovers.is_due(one.mark, run=wanted.run, age=wanted.age, now=now)]
    except errors.AccountError as error:
        done.unasked.append(f"{region}: {error}")
        return
    for one in due:
        say(f"{'would remove' if wanted.is_dry else 'removing'} {one} in {region}")
        if wanted.is_dry or _is_removed(every, one, done, say):
            done.count += 1


def _is_removed(every: leftovers.Leftovers, one: leftovers.Leftover, done: Cleaned, say: Say) -> bool:
    try:
        with trouble.told():
            for kept in every.remove(one):
                say(kept)
    except (stacks.FailedError, errors.PreflightError) as error:
        done.left.append(str(one))
        reasons = "; ".join(f.reason for f in error.failures) if isinstance(error, stacks.FailedError) else str(error)
        say(f"{one} is still there: {reasons}")
        return False
    return True
