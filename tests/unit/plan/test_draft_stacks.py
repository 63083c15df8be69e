from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from preflight.plan import resolved_stacks
from preflight.plan.draft import stacks
from preflight.plan.draft.draft import Draft
from preflight.plan.plan import Plan
from preflight.plan.resolved_stacks import ResolvedStacks
from preflight.templates import template
from preflight.templates.template import Template

NETWORK = "Outputs: {V: {Value: v, Export: {Name: {Fn::Sub: '${AWS::StackName}-Vpc'}}}}\nResources: {T: {Type: 'AWS::SNS::Topic'}}"
SERVICE = """\
Parameters: {Network: {Type: String}}
Resources:
  Group: {Type: 'AWS::EC2::SecurityGroup', Properties: {GroupDescription: x, VpcId: {Fn::ImportValue: {Fn::Sub: '${Network}-Vpc'}}}}
Outputs: {G: {Value: {Ref: Group}, Export: {Name: {Fn::Sub: '${AWS::StackName}-Group'}}}}
"""
TEXTS = {Path("/demo/network.yaml"): NETWORK, **{Path(f"/demo/service{n}.yaml"): SERVICE for n in range(12)}}
TEMPLATES = {path: template.parse(text, name=path.name) for path, text in TEXTS.items()}


@pytest.fixture
def sizes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many templates were given whenever a draft was resolved."""
    counted: list[int] = []
    of_plan = resolved_stacks.of_plan

    def counting(plan: Plan, read: Mapping[Path, Template], *, run: str) -> ResolvedStacks:
        counted.append(len(read))
        return of_plan(plan, read, run=run)

    monkeypatch.setattr(resolved_stacks, "of_plan", counting)
    return counted


def drafted() -> Draft:
    draft = Draft(Path("/demo/preflight.yaml"), "demo", "eu-west-1", None, ())
    return stacks.drafted(draft, TEMPLATES, [(path, f"{{prefix}}-{path.stem}") for path in TEMPLATES])


def test_what_a_stack_imports_names_the_stack_that_exports_it() -> None:
    values = {stack.values["Network"].text for stack in drafted().stacks if "Network" in stack.values}

    assert values == {"{prefix}-network"}


def test_a_choice_for_one_stack_does_not_resolve_the_others_again(sizes: list[int]) -> None:
    drafted()

    assert sum(sizes) < 3 * len(TEMPLATES) ** 2
