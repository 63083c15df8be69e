"""Every rule: its cases by `cfn-guard test`, and the same cases end to end by `validate`.

Both, because cfn-guard reads YAML in two ways: a rule can be green in one and blind in the other.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from preflight import guard as guards
from preflight import guard_binary, process, template

ROOT = Path(__file__).parents[2]
RULES = guards.rules_below([ROOT / "rules"])
IDS = [rule.name for rule in RULES]
HEADER_LINES = 3
pytestmark = pytest.mark.guard


def cases_of(rule: guards.Rule) -> list[dict[str, Any]]:
    path = rule.file.parent / "tests" / f"{rule.file.stem}_tests.yaml"
    read: list[dict[str, Any]] = yaml.safe_load(path.read_text())
    return read


@pytest.mark.parametrize("rule", RULES, ids=IDS)
def test_the_file_is_named_for_the_rule_and_begins_with_it(rule: guards.Rule) -> None:
    header = rule.file.read_text().splitlines()[:HEADER_LINES]

    assert (rule.file.stem, header[0], all(line.startswith("# ") for line in header)) == (
        rule.name.lower(),
        f"# {rule.name}",
        True,
    )


@pytest.mark.parametrize("rule", RULES, ids=IDS)
def test_the_rule_has_a_case_for_each_verdict(rule: guards.Rule) -> None:
    verdicts = {case["expectations"]["rules"][rule.name] for case in cases_of(rule)}

    assert verdicts == {"PASS", "FAIL", "SKIP"}


@pytest.mark.parametrize("rule", RULES, ids=IDS)
def test_cfn_guard_test_agrees_with_every_case(rule: guards.Rule, guard: guard_binary.Binary) -> None:
    tests = rule.file.parent / "tests" / f"{rule.file.stem}_tests.yaml"

    done = process.run(str(guard.path), "test", "-r", str(rule.file), "-t", str(tests), timeout=60)

    assert (done.code, done.stdout.count("PASS Rules:")) == (0, len(cases_of(rule))), str(done)


@pytest.mark.parametrize("rule", RULES, ids=IDS)
def test_validate_agrees_with_every_case(rule: guards.Rule, guard: guard_binary.Binary, tmp_path: Path) -> None:
    paths = {}
    for number, case in enumerate(cases_of(rule)):
        path = tmp_path / f"{number}.yaml"
        path.write_text(yaml.safe_dump(case["input"]))
        paths[path] = case
    args = ["validate", "--structured", "-o", "json", "--show-summary", "none", "-r", str(rule.file)]

    done = process.run(str(guard.path), *args, "-d", *map(str, paths), timeout=60)

    found = {Path(answer["name"]): verdict(answer, rule.name) for answer in json.loads(done.stdout)}
    wanted = {path: case["expectations"]["rules"][rule.name] for path, case in paths.items()}
    assert {str(paths[p]["name"]): v for p, v in found.items()} == {str(paths[p]["name"]): v for p, v in wanted.items()}


def verdict(answer: dict[str, Any], name: str) -> str:
    if name in answer["compliant"]:
        return "PASS"
    return "SKIP" if name in answer["not_applicable"] else "FAIL"


def test_our_templates_pass_every_rule(guard: guard_binary.Binary) -> None:
    templates = {path: template.load(path) for path in sorted((ROOT / "cfn").glob("*.yaml"))}

    assert guards.start(guard, RULES, templates).findings() == []


@pytest.mark.parametrize(
    ("rule", "old", "new"),
    [
        pytest.param("ECS_TASKDEF_NETWORK_MODE_AWSVPC", "      NetworkMode: awsvpc\n", "", id="no network mode"),
        pytest.param("ECS_TASKDEF_REQUIRES_FARGATE", "[FARGATE]", "[EC2]", id="not for Fargate"),
        pytest.param("ECS_SERVICE_LAUNCH_TYPE_FARGATE", "LaunchType: FARGATE", "LaunchType: EC2", id="launched on EC2"),
        pytest.param(
            "ECS_TASKDEF_EXECUTION_ROLE_PRESENT",
            "      ExecutionRoleArn: !GetAtt FargateTaskExecutionRole.Arn\n",
            "",
            id="no execution role",
        ),
        pytest.param(
            "IAM_EXECUTION_ROLE_POLICY_ATTACHED",
            "service-role/AmazonECSTaskExecutionRolePolicy",
            "AmazonS3ReadOnlyAccess",
            id="another policy",
        ),
        pytest.param(
            "IAM_ECS_ROLE_TRUST_ECS_TASKS",
            "Service: ecs-tasks.amazonaws.com",
            "Service: ecs.amazonaws.com",
            id="trusts another service",
        ),
    ],
)
def test_one_change_to_our_own_template_turns_the_rule_red(
    guard: guard_binary.Binary, tmp_path: Path, rule: str, old: str, new: str
) -> None:
    text = (ROOT / "cfn" / "fa-018-fargate.yaml").read_text()
    assert old in text
    path = tmp_path / "t.yaml"
    path.write_text(text.replace(old, new))

    found = guards.start(guard, RULES, {path: template.load(path)}).findings()

    assert {finding.check for finding in found} == {rule}


def test_every_rule_is_turned_red_by_a_change_above() -> None:
    marks = test_one_change_to_our_own_template_turns_the_rule_red.pytestmark  # type: ignore[attr-defined]

    assert {case.values[0] for case in marks[0].args[1]} == set(IDS)
