"""What a rule finds in its own wrong cases: whose it is, and what to do, in the rule's own words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from preflight.comply import cfn_guard, guard_documents, rules
from preflight.comply.cfn_guard_binary import Binary
from preflight.comply.rules import Rule
from preflight.model import Finding
from preflight.templates import template

ROOT = Path(__file__).parents[4]
RULES = rules.rules_below([ROOT / "rules"])
IDS = [rule.name for rule in RULES]
WAIVED = "the rule is waived without a reason."  # said of the template where the rule is about parameters


def wrong(rule: Rule) -> list[Any]:
    cases = yaml.safe_load((rule.file.parent / "tests" / f"{rule.file.stem}_tests.yaml").read_text())
    return [case["input"] for case in cases if case["expectations"]["rules"][rule.name] == "FAIL"]


@pytest.fixture(scope="module")
def found(guard: Binary, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[list[Finding]]]:
    """By rule, what it finds in each of its wrong cases: one process for all of them."""
    folder = tmp_path_factory.mktemp("places")
    paths: dict[Path, str] = {}
    for rule in RULES:
        for number, case in enumerate(wrong(rule)):
            path = folder / f"{rule.name}-{number}.json"
            path.write_text(json.dumps(case, default=str))
            paths[path] = rule.name
    said = cfn_guard.start(guard, RULES, guard_documents.as_written({path: template.load(path) for path in paths})).by_document()
    return {name: [[f for f in said[p] if f.check == name] for p, of in paths.items() if of == name] for name in IDS}


@pytest.mark.guard
@pytest.mark.parametrize("rule", IDS)
def test_a_finding_names_who_offends_and_says_what_to_do(found: dict[str, list[list[Finding]]], rule: str) -> None:
    vague = [f for case in found[rule] for f in case if not f.fix or (f.resource is None and f.message != WAIVED)]

    assert vague == []


@pytest.mark.guard
@pytest.mark.parametrize("rule", IDS)
def test_every_wrong_case_has_a_finding(found: dict[str, list[list[Finding]]], rule: str) -> None:
    assert found[rule] != [], "the rule has no wrong cases"
    assert [number for number, findings in enumerate(found[rule]) if not findings] == []
