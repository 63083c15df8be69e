"""What the placeholders of a plan stand for in one run of the rehearsal."""

from __future__ import annotations

from preflight import plan

ACCOUNT = "123456789012"


def of(asked: plan.Plan, *, run: str, account: str = ACCOUNT) -> dict[str, str]:
    """The value of each placeholder, by its name."""
    return {
        "name": asked.name,
        "prefix": asked.name,
        "run": run,
        "region": asked.region,
        "account": account,
        "bucket": f"{asked.name}-preflight-{run}",
        "templates": asked.name,
    }
