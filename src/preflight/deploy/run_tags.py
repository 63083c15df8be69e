"""The tags that say whose a resource is: which run made it, of which plan, and until when it may live."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

RUN, EXPIRES, PLAN = "preflight:run", "preflight:expires", "preflight:plan"
LIFETIME = dt.timedelta(hours=4)
_FORM = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class RunTags:
    """What the tags of a resource say."""

    run: str
    plan: str
    expires: dt.datetime

    def is_older(self, age: dt.timedelta, *, now: dt.datetime) -> bool:
        """Whether its run began at least that long ago."""
        return now - (self.expires - LIFETIME) >= age


def run_tags(plan: str, *, run: str, now: dt.datetime) -> dict[str, str]:
    """The tags of everything that a run makes."""
    return {RUN: run, EXPIRES: (now + LIFETIME).strftime(_FORM), PLAN: plan}


def read(tags: Mapping[str, str]) -> RunTags | None:
    """What tags say; None where they are not all ours."""
    try:
        expires = dt.datetime.strptime(tags[EXPIRES], _FORM).replace(tzinfo=dt.timezone.utc)
        return RunTags(tags[RUN], tags[PLAN], expires)
    except (KeyError, ValueError):
        return None


def of_list(tags: list[dict[str, str]]) -> dict[str, str]:
    """Tags as most services list them, as a map."""
    return {tag["Key"]: tag["Value"] for tag in tags}
