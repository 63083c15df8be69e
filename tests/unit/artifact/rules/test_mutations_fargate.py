"""Every rule of tier fargate bites: it holds on `web.yaml`, and one change turns it, and it alone, red."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from preflight.comply import cfn_guard, guard_documents, rules
from preflight.comply.cfn_guard_binary import Binary
from preflight.lint import cfn_lint
from preflight.model import Finding, Severity
from preflight.system import processes
from preflight.templates import template
from tests.unit.artifact.rules import mutations_fargate
from tests.unit.artifact.rules.mutation import Mutation

ROOT = Path(__file__).parents[4]
RULES = rules.rules_below([ROOT / "rules" / "fargate"])
WEB = Path(__file__).with_name("web.yaml")
NOTHING_TO_JUDGE = {"ECS_TASKDEF_ROLE_ARN_NOT_REF"}  # cfn-lint lets no correct template name a role by Ref (E1041)
REDS = mutations_fargate.REDS


def case(red: Mutation) -> str:
    return f"{red.rule}: {' '.join(red.old.split())[-60:]} -> {' '.join(red.new.split())[-60:] or 'nothing'}"


@pytest.fixture(scope="module")
def found(guard: Binary, tmp_path_factory: pytest.TempPathFactory) -> dict[Mutation, list[Finding]]:
    """What the rules find in each changed template: one process for all of them."""
    folder = tmp_path_factory.mktemp("reds")
    paths = {}
    for number, red in enumerate(REDS):
        paths[red] = folder / f"{number}.yaml"
        paths[red].write_text((ROOT / red.file).read_text().replace(red.old, red.new))
    known = {path: template.load(path) for path in paths.values()}
    findings = cfn_guard.start(guard, RULES, guard_documents.as_written(known)).findings()
    return {red: [f for f in findings if f.file == known[path].name] for red, path in paths.items()}


@pytest.mark.parametrize("red", REDS, ids=map(case, REDS))
def test_the_change_is_one(red: Mutation) -> None:
    assert (ROOT / red.file).read_text().count(red.old) == 1
    assert red.old != red.new


@pytest.mark.guard
@pytest.mark.parametrize("red", REDS, ids=map(case, REDS))
def test_the_change_turns_the_rule_red(found: dict[Mutation, list[Finding]], red: Mutation) -> None:
    assert {finding.check for finding in found[red]} == {red.rule, *red.also}


@pytest.mark.guard
@pytest.mark.parametrize("red", REDS, ids=map(case, REDS))
def test_what_is_found_says_where_and_what_to_do(found: dict[Mutation, list[Finding]], red: Mutation) -> None:
    vague = [f for f in found[red] if not (f.resource and f.line and f.fix and f.message.endswith("."))]

    assert vague == []


def test_every_rule_is_turned_red() -> None:
    assert {red.rule for red in REDS} == {rule.name for rule in RULES}


@pytest.mark.guard
def test_every_rule_holds_on_a_good_template(guard: Binary) -> None:
    args = ["validate", "--structured", "-o", "json", "--show-summary", "none", "-r", str(ROOT / "rules" / "fargate")]

    done = processes.run(str(guard.path), *args, "-d", str(WEB), timeout=60)

    answer = json.loads(done.stdout)[0]
    assert set(answer["compliant"]) == {rule.name for rule in RULES} - NOTHING_TO_JUDGE


def test_the_good_template_passes_cfn_lint() -> None:
    errors = [f for f in cfn_lint.check({WEB: template.load(WEB)}) if f.severity is Severity.ERROR]

    assert errors == []
