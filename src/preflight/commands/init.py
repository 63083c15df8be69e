"""`preflight init`: writes a plan for the templates below a folder."""

from __future__ import annotations

import argparse
import itertools
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from preflight import model
from preflight.aws import partitions
from preflight.commands.output_folder import OutputFolder
from preflight.comply import ec2_workloads
from preflight.errors import UsageError
from preflight.model import Say
from preflight.plan import placeholders, plan, reader, resolved_stacks
from preflight.plan.draft import (
    account_exports,
    account_names,
    account_template,
    deployment_region,
    discovery,
    images,
    rendering,
    requests,
    stacks,
)
from preflight.plan.draft.account_template import Wanted
from preflight.plan.draft.draft import Draft, DraftStack
from preflight.plan.draft.parameter_values import DraftValue
from preflight.templates.template import Template

REGION = "us-east-1"
MOST_NAME = 20  # characters, as what a stack's name begins may have 32


def run(args: argparse.Namespace, say: Say) -> int:
    """Write the plan, and the template of what the account already has if the stacks need one."""
    folder = args.folder.resolve()
    if not folder.is_dir():
        msg = f"{args.folder}: there is no such folder"
        raise UsageError(msg)
    out = _assembly(folder)
    home = out.parent if out is not None and out == folder else folder
    _refuse_existing(home, is_forced=args.force)
    draft = _asked(_draft(home, out, say), say)
    with OutputFolder(home) as target:
        if draft.account:
            target.write(account_template.FILE, draft.account)
        target.write(plan.FILE, rendering.render(draft))
    if not any(value.is_missing for stack in draft.stacks for value in stack.values.values()):
        reader.load(home / plan.FILE)
    _tell(draft, say)
    return 0


def _assembly(folder: Path) -> Path | None:
    """Returns the cloud assembly that a folder is or holds."""
    places = (folder, folder / discovery.CDK_OUT)
    return next((place for place in places if discovery.is_assembly(place)), None)


def _refuse_existing(home: Path, *, is_forced: bool) -> None:
    for name in (plan.FILE, account_template.FILE):
        if os.path.lexists(home / name) and not is_forced:
            msg = f"{home / name}: this file exists already. Next: run `preflight check`, or replace it with `preflight init --force`"
            raise UsageError(msg)


def _draft(home: Path, out: Path | None, say: Say) -> Draft:
    """Returns the draft for a folder, or for the cloud assembly of CDK in it.

    Raises:
        UsageError: there is no template.
    """
    files = [path for path in discovery.files(home) if path.name != account_template.FILE]
    cdk = discovery.cdk_stacks(out) if out is not None else []
    read = discovery.templates([stack.template for stack in cdk] if cdk else files, home, say)
    if not read:
        msg = f"{home}: there is no CloudFormation template below this folder. Next: name the folder that has some, or run `cdk synth` first"
        raise UsageError(msg)
    every = resolved_stacks.of_templates(read)
    names = _names({stack.template: stack.name for stack in cdk} if cdk else {path: path.name.partition(".")[0] for path in stacks.roots(every)})
    region = next((stack.region for stack in cdk if stack.region), None) or _region(read, say)
    draft = Draft(home / plan.FILE, _name(home), region, None if cdk else stacks.folder_of_nested(every), ())
    draft = stacks.drafted(draft, read, [(path, name) for path, name in names.items() if path in read])
    draft, missing = images.with_images(draft, read, discovery.dockerfiles(files, home) if not cdk else [])
    draft = replace(draft, requests=requests.of_stacks(stacks.resolved(draft, read)))
    return _with_account(draft, missing, read)


def _with_account(draft: Draft, repositories: tuple[str, ...], read: Mapping[Path, Template]) -> Draft:
    """Returns a draft that first creates what the stacks expect to be in the account."""
    every, zones = stacks.resolved(draft, read), partitions.zones(draft.region)
    exports = account_exports.of(draft, every, zones=zones)
    outputs = {name for stack in draft.stacks for value in stack.values.values() for name in placeholders.outputs_in(value.text)}
    filled = [name.replace("{prefix}", draft.name) for name in repositories]
    wanted = Wanted(
        outputs,
        filled,
        exports,
        account_exports.least_subnets(every, zones=zones),
        account_exports.ports(draft, every, exports),
        account_exports.hosted_zones(every),
        account_exports.containers(draft, every, exports),
        account_names.of_stacks(every, region=draft.region),
        has_instances=bool(ec2_workloads.left_out(every)),
    )
    text = account_template.render(wanted)
    values = {name: DraftValue(value, "in the names of what it exports") for name, value in wanted.parameters.items()}
    step = DraftStack(draft.path.parent / account_template.FILE, "{prefix}-account", values, _capabilities(text))
    return replace(draft, account=text, steps=(step, *draft.steps)) if text else draft


def _capabilities(text: str) -> tuple[str, ...]:
    """Returns the capabilities that the account's template needs: IAM's resources may have names."""
    return () if "AWS::IAM::" not in text else ("CAPABILITY_NAMED_IAM",) if " RoleName:" in text else ("CAPABILITY_IAM",)


def _names(stacks_by_path: Mapping[Path, str]) -> dict[Path, str]:
    """Returns the names of stacks: `{prefix}` for a single one, else with the name of the template after it."""
    if len(stacks_by_path) == 1:
        return dict.fromkeys(stacks_by_path, "{prefix}")
    names: dict[Path, str] = {}
    for path, name in stacks_by_path.items():
        plain = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-") or "stack"
        numbered = (f"{{prefix}}-{plain}{f'-{n}' if n > 1 else ''}" for n in itertools.count(1))
        names[path] = next(name for name in numbered if name not in names.values())
    return names


def _name(home: Path) -> str:
    plain = re.sub(r"[^a-z0-9]+", "-", home.name.lower()).strip("-0123456789")[:MOST_NAME].strip("-")
    return plain if len(plain) > 1 else "demo"


def _region(read: Mapping[Path, Template], say: Say) -> str:
    """Returns the region that the templates name most often, else that of the environment."""
    named = deployment_region.named_most_often(template_file.data for template_file in read.values())
    likely = named or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or ""
    region = likely if partitions.is_region(likely) else REGION
    say(f"region {region}: {'the templates name it' if named else 'no template says which'}")
    return region


def _asked(draft: Draft, say: Say) -> Draft:
    """Returns a draft with the values that only the user knows, if a terminal is there to ask."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return draft
    return replace(draft, steps=tuple(_answered(step, say) if isinstance(step, DraftStack) else step for step in draft.steps))


def _answered(step: DraftStack, say: Say) -> DraftStack:
    values = {name: _answer(step, name, value, say) if value.is_missing else value for name, value in step.values.items()}
    return replace(step, values=values)


def _answer(step: DraftStack, name: str, value: DraftValue, say: Say) -> DraftValue:
    text = "{"
    while "{" in text:
        say(f"{step.template.name}: the value of {name} ({value.why}), without braces; empty: later")
        text = sys.stdin.readline().strip()
    return DraftValue(text, "your answer") if text else value


def _tell(draft: Draft, say: Say) -> None:
    say(f"{draft.path.name} is written: stacks: {len(draft.stacks)}, images: {len(draft.steps) - len(draft.stacks)}, smoke requests: {len(draft.requests)}")
    if draft.account:
        say(f"{account_template.FILE} is written: what the account already has, as far as the stacks ask for it")
    for stack in draft.stacks:
        for name, value in stack.values.items():
            say(f"{stack.template.name}: {name}: {value.text} ({model.visible(value.why)})")
    for name in draft.images:
        say(f"no Dockerfile or repository was found for the image {name}: {images.PUBLIC} runs in its place")
    is_complete = not any(value.is_missing for stack in draft.stacks for value in stack.values.values())
    where = "" if draft.path.parent == Path.cwd() else f" {draft.path.parent}"
    say(f"next: {'' if is_complete else f'replace {plan.FILL_IN} in {draft.path}, then '}preflight check{where}")
