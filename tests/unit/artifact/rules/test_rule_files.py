"""Every rule: its cases by `cfn-guard test`, and the same cases end to end by `validate`.

Both, because cfn-guard reads YAML in two ways: a rule can be green in one and blind in the other.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from preflight.comply import cfn_guard, guard_documents, rules
from preflight.comply.cfn_guard_binary import Binary
from preflight.comply.rules import Rule
from preflight.system import processes
from preflight.templates import template

ROOT = Path(__file__).parents[4]
RULES = rules.rules_below([ROOT / "rules"])
ON = {rule.name for rule in RULES if rule.is_on}
IDS = [rule.name for rule in RULES]
HEADER_LINES = 3
pytestmark = pytest.mark.guard


def cases_of(rule: Rule) -> list[dict[str, Any]]:
    path = rule.file.parent / "tests" / f"{rule.file.stem}_tests.yaml"
    read: list[dict[str, Any]] = yaml.safe_load(path.read_text())
    return read


@pytest.mark.parametrize("rule", RULES, ids=IDS)
def test_the_file_is_named_for_the_rule_and_begins_with_it(rule: Rule) -> None:
    header = rule.file.read_text().splitlines()[:HEADER_LINES]

    assert rule.file.stem == rule.name.lower()
    assert header[0] == f"# {rule.name}"
    assert all(line.startswith("# ") for line in header)


@pytest.mark.parametrize("rule", RULES, ids=IDS)
def test_the_rule_has_a_case_for_each_verdict(rule: Rule) -> None:
    verdicts = {case["expectations"]["rules"][rule.name] for case in cases_of(rule)}

    assert verdicts == {"PASS", "FAIL", "SKIP"}


@pytest.mark.parametrize("rule", RULES, ids=IDS)
def test_cfn_guard_test_agrees_with_every_case(rule: Rule, guard: Binary) -> None:
    tests = rule.file.parent / "tests" / f"{rule.file.stem}_tests.yaml"

    done = processes.run(str(guard.path), "test", "-r", str(rule.file), "-t", str(tests), timeout=60)

    assert done.code == 0, str(done)
    assert done.stdout.count("PASS Rules:") == len(cases_of(rule)), str(done)


@pytest.mark.parametrize("rule", RULES, ids=IDS)
def test_validate_agrees_with_every_case(rule: Rule, guard: Binary, tmp_path: Path) -> None:
    paths = {}
    for number, case in enumerate(cases_of(rule)):
        path = tmp_path / f"{number}.yaml"
        path.write_text(yaml.safe_dump(case["input"]))
        paths[path] = case
    args = ["validate", "--structured", "-o", "json", "--show-summary", "none", "-r", str(rule.file)]

    done = processes.run(str(guard.path), *args, "-d", *map(str, paths), timeout=60)

    found = {Path(answer["name"]): verdict(answer, rule.name) for answer in json.loads(done.stdout)}
    wanted = {path: case["expectations"]["rules"][rule.name] for path, case in paths.items()}
    assert {str(paths[p]["name"]): v for p, v in found.items()} == {str(paths[p]["name"]): v for p, v in wanted.items()}


def verdict(answer: dict[str, Any], name: str) -> str:
    if name in answer["compliant"]:
        return "PASS"
    return "SKIP" if name in answer["not_applicable"] else "FAIL"


def test_our_templates_pass_every_rule_that_is_on(guard: Binary) -> None:
    templates = {path: template.load(path) for path in sorted((ROOT / "cfn").glob("*.yaml"))}

    found = cfn_guard.start(guard, RULES, guard_documents.as_written(templates)).findings()

    assert [finding for finding in found if finding.check in ON] == []
