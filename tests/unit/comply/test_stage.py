"""The comply stage with cfn-guard itself: two passes, and waivers held against what they hide."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from preflight.comply import guard_documents, ruleset, stage
from preflight.comply.cfn_guard_binary import Binary
from preflight.comply.ruleset import Ruleset
from preflight.comply.stage import ComplyRequest, Result
from preflight.errors import UsageError
from preflight.model import Severity
from preflight.plan import reader, resolved_stacks
from preflight.system import run_folders
from preflight.templates import template
from preflight.templates.template import Template

RUN = f"run{os.getpid()}"  # others test beside this process

pytestmark = pytest.mark.guard
FAMILIES = {
    "ECS_TASKDEF_NETWORK_MODE_AWSVPC",
    "ECS_TASKDEF_REQUIRES_FARGATE",
    "ECS_SERVICE_LAUNCH_TYPE_FARGATE",
    "ECS_TASKDEF_EXECUTION_ROLE_PRESENT",
    "IAM_EXECUTION_ROLE_POLICY_ATTACHED",
    "IAM_ECS_ROLE_TRUST_ECS_TASKS",
}
REASON = "because it is so by design"
SOFT = """\
let services = Resources.*[ Type == 'AWS::ECS::Service' ]
rule ACME_TEAM when %services !empty {
  %services {
    let waived = Metadata.guard.SuppressedRules[ this == 'ACME_TEAM' ]
    when %waived empty {
      when Properties.ServiceName is_string {
        Properties.ServiceName == /^acme-/ << Violation: not ours. Fix: begin with acme-. >>
      }
    }
    when %waived !empty { Metadata.guard.Reasons.ACME_TEAM == /\\S.{14,}/ << Violation: waived without a reason. >> }
  }
}
"""
RAW_ONLY = """\
let services = Resources.*[ Type == 'AWS::ECS::Service' ]
rule ACME_LITERAL when %services !empty {
  %services {
    let waived = Metadata.guard.SuppressedRules[ this == 'ACME_LITERAL' ]
    when %waived empty { Properties.ServiceName is_string << Violation: not literal. Fix: write it out. >> }
  }
}
"""
JOINED = """\
let services = Resources.*[ Type == 'AWS::ECS::Service' ]
let res = Resources
rule ACME_JOIN when %services !empty {
  %services {
    let waived = Metadata.guard.SuppressedRules[ this == 'ACME_JOIN' ]
    when %waived empty {
      let name = Properties.TaskDefinition.Ref
      when %name !empty { %res.%name { Properties.Family exists << Violation: no family. Fix: give it one. >> } }
    }
  }
}
"""
PARAMETERS = """\
let parameters = Parameters.*
rule ACME_SECRET when %parameters !empty {
  let waived = Metadata.guard.SuppressedRules[ this == 'ACME_SECRET' ]
  when %waived empty { %parameters { NoEcho exists << Violation: shown. Fix: set NoEcho. >> } }
  when %waived !empty { Metadata.guard.Reasons.ACME_SECRET == /\\S.{14,}/ << Violation: waived without a reason. >> }
}
"""
Check = Callable[..., Result]


def few(chosen: Ruleset) -> Ruleset:
    """The families that the user asked for, the checks in Python, and a team's own rules."""
    kept = tuple(rule for rule in chosen.guard if rule.name in FAMILIES or rule.name.startswith("ACME_"))
    return dataclasses.replace(chosen, guard=kept)


@pytest.fixture
def check(guard: Binary, tmp_path: Path) -> Check:
    """Hold templates (by name) against the pack and rules of a team."""

    def run(
        *, asked: dict[str, Any] | None = None, today: dt.date = dt.date(2027, 1, 31), rules: str = "", **texts: str
    ) -> Result:
        cfn = tmp_path / "cfn"
        cfn.mkdir(exist_ok=True)
        for name, text in texts.items():
            (cfn / f"{name}.yaml").write_text(text)
        own = tmp_path / "acme"
        own.mkdir(exist_ok=True)
        if rules:
            (own / "own.guard").write_text(rules)
        read = None
        if asked is not None:
            step = {"stack": "{prefix}", "template": "cfn/a.yaml", "parameters": asked.pop("parameters", {})}
            written = {"version": 1, "name": "demo", "region": "eu-west-1", "templates": "cfn", "steps": [step], **asked}
            (tmp_path / "preflight.yaml").write_text(json.dumps(written))
            read = reader.load(tmp_path / "preflight.yaml")
        chosen = few(ruleset.chosen([own] if rules else [], read.policy if read else None, allows_changes=True))
        templates = {path: template.load(path, name=path.name) for path in sorted(cfn.iterdir())}
        with stage.running(ComplyRequest(templates, chosen, read, RUN, today), guard) as started:
            return started.result()

    return run


def service(properties: str, *, guard: str = "", head: str = "") -> str:
    metadata = f"\n    Metadata: {{guard: {guard}}}" if guard else ""
    return f"{head}Resources:\n  S:\n    Type: AWS::ECS::Service{metadata}\n    Properties:\n      LaunchType: FARGATE\n      {properties}\n"


def checks(result: Result) -> list[str]:
    return [finding.check for finding in result.findings]


HEAD = "Parameters:\n  P: {Type: String%s}\nConditions:\n  C: !Equals [!Ref P, EC2]\n"


@pytest.mark.parametrize(
    ("value", "line"),
    [
        pytest.param("EC2", 9, id="as written: both passes find it"),
        pytest.param("!Ref P", 9, id="by a parameter"),
        pytest.param("!If\n        - C\n        - EC2\n        - FARGATE", 11, id="by a condition"),
        pytest.param('!Sub "${P}"', 9, id="by a function"),
    ],
)
def test_a_violation_is_found_once_at_the_line_of_the_source(check: Check, value: str, line: int) -> None:
    text = service("DesiredCount: 1", head=HEAD % ", Default: EC2").replace("LaunchType: FARGATE", f"LaunchType: {value}")

    found = check(a=text).findings

    assert [(f.check, f.file, f.line, f.resource) for f in found] == [("ECS_SERVICE_LAUNCH_TYPE_FARGATE", "a.yaml", line, "S")]


def test_what_is_not_known_without_a_plan_is_left_undecided(check: Check) -> None:
    text = service("DesiredCount: 1", head=HEAD % "").replace("FARGATE", "!Ref P")

    assert checks(check(a=text)) == []


def test_a_plan_decides_it_and_the_finding_names_the_stack_and_its_source(check: Check) -> None:
    text = service("DesiredCount: 1", head=HEAD % "").replace("FARGATE", "!Ref P")

    finding = check(a=text, asked={"parameters": {"P": "EC2"}}).findings[0]

    assert finding.message == "the launch type is not FARGATE. [with stack demo]"
    assert finding.source == "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html"


def test_a_rule_that_the_plan_switches_off_finds_nothing(check: Check) -> None:
    text = service("DesiredCount: 1").replace("FARGATE", "EC2")

    assert checks(check(a=text, asked={"checks": {"ECS_SERVICE_LAUNCH_TYPE_FARGATE": False}})) == []


def test_a_rule_in_another_tier_is_a_warning(check: Check) -> None:
    text = service("DesiredCount: 1").replace("FARGATE", "EC2")

    found = check(a=text, asked={"checks": {"ECS_SERVICE_LAUNCH_TYPE_FARGATE": "practice"}}).findings

    assert [finding.severity for finding in found] == [Severity.WARNING]


def test_with_every_rule_of_guard_off_the_checks_in_python_still_look(check: Check) -> None:
    off = {rule.name: "off" for rule in ruleset.chosen([]).guard}
    text = "Resources: {T: {Type: 'AWS::ECS::TaskDefinition', Properties: {NetworkMode: awsvpc, Memory: 512, ContainerDefinitions: [{Name: a, Memory: 1024}]}}}\n"

    assert checks(check(a=text, asked={"checks": off})) == ["ECS_TASKDEF_CONTAINER_RESOURCES_FIT"]


@pytest.mark.parametrize(
    ("metadata", "found"),
    [
        pytest.param("", ["ACME_TEAM"], id="not waived"),
        pytest.param(f"{{SuppressedRules: [ACME_TEAM], Reasons: {{ACME_TEAM: {REASON}}}}}", [], id="waived with a reason"),
        pytest.param("{SuppressedRules: [ACME_TEAM]}", ["ACME_TEAM", "WAIVER_WITHOUT_REASON"], id="waived without"),
        pytest.param(f"{{SuppressedRules: [ACME_TEAM], Reasons: {{ACME_TEAM: {REASON}}}, Until: {{ACME_TEAM: 2027-01-30}}}}", ["ACME_TEAM", "WAIVER_EXPIRED"], id="waived until yesterday"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", [pytest.param("other", id="as written"), pytest.param("!Ref P", id="by a parameter")])
def test_a_waiver_hides_what_it_names(check: Check, metadata: str, found: list[str], name: str) -> None:
    text = service(f"ServiceName: {name}", guard=metadata, head="Parameters:\n  P: {Type: String, Default: other}\n")

    assert checks(check(a=text, rules=SOFT)) == found


@pytest.mark.parametrize(
    ("name", "head", "found"),
    [
        pytest.param("acme-x", "", ["WAIVER_UNUSED"], id="the rule holds without it"),
        pytest.param("!Ref P", "Parameters:\n  P: {Type: String, Default: acme-x}\n", ["WAIVER_UNUSED"], id="the rule holds by a parameter"),
        pytest.param("!Ref P", "Parameters:\n  P: {Type: String}\n", [], id="nobody can say"),
        pytest.param('!Sub "acme-${P}"', "Parameters:\n  P: {Type: String}\n", [], id="nobody can say of a text"),
        pytest.param('!Sub ["${A}", {A: !ImportValue x}]', "", ["WAIVER_UNUSED"], id="a reference to another stack is none to a value"),
        pytest.param("other", "", [], id="the rule does not hold"),
    ],
)  # fmt: skip
def test_a_waiver_that_hides_nothing_is_a_finding(check: Check, name: str, head: str, found: list[str]) -> None:
    text = service(f"ServiceName: {name}", guard=f"{{SuppressedRules: [ACME_TEAM], Reasons: {{ACME_TEAM: {REASON}}}}}", head=head)

    assert checks(check(a=text, rules=SOFT)) == found


def test_a_waiver_of_what_only_the_template_as_written_shows_is_used(check: Check) -> None:
    guard = f"{{SuppressedRules: [ACME_LITERAL], Reasons: {{ACME_LITERAL: {REASON}}}}}"
    text = service("ServiceName: !Ref P", guard=guard, head="Parameters:\n  P: {Type: String, Default: x}\n")

    assert checks(check(a=text, rules=RAW_ONLY)) == []


@pytest.mark.parametrize(
    ("second", "found"),
    [
        pytest.param("", [], id="the only one that names it"),
        pytest.param("  Z: {Type: 'AWS::ECS::Service', Properties: {LaunchType: FARGATE, TaskDefinition: !Ref T}}\n", ["ACME_JOIN"], id="another one names it, and is not waived"),
    ],
)  # fmt: skip
def test_a_waiver_covers_what_its_resource_is_joined_to(check: Check, second: str, found: list[str]) -> None:
    guard = f"{{SuppressedRules: [ACME_JOIN], Reasons: {{ACME_JOIN: {REASON}}}}}"
    definition = "  T: {Type: 'AWS::ECS::TaskDefinition', Properties: {NetworkMode: awsvpc, RequiresCompatibilities: [FARGATE], ExecutionRoleArn: 'arn:x'}}\n"

    assert checks(check(a=service("TaskDefinition: !Ref T", guard=guard) + second + definition, rules=JOINED)) == found


@pytest.mark.parametrize(
    ("entry", "found"),
    [
        pytest.param({"reason": REASON}, [], id="with a reason"),
        pytest.param({"reason": REASON, "file": "b.yaml"}, ["ACME_TEAM", "WAIVER_UNUSED"], id="for another file"),
        pytest.param({"reason": REASON, "resource": "X"}, ["ACME_TEAM", "WAIVER_UNUSED"], id="for another resource"),
        pytest.param({}, ["ACME_TEAM", "WAIVER_WITHOUT_REASON"], id="without a reason"),
        pytest.param({"reason": REASON, "until": "2027-01-30"}, ["ACME_TEAM", "WAIVER_EXPIRED"], id="until yesterday"),
        pytest.param({"reason": REASON, "until": "2027-01-31"}, [], id="until today"),
    ],
)  # fmt: skip
def test_the_plan_waives_for_templates_that_nobody_may_edit(check: Check, entry: dict[str, str], found: list[str]) -> None:
    entry = {"rule": "ACME_TEAM", "resource": "S", **entry}

    assert checks(check(a=service("ServiceName: other"), rules=SOFT, asked={"waivers": [entry]})) == found


@pytest.mark.parametrize("where", [pytest.param("template", id="in the template"), pytest.param("plan", id="in the plan")])
def test_what_aws_refuses_cannot_be_waived(check: Check, where: str) -> None:
    name = "ECS_SERVICE_LAUNCH_TYPE_FARGATE"
    guard = f"{{SuppressedRules: [{name}], Reasons: {{{name}: {REASON}}}}}" if where == "template" else ""
    entry = [{"rule": name, "resource": "S", "reason": REASON}] if where == "plan" else []

    found = check(a=service("DesiredCount: 1", guard=guard).replace("FARGATE\n", "EC2\n"), asked={"waivers": entry})

    assert checks(found) == [name, "WAIVER_OF_TIER_A"]


SHOWN = "Parameters:\n  Token: {Type: String}\nResources: {A: {Type: 'AWS::ECS::Service', Properties: {LaunchType: FARGATE}}}\n"


@pytest.mark.parametrize(
    ("metadata", "found"),
    [
        pytest.param("{}", ["ACME_SECRET"], id="not waived"),
        pytest.param(f"{{SuppressedRules: [ACME_SECRET], Reasons: {{ACME_SECRET: {REASON}}}}}", [], id="waived with a reason"),
        pytest.param("{SuppressedRules: [ACME_SECRET]}", ["ACME_SECRET", "WAIVER_WITHOUT_REASON"], id="waived without"),
        pytest.param(f"{{SuppressedRules: [ACME_SECRET], Reasons: {{ACME_SECRET: {REASON}}}, Until: {{ACME_SECRET: 2027-01-30}}}}", ["ACME_SECRET", "WAIVER_EXPIRED"], id="waived until yesterday"),
        pytest.param(f"{{SuppressedRules: [ACME_TEAM], Reasons: {{ACME_TEAM: {REASON}}}}}", ["ACME_SECRET", "WAIVER_UNUSED"], id="another rule is waived"),
    ],
)  # fmt: skip
def test_a_rule_about_parameters_is_waived_in_the_metadata_of_the_template(check: Check, metadata: str, found: list[str]) -> None:
    assert checks(check(a=f"Metadata: {{guard: {metadata}}}\n{SHOWN}", rules=PARAMETERS + SOFT)) == found


def test_a_waiver_of_the_template_does_not_speak_for_its_resources(check: Check) -> None:
    head = f"Metadata: {{guard: {{SuppressedRules: [ACME_TEAM], Reasons: {{ACME_TEAM: {REASON}}}}}}}\n"

    assert checks(check(a=service("ServiceName: other", head=head), rules=SOFT)) == ["ACME_TEAM", "WAIVER_UNUSED"]


def test_the_plan_waives_for_one_parameter(check: Check) -> None:
    two = SHOWN.replace("Token:", "Key: {Type: String}\n  Token:")
    entry = {"rule": "ACME_SECRET", "resource": "Token", "reason": REASON}

    found = check(a=two, rules=PARAMETERS, asked={"waivers": [entry]}).findings

    assert [(finding.check, finding.resource) for finding in found] == [("ACME_SECRET", "Key")]


def test_every_waiver_is_listed(check: Check) -> None:
    guard = f"{{SuppressedRules: [ACME_TEAM, OTHER_TOOL], Reasons: {{ACME_TEAM: {REASON}}}}}"
    entry = {"rule": "ACME_TEAM", "resource": "X", "until": "2027-02-01", "reason": REASON}

    waived = check(a=service("ServiceName: other", guard=guard), rules=SOFT, asked={"waivers": [entry]}).waived

    assert [(w.check, w.resource, w.where, w.until) for w in waived] == [
        ("ACME_TEAM", "S", "template", None),
        ("OTHER_TOOL", "S", "template", None),
        ("ACME_TEAM", "X", "plan", "2027-02-01"),
    ]


@pytest.mark.parametrize(
    "head",
    [
        pytest.param("Mappings: {Accounts: {123456789012: {Vpc: vpc-1}}}\n", id="the number of an account as a key"),
        pytest.param("Mappings: {M: {true: {on: x}}}\n", id="a key that YAML takes for no text"),
        pytest.param("Metadata: {a: .inf}\n", id="a number without end"),
    ],
)
def test_what_cfn_guard_cannot_read_and_cloudformation_can_is_judged(check: Check, head: str) -> None:
    found = check(a=service("ServiceName: other", head=head), rules=SOFT).findings

    assert [(f.check, f.file, f.line) for f in found] == [("ACME_TEAM", "a.yaml", 7)]


def test_a_reference_by_a_text_is_a_reference(check: Check) -> None:
    role = "  R: {Type: 'AWS::IAM::Role', Properties: {ManagedPolicyArns: [!Ref P], AssumeRolePolicyDocument: {Statement: [{Effect: Allow, Principal: {Service: ec2.amazonaws.com}, Action: 'sts:AssumeRole'}]}}}\n"
    given = "NetworkMode: awsvpc, RequiresCompatibilities: [FARGATE], ExecutionRoleArn: !Sub '${R.Arn}'"
    text = f"Resources:\n  T: {{Type: 'AWS::ECS::TaskDefinition', Properties: {{{given}}}}}\n{role}"

    assert checks(check(a=text)) == ["IAM_ECS_ROLE_TRUST_ECS_TASKS"]


def test_a_null_is_a_finding_and_the_other_files_are_still_judged(check: Check) -> None:
    found = check(a=service("ServiceName:"), b=service("DesiredCount: 1").replace("FARGATE", "EC2")).findings

    assert [(f.check, f.file, f.line) for f in found] == [("NULL_VALUE", "a.yaml", 6), ("ECS_SERVICE_LAUNCH_TYPE_FARGATE", "b.yaml", 5)]


def test_a_loop_that_cannot_be_unrolled_is_a_finding(check: Check) -> None:
    text = "Transform: AWS::LanguageExtensions\nParameters: {N: {Type: CommaDelimitedList}}\nResources:\n  Fn::ForEach::A: [X, !Ref N, {'${X}': {Type: T}}]\n"

    assert checks(check(a=text)) == ["LOOP_NOT_UNROLLED"]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("Resources: []\n", id="resources that are a list"),
        pytest.param("Description: nothing\n", id="no resources"),
        pytest.param("Resources: {A: {Type: T, Properties: {P: .nan, Q: .inf, R: 99999999999999999999999999}}}\n", id="numbers that JSON does not have"),
        pytest.param("Resources: {A: {Type: T, Metadata: {guard: [1]}}, B: {Type: T, Metadata: {guard: {SuppressedRules: {a: b}, Reasons: 3, Until: [x]}}}}\n", id="metadata of odd types"),
        pytest.param("Resources: {A: {Type: T, Metadata: text}, B: text, C: [1]}\n", id="resources of odd types"),
        pytest.param("Resources: {A: {Type: T, Properties: {P: " + "[" * 300 + "]" * 300 + "}}}\n", id="deep nesting"),
        pytest.param("Resources: {A: {Type: T, Properties: {'a/b': 1, '0': {'1': [x]}}}}\n", id="keys that look like paths"),
    ],
)  # fmt: skip
def test_odd_templates_are_judged(check: Check, text: str) -> None:
    assert checks(check(a=text)) == []


TASK = """  T{0}:
    Type: AWS::ECS::TaskDefinition
    Properties:
      {{Family: f{0}, NetworkMode: awsvpc, RequiresCompatibilities: [FARGATE], Cpu: "256", Memory: "512", ContainerDefinitions: [{{Name: c, Image: nginx}}]}}
"""


@pytest.mark.hostile(
    12,
    "min-res490",
    input="490 plain task definitions in one template",
    happens="checked as any other template",
    limit="60 s (10 s on an idle machine)",
)
def test_a_template_of_490_task_definitions_is_checked_in_time(check: Check) -> None:
    started = time.monotonic()

    result = check(a="Resources:\n" + "".join(map(TASK.format, range(489))) + TASK.format(489).replace("awsvpc", "bridge"))

    assert checks(result) == ["ECS_TASKDEF_NETWORK_MODE_AWSVPC"]
    assert time.monotonic() - started < 60


def test_nesting_that_nobody_can_follow_could_not_be_checked(guard: Binary) -> None:
    deep: Any = 1
    for _ in range(5000):
        deep = [deep]
    known = Template("a.yaml", {"Resources": {"A": {"Type": "T", "Properties": {"P": deep}}}})

    with (
        pytest.raises(UsageError, match=r"a\.yaml: nested too deeply"),
        stage.running(ComplyRequest({Path("a.yaml"): known}, ruleset.chosen([]), None, RUN), guard),
    ):
        pass

    assert left() == []


def left() -> list[str]:
    return [path.name for path in run_folders.runs().iterdir() if path.name.startswith(f"{RUN}-comply")]


def test_no_file_is_written(check: Check) -> None:
    check(a=service("DesiredCount: 1"))

    assert left() == []


def test_secrets_are_never_written() -> None:
    text = service("ServiceName: !Ref P", head="Parameters:\n  P: {Type: String, NoEcho: true, Default: x}\n")
    stacks = resolved_stacks.of_templates({Path("a.yaml"): template.parse(text)})

    documents = guard_documents.resolved(stacks).values()

    assert [json.loads(document.text)["Resources"]["S"]["Properties"]["ServiceName"] for _, document in documents] == [{"Ref": "P"}]
