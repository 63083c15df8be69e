"""preflight-hook.yaml: the stacks that install the Guard Hooks of an organization, rehearsed, and the archives in their bucket."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from preflight.comply import ruleset
from preflight.comply.rule_export import guard_hook
from preflight.system import processes
from preflight.templates import template

ROOT = Path(__file__).parents[2]
ACCOUNT = template.load(ROOT / "cfn" / "fa-018-hook-account.yaml").data["Resources"]
HOOKS = {name: resource["Properties"] for name, resource in ACCOUNT.items() if resource["Type"] == "AWS::CloudFormation::GuardHook"}


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    """The report of a rehearsal."""
    command = (sys.executable, "-m", "preflight", "check", "preflight-hook.yaml", "--containers", "off", "--format", "json")
    done = processes.run(*command, cwd=ROOT, timeout=300)
    assert done.code == 0, done.stderr
    read: dict[str, Any] = json.loads(done.stdout)
    return read


def test_the_stacks_pass_lint_rules_and_rehearsal(report: dict[str, Any]) -> None:
    assert report["verdict"] == "pass"
    assert report["findings"] == []
    assert [stage["outcome"] for stage in report["stages"]] == ["pass", "pass", "pass", "skipped"]


def test_the_bucket_and_the_role_are_created_and_the_rest_is_said_to_be_a_stand_in(report: dict[str, Any]) -> None:
    notes = {entry["resource"].rpartition(".")[2]: entry["note"] for entry in report["ledger"] if entry["property"] is None and entry["note"]}
    stored = {entry["resource"] for entry in report["ledger"] if entry["state"] in {"stored", "checked"}}

    assert {name for name, note in notes.items() if "is not modelled" in note} == {*HOOKS, "HookStackSet"}
    assert {"fa-018-hook-rules.RulesBucket", "fa-018-hook-rules.RulesBucketPolicy", "fa-018-hook-account.HookRole"} <= stored


@pytest.mark.parametrize("name", HOOKS)
def test_each_hook_reads_an_archive_of_the_export_for_its_target(name: str) -> None:
    archive = HOOKS[name]["RuleLocation"]["Uri"]["Fn::Sub"].rpartition("/")[2]
    target, _, severity = archive.removesuffix(".zip").partition("-")

    assert archive in guard_hook.of(ruleset.chosen([])).files
    assert HOOKS[name]["TargetOperations"] == {"stack": ["STACK"], "resource": ["RESOURCE", "CLOUD_CONTROL"]}[target]
    assert HOOKS[name]["FailureMode"] in ({"Ref": "FailureMode"}, "WARN")
    assert severity == "error" or HOOKS[name]["FailureMode"] == "WARN"


def test_the_stack_set_hands_on_the_parameters_of_an_account() -> None:
    declared = template.load(ROOT / "cfn" / "fa-018-hook-account.yaml").data["Parameters"]
    stack_set = template.load(ROOT / "cfn" / "fa-018-hook.yaml").data["Resources"]["HookStackSet"]["Properties"]

    assert {entry["ParameterKey"] for entry in stack_set["Parameters"]} == set(declared)
