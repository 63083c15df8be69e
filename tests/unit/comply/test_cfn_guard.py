from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from preflight.comply import cfn_guard, guard_documents, rules
from preflight.comply.cfn_guard_binary import Binary
from preflight.comply.rules import Rule, RuleMetadata
from preflight.errors import ToolBrokeError, UsageError
from preflight.model import Finding, Severity
from preflight.system.processes import CompletedProcess
from preflight.templates import template
from preflight.templates.template import Template

RULE = Rule("R", Path("rules/fargate/r.guard"), "fargate")
KNOWN = template.parse("Resources:\n  A:\n    Type: T\n    Properties:\n      B: 1\n", name="t.yaml")
TEMPLATES = {Path("/t.yaml"): KNOWN}


def done(code: int = 0, *, stderr: str = "", **answer: Any) -> CompletedProcess:
    whole = {"name": "/t.yaml", "compliant": [], "not_applicable": [], "not_compliant": [], **answer}
    return CompletedProcess(("cfn-guard",), code, json.dumps([whole]), stderr)


def judge(said: CompletedProcess, rules: list[Rule], templates: dict[Path, Template]) -> list[Finding]:
    found = cfn_guard.offences(said, rules, {str(path): known.name for path, known in templates.items()})
    return [finding for path, known in templates.items() for finding in cfn_guard.described(found[str(path)], rules, known)]


def broken(
    path: str = "/Resources/A/Properties/B", message: str | None = "Violation: it is 1. Fix: set 2."
) -> dict[str, Any]:
    clause = {
        "messages": {"custom_message": message, "error_message": "raw"},
        "check": {"Resolved": {"from": {"path": path}}},
    }
    return {"Rule": {"name": "R", "checks": [{"Clause": {"Binary": clause}}]}}


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(done(5, compliant=["R"]), id="a rule file does not parse"),
        pytest.param(done(0, stderr="Parse Error", compliant=["R"]), id="something on standard error"),
        pytest.param(done(19, stderr="Parse Error", not_compliant=[broken()]), id="a verdict beside a parse error"),
        pytest.param(done(-11, compliant=["R"]), id="a crash"),
        pytest.param(done(0), id="a rule that did not answer"),
        pytest.param(done(0, compliant=["R", "S"]), id="a rule that nobody asked"),
        pytest.param(done(0, compliant=["R"], not_compliant=[broken()]), id="a rule that answered twice"),
        pytest.param(done(0, name="/other.yaml", compliant=["R"]), id="another template"),
        pytest.param(CompletedProcess(("cfn-guard",), 0, "", ""), id="silence"),
        pytest.param(CompletedProcess(("cfn-guard",), 0, "[]", ""), id="an empty list"),
    ],
)
def test_what_is_no_verdict_never_passes(said: CompletedProcess) -> None:
    with pytest.raises(ToolBrokeError, match="no verdict"):
        judge(said, [RULE], TEMPLATES)


def test_a_broken_rule_is_a_finding_with_file_line_resource_and_fix() -> None:
    found = judge(done(19, not_compliant=[broken()]), [RULE], TEMPLATES)

    assert found == [
        Finding(
            "comply",
            "R",
            Severity.ERROR,
            "it is 1.",
            file="t.yaml",
            line=5,
            resource="A",
            property="B",
            fix="set 2.",
        )
    ]


def test_a_resource_is_named_once_and_by_the_rules_own_words() -> None:
    clauses = [broken(message=None)["Rule"]["checks"][0], broken()["Rule"]["checks"][0]]

    found = judge(done(19, not_compliant=[{"Rule": {"name": "R", "checks": clauses}}]), [RULE], TEMPLATES)

    assert [finding.message for finding in found] == ["it is 1."]


def test_each_parameter_that_does_not_fit_is_named() -> None:
    clauses = [broken(f"/Parameters/{name}/Default")["Rule"]["checks"][0] for name in ("P", "Q")]

    found = judge(done(19, not_compliant=[{"Rule": {"name": "R", "checks": clauses}}]), [RULE], TEMPLATES)

    assert [finding.resource for finding in found] == ["P", "Q"]


def test_the_branches_of_an_or_are_one_finding_in_the_rules_own_words() -> None:
    clauses = [broken(message=None)["Rule"]["checks"][0], broken(path="")["Rule"]["checks"][0]]
    either = [{"Disjunctions": {"checks": clauses}}]

    found = judge(done(19, not_compliant=[{"Rule": {"name": "R", "checks": either}}]), [RULE], TEMPLATES)

    assert [(finding.resource, finding.message) for finding in found] == [("A", "it is 1.")]


def test_line_ends_that_cfn_guard_writes_as_semicolons_are_taken_out() -> None:
    said = broken(message=";    Violation: it is 1; or so.;    Fix: set 2.;  ")

    found = judge(done(19, not_compliant=[said]), [RULE], TEMPLATES)

    assert [(finding.message, finding.fix) for finding in found] == [("it is 1; or so.", "set 2.")]


def test_practice_is_a_warning() -> None:
    assert Rule("R", Path("x"), "practice").severity is Severity.WARNING


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(None, "there is no rule in this folder", id="an empty folder"),
        pytest.param("# rule A\n", "there is no rule in this folder", id="only comments"),
        pytest.param("rule A {\n}\nrule A {\n}\n", "two rules have one name: A", id="a doubled name"),
    ],
)
def test_a_folder_that_cannot_judge_is_refused(tmp_path: Path, text: str | None, said: str) -> None:
    if text is not None:
        (tmp_path / "a.guard").write_text(text)

    with pytest.raises(UsageError, match=said):
        rules.rules_below([tmp_path])


def test_rules_with_parameters_are_not_asked(tmp_path: Path) -> None:
    (tmp_path / "a.guard").write_text("rule helper(x) {\n}\nrule A when %x !empty {\n}\n")

    assert [rule.name for rule in rules.rules_below([tmp_path])] == ["A"]


@pytest.mark.guard
def test_a_file_that_guard_cannot_read_stops_the_run(guard: Binary, tmp_path: Path) -> None:
    (tmp_path / "bad.guard").write_text("rule A when {{{\n}\n")
    (tmp_path / "t.yaml").write_text("Resources: {}\n")
    known = {tmp_path / "t.yaml": template.load(tmp_path / "t.yaml")}
    rule = Rule("A", tmp_path / "bad.guard", "fargate")

    with pytest.raises(ToolBrokeError, match="no verdict"):
        cfn_guard.start(guard, [rule], guard_documents.as_written(known)).findings()


@pytest.mark.guard
@pytest.mark.hostile(
    11,
    input="a rule of the checkout whose texts double with each line",
    happens="exit code 2: cfn-guard gave no verdict",
    limit="4096 MB, 300 s",
)
def test_a_rule_cannot_take_all_memory(guard: Binary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cfn_guard, "MAX_MEMORY", 200 << 20)
    doubled = "".join(f"  let a{n} = regex_replace(%a{n - 1}, '^(.*)$', '$1$1')\n" for n in range(1, 25))
    (tmp_path / "a.guard").write_text(f"rule A {{\n  let a0 = Resources.A.Type\n{doubled}  %a24 == 'x'\n}}\n")
    (tmp_path / "t.yaml").write_text(f"Resources: {{A: {{Type: {'x' * 5000}}}}}\n")
    known = {tmp_path / "t.yaml": template.load(tmp_path / "t.yaml")}

    with pytest.raises(ToolBrokeError, match="no verdict"):
        cfn_guard.start(guard, [Rule("A", tmp_path / "a.guard", "fargate")], guard_documents.as_written(known)).findings()


def test_every_document_has_to_be_answered_for() -> None:
    said = done(0, compliant=["R"])

    with pytest.raises(ToolBrokeError, match=r"no verdict on resolved\.yaml"):
        judge(said, [RULE], {**TEMPLATES, Path("/0.json"): template.parse("Resources: {}", name="resolved.yaml")})


def test_a_finding_names_the_page_that_says_why() -> None:
    rule = Rule("R", Path("r.guard"), "fargate", RuleMetadata(sources=("https://one", "https://two")))

    found = judge(done(19, not_compliant=[broken()]), [rule], TEMPLATES)

    assert [finding.source for finding in found] == ["https://one"]
