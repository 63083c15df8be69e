"""What the placeholders of a plan stand for in one run."""

from __future__ import annotations

from preflight.plan.plan import Plan

ACCOUNT = "123456789012"


def of(asked: Plan, *, run: str, account: str = ACCOUNT, is_shared: bool = False) -> dict[str, str]:
    """The value of each placeholder, by its name.

    In an account that `is_shared` with others the prefix of every name ends with the run's id.
    """
    return {
        "name": asked.name,
        "prefix": f"{asked.name}-{run}" if is_shared else asked.name,
        "run": run,
        "region": asked.region,
        "account": account,
        "bucket": f"{asked.name}-preflight-{run}",
        "templates": asked.name,
    }
