"""Deploys a plan on a target, and deletes it again."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from preflight import model
from preflight.container_engine.engine import Engine
from preflight.deploy import aws_errors, image_platforms, region_description, run_tags
from preflight.deploy.deployment import Deployment, DeploymentFailedError
from preflight.deploy.options import DeploymentOptions
from preflight.deploy.targets.target import DeploymentTarget
from preflight.deploy.tasks import ServiceTask
from preflight.errors import StopRequested
from preflight.model import Finding, Say, SmokeAnswer
from preflight.plan import resolved_stacks
from preflight.plan.plan import Plan
from preflight.templates import template
from preflight.templates.template import Template, UnreadableError

IsKept = Callable[[Exception | None], bool]  # whether a deployment is kept that ended, or failed with an error


@dataclass(frozen=True)
class Live:
    """What runs, the values of the plan's placeholders, and what built the images (None: nothing did)."""

    deployment: Deployment
    values: Mapping[str, str]
    engine: Engine | None
    target: DeploymentTarget


@contextlib.contextmanager
def deployed(
    options: DeploymentOptions,
    target: DeploymentTarget,
    say: Say,
    *,
    remains: list[Finding],
    is_kept: IsKept = lambda _error: False,
) -> Iterator[Live]:
    """Deploy a plan on a target, yield what runs, and delete it again, unless it `is_kept`; a run that is stopped is not.

    Findings for what could not be deleted are added to `remains`.

    Raises:
        DeploymentFailedError: a step failed; what it had created is deleted by then, unless that is kept.
        AccountError: AWS refused the caller or did not answer.
    """
    plan, run = options.plan, options.run
    with aws_errors.as_account_errors(), target.registered_run(run, options.engine):
        tags = run_tags.run_tags(plan.name, run=options.run_tag or run, now=dt.datetime.now(dt.timezone.utc))
        deployment = Deployment(target, options, say, tags=tags, platforms=_platforms(plan, run))
        with _deleted(deployment, target, say, remains=remains, is_kept=is_kept):
            try:
                deployment.create()
            except DeploymentFailedError as error:
                error.deployment = with_architecture(model.Deployment(), deployment, options.note)
                raise
            yield Live(deployment, deployment.values, options.engine, target)


def update(live: Live, options: DeploymentOptions, *, run: str) -> list[str]:
    """Update what runs to another plan, and return the logical ids of what changed; `run` is {run} in the tags of images.

    Raises:
        DeploymentFailedError: a step failed.
    """
    return live.deployment.update(options, run=run, platforms=_platforms(options.plan, options.run))


@contextlib.contextmanager
def _deleted(
    deployment: Deployment, target: DeploymentTarget, say: Say, *, remains: list[Finding], is_kept: IsKept
) -> Iterator[None]:
    """Delete what the block created, however the block ends."""
    keeps, stop = False, None
    try:
        yield
        keeps = is_kept(None)
    except StopRequested as error:
        stop = error
        raise
    except Exception as error:
        keeps = is_kept(error)
        raise
    finally:
        if keeps:
            say(f"everything is kept, and costs money until it is removed: {target.sweep}")
        else:
            _delete(deployment, remains, stop)


def _delete(deployment: Deployment, remains: list[Finding], stop: StopRequested | None) -> None:
    """Delete everything; `stop` gets what remains. If interrupted, delete again before exiting."""
    try:
        findings = deployment.delete()
    except StopRequested as interrupt:
        interrupt.left += _lines(deployment.delete())
        raise
    remains += findings
    if stop is not None:
        stop.left += _lines(findings)


def _lines(findings: Sequence[Finding]) -> list[str]:
    return [f"{finding.message}. {finding.fix}" for finding in findings]


def _platforms(plan: Plan, run: str) -> Mapping[str, str]:
    """Returns the platforms of images by the names of their steps, as far as templates can be read."""
    if len(plan.stacks) == len(plan.steps):
        return {}
    return image_platforms.of_images(plan, resolved_stacks.of_plan(plan, readable_templates(plan), run=run), run=run)


def readable_templates(plan: Plan) -> dict[Path, Template]:
    """Returns the templates of a plan by their files, without those that cannot be read: CloudFormation refuses them."""
    templates = {}
    for path in plan.template_files():
        with contextlib.suppress(UnreadableError):
            templates[path] = template.load(path)
    return templates


def described(
    deployment: Deployment, running: Sequence[ServiceTask], answers: tuple[SmokeAnswer, ...]
) -> model.Deployment:
    """Returns what ran, for the report."""
    tasks = [
        {"id": task.id, "service": task.service, "private": task.private, "public": task.public or ""}
        for task in {task.arn: task for task in running}.values()  # several requests may ask one task
    ]
    return model.Deployment(
        stacks=deployment.stack_names,
        services=tuple(arn.rpartition("/")[2] for arn in deployment.services),
        images=tuple({"name": name, "digest": digest} for name, digest in deployment.digests.items()),
        tasks=tuple(tasks),
        smoke=answers,
    )


def with_architecture(described: model.Deployment, deployment: Deployment, note: Say) -> model.Deployment:
    """Returns a description with the events of the stacks and what runs; what the account does not describe is a note."""
    try:
        described = replace(described, events=tuple(deployment.events()))
        region = region_description.describe(deployment.session, deployment.services)
    except (BotoCoreError, ClientError) as error:
        failure = f"{error.operation_name}: {aws_errors.code(error)}" if isinstance(error, ClientError) else aws_errors.describe(error)
        note(f"the page does not show what ran: {failure}")
        return described
    except (LookupError, ValueError) as error:  # no verdict depends on it
        note(f"the page does not show what ran: the account's answer lacks what its API promises: {error!r}")
        return described
    return replace(described, regions=(region,) if region is not None else ())
