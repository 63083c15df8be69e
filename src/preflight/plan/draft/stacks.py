"""The stacks of a folder of templates: which are roots, what their parameters are, and in which order they are created. Pure."""

from __future__ import annotations

import functools
import itertools
import os
import re
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from preflight.aws import partitions
from preflight.plan import placeholders, resolved_stacks
from preflight.plan.draft import fixed_values, parameter_values, rule_ports, uses
from preflight.plan.draft.draft import Draft, DraftStack
from preflight.plan.draft.parameter_values import DraftValue, Numbers
from preflight.plan.resolved_stacks import STACK, ResolvedStacks, ResolvedTemplate
from preflight.templates import references
from preflight.templates.template import Template

RUN, PREFIX = "0d1f2e3c", "x9k2vq7m"  # of the run for which a draft is resolved: no template has them
SERVICE = "AWS::ECS::Service"
_USERS_OF_PRIVATE_SUBNETS = frozenset({SERVICE, STACK, "AWS::RDS::DBSubnetGroup", "AWS::ElastiCache::SubnetGroup", "AWS::EFS::MountTarget"})  # reached within a VPC only, or as their properties say
MOST_TRIALS = 300
_NAMED = frozenset({"RoleName", "UserName", "GroupName", "InstanceProfileName", "ManagedPolicyName"})
Templates = Mapping[Path, Template]
Score = Callable[[Draft, ResolvedStacks], int]


def roots(every: ResolvedStacks) -> list[Path]:
    """Returns the templates that no other one nests."""
    nested = {document.path for document in every.documents if document.parent is not None}
    return list(dict.fromkeys(document.path for document in every.documents if document.path not in nested))


def folder_of_nested(every: ResolvedStacks) -> Path | None:
    """Returns the folder that nested templates and those above them lie in, or None if nothing is nested."""
    folders = {document.path.parent for document in every.documents if document.parent is not None or document.children}
    return Path(os.path.commonpath(folders)) if folders else None


def drafted(draft: Draft, templates: Templates, named_paths: Sequence[tuple[Path, str]]) -> Draft:
    """Returns a draft with a stack for each template, by path and name: with values for its parameters, in the order of creation."""
    documents = {document.path: document for document in resolved_stacks.of_templates(templates).documents}
    zones = partitions.zones(draft.region)
    stacks = [_with_values(path, name, documents[path], zones) for path, name in named_paths]
    draft = replace(draft, steps=tuple(_linked(stack, stacks, templates) for stack in stacks))
    draft = _with_imports(_with_urls(draft, templates), templates)
    return replace(draft, steps=tuple(_ordered(draft, templates)))


def resolved(draft: Draft, templates: Templates) -> ResolvedStacks:
    """Returns the stacks of a draft, resolved."""
    return resolved_stacks.of_plan(replace(draft.plan, name=PREFIX), templates, run=RUN)


def _with_values(path: Path, name: str, document: ResolvedTemplate, zones: int) -> DraftStack:
    values, numbers, every = {}, Numbers(zones), uses.of_parameters(document)
    for parameter, declared in _declared(document.source).items():
        if parameter_values.needs_value(declared, every[parameter]):
            is_private = "private" in parameter.lower() or _is_for_private_tasks(document, parameter)
            values[parameter] = parameter_values.propose(parameter, declared, numbers=numbers, is_private=is_private, uses=every[parameter])
    values |= {parameter: DraftValue(text, "what the template calls it elsewhere") for parameter, text in fixed_values.of(document).items() if parameter in values}
    return DraftStack(path, name, rule_ports.with_distinct(document, values), _capabilities(document))


def _declared(source: Template) -> dict[str, Mapping[str, Any]]:
    parameters = source.data.get("Parameters")
    return {name: d for name, d in parameters.items() if isinstance(d, dict)} if isinstance(parameters, dict) else {}


def _is_for_private_tasks(document: ResolvedTemplate, parameter: str) -> bool:
    """Whether subnets are for services whose tasks have no public address, and else only for what needs none."""
    users = [resource for resource in document.resources.values() if _refers(resource, parameter)]
    if not any(str(resource.get("Type")) in {SERVICE, STACK} for resource in users) or any(str(resource.get("Type")) not in _USERS_OF_PRIVATE_SUBNETS for resource in users):
        return False
    services = [resource for resource in users if resource.get("Type") == SERVICE]
    passed = [(child, name) for child in document.children.values() for name, value in child.parameters.items() if _refers(value, parameter)]
    is_private = all("'AssignPublicIp': 'ENABLED'" not in str(service) for service in services)
    return is_private and all(itertools.starmap(_is_for_private_tasks, passed))


def _refers(value: Any, parameter: str) -> bool:
    return any(reference.name == parameter for reference in references.references_in(value))


def _capabilities(document: ResolvedTemplate) -> tuple[str, ...]:
    """Returns the capabilities that a stack needs, for those that it nests too.

    Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html
    """
    documents, found = list(_with_nested(document)), []
    resources = [resource for one in documents for resource in one.source.resources.values()]
    identities = [r for r in resources if str(r.get("Type")).startswith(("AWS::IAM::", "AWS::Serverless::"))]
    if identities:
        is_named = any(_NAMED & set(resolved_stacks.properties(resource)) for resource in identities)
        found.append("CAPABILITY_NAMED_IAM" if is_named else "CAPABILITY_IAM")
    if any("Transform" in one.source.data or "Fn::Transform" in str(one.source.data.get("Resources")) for one in documents):
        found.append("CAPABILITY_AUTO_EXPAND")
    return tuple(found)


def _with_nested(document: ResolvedTemplate) -> Iterator[ResolvedTemplate]:
    yield document
    for child in document.children.values():
        yield from _with_nested(child)


def _linked(stack: DraftStack, stacks: Sequence[DraftStack], templates: Templates) -> DraftStack:
    """Returns a stack whose parameters without a default get the outputs of other stacks that are called so."""
    values = dict(stack.values)
    others = [other.template for other in stacks if other.template != stack.template]
    for parameter in stack.values:
        declared = _declared(templates[stack.template])[parameter]
        outputs = {(output, path) for path in others for output in _outputs(templates[path]) if _is_about(output, parameter, declared)}
        if len(outputs) == 1:
            ((output, path),) = outputs
            values[parameter] = DraftValue(f"{{output.{output}}}", f"an output of {path.name}")
    return replace(stack, values=values)


def _outputs(source: Template) -> list[str]:
    outputs = source.data.get("Outputs")
    return [name for name in outputs if re.fullmatch("[A-Za-z0-9]+", name)] if isinstance(outputs, dict) else []


def _is_about(output: str, parameter: str, declared: Mapping[str, Any]) -> bool:
    """Whether a parameter may be for an output: they have the same name, or nearly, and nothing excludes any value."""
    return output.lower() == parameter.lower() or (_bare(output) == _bare(parameter) and parameter_values.admits(parameter, declared, "output"))


def _bare(name: str) -> str:
    """Returns what a name is about: VpcId and VPC are the same."""
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    return re.sub(r"(id|ids|arn|name)$", "", plain) or plain


def _with_urls(draft: Draft, templates: Templates) -> Draft:
    """Returns a draft whose parameters in the URLs of nested templates lead to where the run stages these."""
    if draft.templates is None:
        return draft
    below = [path.parent.relative_to(draft.templates).as_posix() for path in templates if path.is_relative_to(draft.templates)]
    folders = ["{templates}", *(f"{{templates}}/{folder}" for folder in sorted(set(below) - {"."})[:5])]
    choices = ["{bucket}", *folders, *(f"{folder}/" for folder in folders), "{region}"]
    for stack in draft.stacks:
        names = _names_in(templates, stack, "TemplateURL")
        draft = _best(draft, templates, stack, dict.fromkeys(names, choices), _staged, why="where this run puts the nested templates")
    return draft


def _staged(draft: Draft, every: ResolvedStacks) -> int:
    """Returns how many URLs of nested templates lead to where the run stages one."""
    base = draft.templates or draft.path.parent
    keys = {f"/{PREFIX}/{document.path.relative_to(base).as_posix()}" for document in every.documents if document.path.is_relative_to(base)}
    urls = [str(properties.get("TemplateURL")) for document in every.deployed for _, properties in document.of_type(STACK)]
    return sum(f"{PREFIX}-preflight-{RUN}" in url and any(url.endswith(key) and f"/{key}" not in url for key in keys) for url in urls)


def _with_imports(draft: Draft, templates: Templates) -> Draft:
    """Returns a draft whose parameters in imported names are the names of the stacks that export them.

    A stack is resolved without the others for each choice: only what it imports depends on it.
    """
    for stack in draft.stacks:
        names = _names_in(templates, stack, "Fn::ImportValue")
        every = resolved(draft, templates) if names else ResolvedStacks((), is_closed=True)
        exporters = {document.root.path for document, _ in every.exports.values()} - {stack.template}
        choices = [other.name for other in draft.stacks if other.template in exporters]
        family = {document.path: document.source for document in every.documents if document.root.path == stack.template}
        score = functools.partial(_found_imports, every.exports)
        alone = replace(draft, steps=(stack,))
        best = _best(alone, family, stack, dict.fromkeys(names, choices), score, why="the stack that exports what this one imports")
        draft = replace(draft, steps=tuple(best.stacks[0] if other is stack else other for other in draft.stacks))
    return draft


def _found_imports(exports: Container[str], _draft: Draft, every: ResolvedStacks) -> int:
    return sum(name in exports for document in every.deployed for name in resolved_stacks.imports(document))


def _names_in(templates: Templates, stack: DraftStack, key: str) -> list[str]:
    """Returns the parameters of a stack to whose names values of a key refer in any template: nested stacks get them passed."""
    parts = [part for source in templates.values() for part in resolved_stacks.values_of(source.data.get("Resources"), key)]
    declared = _declared(templates[stack.template])
    return [name for name in declared if any(_refers(part, name) for part in parts)][:4]


def _best(draft: Draft, templates: Templates, stack: DraftStack, choices: Mapping[str, Sequence[str]], score: Score, *, why: str) -> Draft:
    """Returns the draft with the values of a stack's parameters that score highest, as it is if none score higher."""
    if not choices or not all(choices.values()):
        return draft
    best, most = draft, score(draft, resolved(draft, templates))
    for chosen in itertools.islice(itertools.product(*choices.values()), MOST_TRIALS):
        values = {**_of(draft, stack).values, **{name: DraftValue(text, why) for name, text in zip(choices, chosen, strict=True)}}
        trial = replace(draft, steps=tuple(replace(s, values=values) if s.template == stack.template else s for s in draft.stacks))
        reached = score(trial, resolved(trial, templates))
        if reached > most:
            best, most = trial, reached
    return best


def _of(draft: Draft, stack: DraftStack) -> DraftStack:
    return next(other for other in draft.stacks if other.template == stack.template)


def _ordered(draft: Draft, templates: Templates) -> Iterator[DraftStack]:
    """Yields the stacks so that each comes after those whose outputs and exports it uses; a circle is left as it is."""
    needs = _needs(draft, templates)
    left = list(draft.stacks)
    while left:
        free = next((s for s in left if not needs[s.template] & {other.template for other in left if other is not s}), left[0])
        left.remove(free)
        yield free


def _needs(draft: Draft, templates: Templates) -> dict[Path, set[Path]]:
    every = resolved(draft, templates)
    owners = {output: stack.template for stack in draft.stacks for output in _outputs(templates[stack.template])}
    needs = {stack.template: {owners[n] for value in stack.values.values() for n in placeholders.outputs_in(value.text) if n in owners} for stack in draft.stacks}
    for document in every.deployed:
        exporters = [every.exports[name][0].root.path for name in resolved_stacks.imports(document) if name in every.exports]
        needs[document.root.path].update(exporters)
    return needs
