"""A plan deployed on a target, and what runs then."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from preflight.container_engine.engine import Engine
from preflight.deploy import aws_errors, image_platforms, run_tags
from preflight.deploy import deployment as deployments
from preflight.deploy.deployment import Deployment, DeploymentOptions
from preflight.deploy.targets.target import DeploymentTarget
from preflight.model import Finding, Say
from preflight.plan import resolved_stacks
from preflight.plan.plan import Plan
from preflight.templates import template
from preflight.templates.template import Template, UnreadableError


@dataclass(frozen=True)
class Live:
    """What runs, the values of the plan's placeholders, and what built the images (None: nothing did)."""

    deployment: Deployment
    values: Mapping[str, str]
    engine: Engine | None
    target: DeploymentTarget


@dataclass(frozen=True)
class Wish:
    """What is to be deployed, in which run, and what reports call the files.

    What a run makes is deleted, unless it `is_kept`, or `is_kept_failed` and it failed.
    """

    plan: Plan
    run: str
    engine: Engine | None
    names: Mapping[Path, str]
    tag: str = ""  # the id of the run as a whole, where it is in several regions
    is_kept: bool = False
    is_kept_failed: bool = False


@contextlib.contextmanager
def deployed(wish: Wish, where: DeploymentTarget, say: Say, *, remains: list[Finding]) -> Iterator[Live]:
    """Deploy a plan on a target, yield what runs, and delete it again.

    Findings for what could not be deleted are added to `remains`.

    Raises:
        preflight.aws.deployment.FailedError: a step failed; with the findings that say why.
        PreflightError: it could not be told.
    """
    asked = wish.plan
    with aws_errors.as_account_errors(), where.noted(wish.run, wish.engine):
        session, filled = where.session(asked.region), where.values(asked, wish.run)
        marks = run_tags.run_tags(asked.name, run=wish.tag or wish.run, now=dt.datetime.now(dt.timezone.utc))
        base = where.standins(asked, wish.engine)
        order = DeploymentOptions(
            asked, filled, marks, wish.engine, base, wish.names, is_told=where.is_told, sweep=where.sweep,
            platforms=_platforms(asked, wish.run),
        )  # fmt: skip
        kept = {"is_kept": wish.is_kept, "is_kept_failed": wish.is_kept_failed}
        with deployments.deployed(session, order, say, remains=remains, **kept) as deployment:
            yield Live(deployment, filled, wish.engine, where)


def _platforms(asked: Plan, run: str) -> Mapping[str, str]:
    """For which platforms images are built, by the names of their steps, as far as templates can be read."""
    if len(asked.stacks) == len(asked.steps):
        return {}
    return image_platforms.of_images(asked, resolved_stacks.of_plan(asked, readable(asked), run=run), run=run)


def readable(asked: Plan) -> dict[Path, Template]:
    """The templates of a plan by their files, but those that cannot be read: CloudFormation refuses them."""
    known = {}
    for path in asked.template_files():
        with contextlib.suppress(UnreadableError):
            known[path] = template.load(path)
    return known
