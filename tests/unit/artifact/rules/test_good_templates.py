"""Correct templates of Fargate deployments, as many teams write them: nothing may be found wrong with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from preflight.comply import cfn_guard, cfn_guard_binary, guard_documents, rules
from preflight.lint import cfn_lint
from preflight.model import Finding, Severity
from preflight.templates import template
from preflight.templates.template import Template

ROOT = Path(__file__).parents[4]
FOLDER = Path(__file__).parent / "good"
FILES = sorted(path for path in FOLDER.iterdir() if path.suffix in {".yaml", ".json"})
IDS = [path.name for path in FILES]
FEWEST = 34
RULES = rules.rules_below([ROOT / "rules" / "fargate"])


@pytest.fixture(scope="module")
def templates() -> dict[Path, Template]:
    return {path: template.load(path) for path in FILES}


@pytest.fixture(scope="module")
def linted(templates: dict[Path, Template]) -> list[Finding]:
    return cfn_lint.check(templates)


@pytest.fixture(scope="module")
def judged(templates: dict[Path, Template]) -> list[Finding]:
    return cfn_guard.start(cfn_guard_binary.find(), RULES, guard_documents.as_written(templates)).findings()


def test_there_are_as_many_as_were_promised() -> None:
    assert len(FILES) >= FEWEST


def test_every_template_has_its_line_in_the_readme() -> None:
    lines = (FOLDER / "README.md").read_text().splitlines()

    listed = [line.split("`")[1] for line in lines if line.startswith("| `")]

    assert listed == IDS


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_it_is_read_and_deploys_something_on_fargate(path: Path) -> None:
    types = {resource["Type"] for resource in everything(template.load(path)) if "Type" in resource}

    assert "AWS::ECS::TaskDefinition" in types


def everything(read: Template) -> list[dict[str, str]]:
    """The resources, those of a loop too."""
    loops = [value for name, value in read.data["Resources"].items() if name.startswith("Fn::ForEach")]
    looped = [resource for loop in loops for resource in loop[2].values()]
    return [value for value in read.data["Resources"].values() if isinstance(value, dict)] + looped


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_cfn_lint_finds_no_error(path: Path, linted: list[Finding]) -> None:
    errors = [finding for finding in linted if finding.severity is Severity.ERROR]

    assert [finding for finding in errors if Path(finding.file or "").name == path.name] == []


@pytest.mark.guard
@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_no_rule_about_fargate_fires(path: Path, judged: list[Finding]) -> None:
    assert [finding for finding in judged if Path(finding.file or "").name == path.name] == []
