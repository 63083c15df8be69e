"""SARIF: its form, its places, and what stays from run to run."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from preflight.model import DescribedRule, Finding, Outcome, Report, Severity, StageResult
from preflight.pipeline.stages import STAGES
from preflight.report import sarif

SCHEMA = json.loads(Path(__file__).with_name("sarif.schema.json").read_text())


def run_of(report: Report) -> dict[str, Any]:
    run: dict[str, Any] = json.loads(sarif.render(report))["runs"][0]
    return run


def with_findings(report: Report, *findings: Finding, run: str = "r1") -> Report:
    return dataclasses.replace(report, run=run, stages=(StageResult("lint", Outcome.FAIL, findings=findings),))


def prints(report: Report) -> list[str]:
    return [result["partialFingerprints"][sarif.FINGERPRINT] for result in run_of(report)["results"]]


def test_the_log_has_the_form_of_sarif(report: Report) -> None:
    jsonschema.validate(json.loads(sarif.render(report)), SCHEMA)


def test_a_log_of_hostile_texts_has_the_form_of_sarif_and_is_unicode(hostile: Report) -> None:
    rendered = sarif.render(hostile)

    jsonschema.validate(json.loads(rendered), SCHEMA)
    assert json.dumps(json.loads(rendered), ensure_ascii=False).encode()


def test_a_report_of_no_stage_has_the_form_of_sarif_and_did_not_succeed(report: Report) -> None:
    log = json.loads(sarif.render(dataclasses.replace(report, stages=(), versions={})))

    jsonschema.validate(log, SCHEMA)
    assert log["runs"][0]["invocations"][0]["executionSuccessful"] is False


def test_the_schema_refuses_a_line_that_is_none(report: Report) -> None:
    log = json.loads(sarif.render(report))
    log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"]["startLine"] = 0

    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(log, SCHEMA)


def test_a_result_says_how_bad_what_where_and_what_to_do(report: Report) -> None:
    result = run_of(report)["results"][0]

    assert {key: result[key] for key in ("ruleId", "level", "message", "locations")} == {
        "ruleId": "RULE",
        "level": "error",
        "message": {"text": "It is wrong.\nFix: Correct it."},
        "locations": [
            {
                "physicalLocation": {"artifactLocation": {"uri": "cfn/a%20b.yaml"}, "region": {"startLine": 7}},
                "logicalLocations": [{"name": "A", "fullyQualifiedName": "A.B", "kind": "resource"}],
            }
        ],
    }


def test_every_result_names_its_rule_by_index_too(report: Report) -> None:
    run = run_of(report)

    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert [rules[result["ruleIndex"]] for result in run["results"]] == ["RULE", "MILD", "NOTE"]


def test_a_finding_without_a_file_is_in_the_plan(report: Report) -> None:
    result = run_of(report)["results"][2]

    assert result["level"] == "note"
    assert result["locations"][0]["physicalLocation"] == {"artifactLocation": {"uri": "infra/preflight.yaml"}}


def test_a_finding_that_has_no_file_without_a_plan_is_a_notification(report: Report) -> None:
    run = run_of(dataclasses.replace(report, plan=None))

    assert [result["ruleId"] for result in run["results"]] == ["RULE", "MILD"]
    assert run["invocations"][0]["toolExecutionNotifications"][-1] == {"level": "note", "message": {"text": "s.C: NOTE: It is so."}}


def test_what_is_more_than_github_takes_is_a_notification(report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sarif, "MOST_RESULTS", 1)
    findings = report.findings[1], report.findings[0]

    run = run_of(with_findings(report, *findings))

    assert [result["ruleId"] for result in run["results"]] == ["RULE"]
    assert len(run["invocations"][0]["toolExecutionNotifications"]) == 2


def test_waivers_are_notifications_and_no_results_which_github_would_show_as_open(report: Report) -> None:
    notes = [note["message"]["text"] for note in run_of(report)["invocations"][0]["toolExecutionNotifications"]]

    assert notes[-3:] == [
        "W is waived for A of cfn/a b.yaml: because so",
        "X is waived for B: by hand (until 2027-01-31)",
        "Y is waived for the whole template of cfn/c.yaml: by hand (until 2027-01-31)",
    ]


SECRETS = DescribedRule("No secrets.", "Whoever reads the template | reads them.", "security", ("ECS.8", "CIS.1"), ("AWS::ECS::TaskDefinition",), "https://example.com/rule")


def described(report: Report, rule: DescribedRule) -> dict[str, Any]:
    rules: list[dict[str, Any]] = run_of(dataclasses.replace(with_findings(report, report.findings[0]), rules={"RULE": rule}))["tool"]["driver"]["rules"]
    return rules[0]


def test_a_rule_has_its_title_its_reason_and_its_page(report: Report) -> None:
    rule = described(report, SECRETS)

    assert rule["shortDescription"] == {"text": "No secrets."}
    assert rule["fullDescription"] == {"text": "Whoever reads the template | reads them."}
    assert rule["helpUri"] == "https://example.com/rule"


def test_the_help_of_a_rule_is_text_and_escaped_markdown(report: Report) -> None:
    shown = described(report, SECRETS)["help"]

    assert shown["text"] == "Whoever reads the template | reads them.\nControls: ECS.8, CIS.1.\nSee https://example.com/rule"
    assert "Whoever reads the template &#124; reads them&#46;" in shown["markdown"]
    assert "(<https://example.com/rule>)" in shown["markdown"]


def test_a_rule_of_tier_security_has_a_security_severity(report: Report) -> None:
    properties = described(report, SECRETS)["properties"]

    assert properties["security-severity"] == "7.0"
    assert properties["tags"] == ["security", "comply", "ECS.8", "CIS.1", "AWS::ECS::TaskDefinition"]
    assert properties["controls"] == ["ECS.8", "CIS.1"]


def test_a_rule_of_another_tier_has_none(report: Report) -> None:
    properties = described(report, dataclasses.replace(SECRETS, tier="practice"))["properties"]

    assert "security-severity" not in properties
    assert properties["tags"][0] == "practice"


def test_a_rule_has_no_more_tags_than_github_takes(report: Report) -> None:
    controls = tuple(f"C.{number}" for number in range(40))

    assert len(described(report, dataclasses.replace(SECRETS, controls=controls))["properties"]["tags"]) == 20


def test_a_result_says_in_which_columns_the_text_of_its_line_is(report: Report, tmp_path: Path) -> None:
    source = tmp_path / "t.yaml"
    source.write_text("Resources:\n  Ä🚀: x\n", encoding="utf-8")
    finding = dataclasses.replace(report.findings[0], file="t.yaml", line=2)

    run = run_of(dataclasses.replace(with_findings(report, finding), files={"t.yaml": source}))

    region = run["results"][0]["locations"][0]["physicalLocation"]["region"]
    assert region == {"startLine": 2, "startColumn": 3, "endColumn": 9}


def test_a_file_is_named_from_the_root_of_its_repository(report: Report, tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    source = tmp_path / "infra" / "cfn" / "t.yaml"
    finding = dataclasses.replace(report.findings[0], file="t.yaml")

    run = run_of(dataclasses.replace(with_findings(report, finding), files={"t.yaml": source}))

    assert run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "infra/cfn/t.yaml"


def test_a_rule_has_the_page_of_its_finding(report: Report) -> None:
    rules = run_of(report)["tool"]["driver"]["rules"]

    assert {rule["id"]: rule.get("helpUri") for rule in rules[:2]} == {"RULE": "https://example.com/why", "MILD": None}


def test_a_source_that_is_no_page_is_no_help(report: Report) -> None:
    finding = dataclasses.replace(report.findings[0], source="javascript:alert(1)")

    assert "helpUri" not in run_of(with_findings(report, finding))["tool"]["driver"]["rules"][0]


def test_a_stage_that_could_not_check_is_an_execution_that_failed(report: Report) -> None:
    invocation = run_of(report)["invocations"][0]

    assert invocation["executionSuccessful"] is False
    assert invocation["exitCode"] == 2
    assert [(note["level"], note["message"]["text"]) for note in invocation["toolExecutionNotifications"]][:3] == [
        ("error", "rehearse could not check: podman does not answer"),
        ("note", "smoke was skipped: nothing was deployed"),
        ("note", "a stand-in was used"),
    ]


def test_findings_alone_are_an_execution_that_succeeded(report: Report) -> None:
    invocation = run_of(with_findings(report, report.findings[0]))["invocations"][0]

    assert invocation["executionSuccessful"] is True
    assert invocation["exitCode"] == 1


def test_fingerprints_stay_when_lines_addresses_and_runs_change(report: Report) -> None:
    first = dataclasses.replace(report.findings[0], resource="demo-r1.A")
    second = dataclasses.replace(first, resource="demo-r2.A", line=99, message="GET http://127.0.0.9/")

    assert prints(with_findings(report, first)) == prints(with_findings(report, second, run="r2"))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({}, id="twice the same"),
        pytest.param({"check": "OTHER"}, id="another check"),
        pytest.param({"file": "cfn/other.yaml"}, id="another file"),
        pytest.param({"resource": "Other"}, id="another resource"),
        pytest.param({"property": "Other"}, id="another property"),
    ],
)
def test_fingerprints_tell_results_apart(report: Report, change: dict[str, Any]) -> None:
    finding = report.findings[0]

    assert len(set(prints(with_findings(report, finding, dataclasses.replace(finding, **change))))) == 2


@pytest.mark.parametrize(
    ("file", "uri"),
    [
        pytest.param("cfn/a.yaml", "cfn/a.yaml", id="relative"),
        pytest.param("cfn\\a.yaml", "cfn%5Ca.yaml", id="a backslash, which is no separator where this runs"),
        pytest.param("a\u202eb.yaml", "a%E2%80%AEb.yaml", id="a character that is not seen"),
        pytest.param("a\nb.yaml", "a%0Ab.yaml", id="a line break"),
        pytest.param("/srv/a.yaml", "file:///srv/a.yaml", id="absolute"),
        pytest.param("a:b#c?.yaml", "a%3Ab%23c%3F.yaml", id="what addresses are made of"),
        pytest.param("caf\udce9.yaml", "caf%E9.yaml", id="a name that is not UTF-8"),
    ],
)
def test_a_file_is_a_relative_reference(report: Report, file: str, uri: str) -> None:
    run = run_of(with_findings(report, dataclasses.replace(report.findings[0], file=file)))

    assert run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == uri


@pytest.mark.parametrize("stage", STAGES)
def test_a_check_that_is_no_rule_of_comply_says_what_its_stage_looks_for(report: Report, stage: str) -> None:
    finding = Finding(stage, "CHECK", Severity.ERROR, "It is wrong.", file="t.yaml")
    changed = dataclasses.replace(report, stages=(StageResult(stage, Outcome.FAIL, findings=(finding,)),), rules={})

    assert json.loads(sarif.render(changed))["runs"][0]["tool"]["driver"]["rules"][0]["fullDescription"]["text"] != "CHECK"
