"""What runs left behind in a region, found by their tags, and taken away.

Source: https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from preflight.deploy import run_tags, stacks
from preflight.deploy.removal import Removal
from preflight.deploy.run_tags import RunTags
from preflight.deploy.session import Session
from preflight.deploy.stacks import Stacks
from preflight.model import Say

KINDS = {"s3": "bucket", "logs:log-group": "log group", "ecr:repository": "repository"}


@dataclass(frozen=True)
class Leftover:
    """Something that carries our tags: a stack by its id, all else by its name."""

    kind: str
    name: str
    mark: RunTags

    def __str__(self) -> str:
        """What it is, and of which run."""
        return f"{self.kind} {self.name} of run {self.mark.run}"


class Leftovers:
    """Finds and removes what runs left in the region of a session."""

    def __init__(self, session: Session, say: Say) -> None:
        self._session = session
        self._stacks = Stacks(session)
        self._removal = Removal(session, say)

    def found(self) -> Iterator[Leftover]:
        """All that carries our tags: stacks first, the newest of them first, since later ones need earlier ones."""
        for stack in self._stacks.root_stacks():
            is_bare = stack["StackStatus"] == stacks.REVIEW  # one in review shows no tags yet
            tags = self._stacks.tags(stack["StackId"]) if is_bare else run_tags.of_list(stack.get("Tags") or [])
            mark = run_tags.read(tags)
            if mark is not None:
                yield Leftover("stack", stack["StackId"], mark)
        yield from self._others()

    def _others(self) -> Iterator[Leftover]:
        """What is no resource of a stack, or outlived it."""
        pages = (
            self._session.client("resourcegroupstaggingapi")
            .get_paginator("get_resources")
            .paginate(TagFilters=[{"Key": run_tags.RUN}], ResourceTypeFilters=list(KINDS))
        )
        for resource in (resource for page in pages for resource in page["ResourceTagMappingList"]):
            mark = run_tags.read(run_tags.of_list(resource["Tags"]))
            if mark is not None:
                kind, name = _named(resource["ResourceARN"])
                yield Leftover(kind, name, mark)

    def remove(self, leftover: Leftover) -> list[str]:
        """Take one away; lines that say what is kept on purpose.

        Raises:
            FailedError: a stack could not be deleted.
            WaitExpiredError: that took too long.
        """
        removers: Mapping[str, Callable[[str], bool]] = {
            "bucket": self._removal.bucket,
            "log group": self._removal.log_group,
            "repository": self._removal.repository,
        }
        if leftover.kind == "stack":
            return self._removal.stack(leftover.name)
        is_removed = removers[leftover.kind](leftover.name)
        return [] if is_removed else [f"{leftover} was left: it shows other tags now"]


def _named(arn: str) -> tuple[str, str]:
    """Kind and name of what an ARN names."""
    service, rest = arn.split(":")[2], arn.split(":", 5)[5]
    if service == "s3":
        return "bucket", rest
    if service == "logs":
        return "log group", rest.removeprefix("log-group:").removesuffix(":*")
    return "repository", rest.removeprefix("repository/")


def is_due(mark: RunTags, *, run: str | None, age: dt.timedelta | None, now: dt.datetime) -> bool:
    """Whether what carries a mark is to go: of the run that was named, of that age, or else expired."""
    if run is not None:
        return mark.run == run
    return mark.is_older(run_tags.LIFETIME if age is None else age, now=now)
