"""A plan deployed on a target, and what runs then."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from preflight import model
from preflight.container_engine import engine as engines
from preflight.deploy import aws_errors as trouble
from preflight.deploy import deployment as deployments
from preflight.deploy import image_platforms as architectures
from preflight.deploy import run_tags as tags
from preflight.deploy.targets import target
from preflight.plan import plan
from preflight.plan import resolved_stacks as estate
from preflight.templates import template

Say = Callable[[str], None]


@dataclass(frozen=True)
class Live:
    """What runs, the values of the plan's placeholders, and what built the images (None: nothing did)."""

    deployment: deployments.Deployment
    values: Mapping[str, str]
    engine: engines.Engine | None
    target: target.Target


@dataclass(frozen=True)
class Wish:
    """What is to be deployed, in which run, and what reports call the files.

    What a run makes is deleted, unless it `is_kept`, or `is_kept_failed` and it failed.
    """

    plan: plan.Plan
    run: str
    engine: engines.Engine | None
    names: Mapping[Path, str]
    tag: str = ""  # the id of the run as a whole, where it is in several regions
    is_kept: bool = False
    is_kept_failed: bool = False


@contextlib.contextmanager
def deployed(wish: Wish, where: target.Target, say: Say, *, remains: list[model.Finding]) -> Iterator[Live]:
    """Deploy a plan on a target, yield what runs, and delete it again.

    Findings for what could not be deleted are added to `remains`.

    Raises:
        preflight.aws.deployment.FailedError: a step failed; with the findings that say why.
        PreflightError: it could not be told.
    """
    asked = wish.plan
    with trouble.told(), where.noted(wish.run, wish.engine):
        session, filled = where.session(asked.region), where.values(asked, wish.run)
        marks = tags.of(asked.name, run=wish.tag or wish.run, now=dt.datetime.now(dt.timezone.utc))
        base = where.standins(asked, wish.engine)
        order = deployments.Order(
            asked, filled, marks, wish.engine, base, wish.names, is_told=where.is_told, sweep=where.sweep,
            platforms=_platforms(asked, wish.run),
        )  # fmt: skip
        kept = {"is_kept": wish.is_kept, "is_kept_failed": wish.is_kept_failed}
        with deployments.deployed(session, order, say, remains=remains, **kept) as deployment:
            yield Live(deployment, filled, wish.engine, where)


def _platforms(asked: plan.Plan, run: str) -> Mapping[str, str]:
    """For which platforms images are built, by the names of their steps, as far as templates can be read."""
    if len(asked.stacks) == len(asked.steps):
        return {}
    return architectures.of_images(asked, estate.of_plan(asked, readable(asked), run=run), run=run)


def readable(asked: plan.Plan) -> dict[Path, template.Template]:
    """The templates of a plan by their files, but those that cannot be read: CloudFormation refuses them."""
    known = {}
    for path in asked.template_files():
        with contextlib.suppress(template.UnreadableError):
            known[path] = template.load(path)
    return known
