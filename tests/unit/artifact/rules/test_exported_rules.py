"""Every exported rule: its own cases as inputs of a Guard Hook's targets and as configuration items of AWS Config.

The inputs are built here from what AWS documents, not by the code that exports the rules:
https://docs.aws.amazon.com/cloudformation-cli/latest/hooks-userguide/guard-hooks-write-rules.html
https://docs.aws.amazon.com/config/latest/developerguide/config-item-table.html
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from preflight.comply import ruleset
from preflight.comply.cfn_guard_binary import Binary
from preflight.comply.rule_export import config_policy, guard_hook
from preflight.comply.rule_export.recorded_properties import RECORDED
from preflight.comply.rules import Rule
from preflight.system import processes

RULESET = ruleset.chosen([])
RULES = {rule.name: rule for rule in RULESET.guard}
HOOK, CONFIG = guard_hook.of(RULESET), config_policy.of(RULESET)
PSEUDO = {"AWS::AccountId": "123456789012", "AWS::Region": "eu-central-1", "AWS::Partition": "aws", "AWS::URLSuffix": "amazonaws.com"}
CONTEXT = {
    "AWSAccountID": "123456789012",
    "StackId": "arn:aws:cloudformation:eu-central-1:123456789012:stack/web/1a2345b6-0000-00a0-a123-00abc0abc000",
    "HookTypeName": "Private::Guard::Preflight",
    "HookTypeVersion": "00001",
    "InvocationPoint": "UPDATE_PRE_PROVISION",
    "ChangeSetId": "",
}
BESIDE_PROPERTIES = {"Metadata", "DependsOn", "DeletionPolicy", "UpdateReplacePolicy", "Condition"}
pytestmark = pytest.mark.guard


class UnresolvableError(Exception):
    """A case leaves open what a function gives, so it says nothing about inputs in which functions are resolved."""


def archived(target: str) -> dict[str, str]:
    """Returns the texts of the rules that a target of a hook gets, by name."""
    archives = [zipfile.ZipFile(io.BytesIO(data)) for name, data in HOOK.files.items() if name.startswith(f"{target}-")]
    return {Path(name).stem: archive.read(name).decode() for archive in archives for name in archive.namelist()}


STACK_RULES, RESOURCE_RULES = archived("stack"), archived("resource")
CONFIG_RULES = {Path(name).stem: json.loads(data)["Source"]["CustomPolicyDetails"]["PolicyText"] for name, data in CONFIG.files.items()}


def cases_of(rule: Rule) -> list[dict[str, Any]]:
    read: list[dict[str, Any]] = yaml.safe_load((rule.file.parent / "tests" / f"{rule.file.stem}_tests.yaml").read_text())
    return read


def verdicts(guard: Binary, text: str, name: str, documents: Sequence[Any]) -> list[str]:
    """Returns the verdict of a rule on each document."""
    args = ("validate", "--payload", "--structured", "--output-format", "json", "--show-summary", "none")
    payload = json.dumps({"rules": [text], "data": [json.dumps(document) for document in documents]})
    process = processes.start(str(guard.path), *args, has_input=True)
    done = process.result(timeout=120, input_text=payload)
    assert done.stderr == ""
    assert done.code in {0, 19}, str(done)
    answers = {answer["name"]: answer for answer in json.loads(done.stdout)}
    return [verdict(answers[f"DATA_STDIN[{number}]"], name) for number, _ in enumerate(documents, 1)]


def verdict(answer: dict[str, Any], name: str) -> str:
    if name in answer["compliant"]:
        return "PASS"
    return "SKIP" if name in answer["not_applicable"] else "FAIL"


def of_all(verdicts: Sequence[str]) -> str:
    """Returns the verdict on a template whose resources were judged one by one."""
    return next((word for word in ("FAIL", "PASS") if word in verdicts), "SKIP")


def verdicts_by_case(
    guard: Binary, text: str, rule: Rule, make_input: Callable[[str, str, Any], dict[str, Any]]
) -> dict[str, str]:
    """Returns the verdict of a rule on each of its cases that inputs of single resources can express: one process for all inputs."""
    inputs = [(case, make_input(*resource)) for case, _, resources in expressible(rule) for resource in resources]
    by_case: dict[str, list[str]] = {}
    for (case, _), found in zip(inputs, verdicts(guard, text, rule.name, [document for _, document in inputs]), strict=True):
        by_case.setdefault(case, []).append(found)
    return {case: of_all(found) for case, found in by_case.items()}


def resolved(value: Any, names: Sequence[str]) -> Any:
    """Returns a value as CloudFormation would have it before it creates the resource."""
    if isinstance(value, list):
        return [resolved(item, names) for item in value if item != {"Ref": "AWS::NoValue"}]
    if not isinstance(value, dict):
        return value
    if len(value) == 1 and next(iter(value)).startswith(("Ref", "Fn::")):
        return result(*next(iter(value.items())), names)
    return {key: resolved(item, names) for key, item in value.items() if item != {"Ref": "AWS::NoValue"}}


def result(function: str, argument: Any, names: Sequence[str]) -> str:
    if function == "Fn::Sub" and isinstance(argument, str):
        return re.sub(r"\$\{([^}]+)\}", lambda match: result("Fn::GetAtt" if "." in match[1] else "Ref", match[1], names), argument)
    if function == "Ref" and argument in PSEUDO:
        return PSEUDO[argument]
    if function == "Fn::GetAtt" or (function == "Ref" and argument in names):
        attribute = argument if isinstance(argument, str) else ".".join(argument)
        if attribute.endswith(".RepositoryUri"):
            return f"123456789012.dkr.ecr.eu-central-1.amazonaws.com/{attribute.partition('.')[0].lower()}"
        return f"arn:aws:some:eu-central-1:123456789012:thing/{attribute}:1"
    raise UnresolvableError(function)


def resources_of(case: dict[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """Yields name, type and resolved properties of each resource of a case that a single resource's input can express."""
    resources = case["input"].get("Resources") or {}
    for name, resource in resources.items():
        if BESIDE_PROPERTIES & set(resource):
            raise UnresolvableError(name)
        yield name, resource["Type"], resolved(resource.get("Properties", {}), [*resources])


def expressible(rule: Rule) -> Iterator[tuple[str, str, list[tuple[str, str, Any]]]]:
    """Yields the cases of a rule that inputs of single resources can express: name, verdict, resources.

    What AWS::NoValue takes away is not in them: a rule that then finds nothing to judge does not apply.
    """
    for case in cases_of(rule):
        try:
            resources = list(resources_of(case))
        except UnresolvableError:
            continue
        wanted = case["expectations"]["rules"][rule.name]
        if resources and ("AWS::NoValue" not in str(case) or wanted == "FAIL"):
            yield case["name"], wanted, resources


def resource_input(name: str, kind: str, properties: Any) -> dict[str, Any]:
    context = {**CONTEXT, "TargetName": kind, "TargetType": "RESOURCE", "TargetLogicalId": name}
    previous = {name: {"Type": kind, "Properties": {"Name": "before"}}}
    return {"HookContext": context, "Resources": {name: {"Type": kind, "Properties": properties}}, "Previous": previous}


def item(name: str, kind: str, properties: Any) -> dict[str, Any]:
    head = {"version": "1.3", "configurationItemStatus": "OK", "resourceType": kind, "resourceId": name, "tags": {}, "relationships": []}
    configuration = recorded(properties, {word.lower(): word for word in RECORDED.get(kind, ())})
    return {**head, "configuration": configuration, "supplementaryConfiguration": {}}


def recorded(value: Any, names: dict[str, str]) -> Any:
    """Returns properties as AWS Config records them: what its schema lists, spelt as there."""
    if isinstance(value, list):
        return [recorded(part, names) for part in value]
    if not isinstance(value, dict):
        return value
    return {names[key.lower()]: recorded(part, names) for key, part in value.items() if key.lower() in names}


@pytest.mark.parametrize("name", STACK_RULES)
def test_the_stack_target_of_a_hook_agrees_with_every_case(name: str, guard: Binary) -> None:
    cases = cases_of(RULES[name])
    broken = next(case["input"] for case in cases if case["expectations"]["rules"][name] == "FAIL")
    context = {**CONTEXT, "TargetName": "web", "TargetType": "STACK"}
    inputs = [{"HookContext": context, **case["input"], "Previous": broken} for case in cases]

    found = verdicts(guard, STACK_RULES[name], name, inputs)

    assert {c["name"]: v for c, v in zip(cases, found, strict=True)} == {c["name"]: c["expectations"]["rules"][name] for c in cases}


@pytest.mark.parametrize("name", RESOURCE_RULES)
def test_the_resource_target_of_a_hook_agrees_with_every_case_that_it_can_express(name: str, guard: Binary) -> None:
    found = verdicts_by_case(guard, RESOURCE_RULES[name], RULES[name], resource_input)

    assert found == {case: wanted for case, wanted, _ in expressible(RULES[name])}
    assert {"PASS", "FAIL"} <= set(found.values())


@pytest.mark.parametrize("name", CONFIG_RULES)
def test_aws_config_agrees_with_every_case_that_an_item_can_express(name: str, guard: Binary) -> None:
    found = verdicts_by_case(guard, CONFIG_RULES[name], RULES[name], item)

    assert found == {case: wanted for case, wanted, _ in expressible(RULES[name])}
    assert {"PASS", "FAIL"} <= set(found.values())
