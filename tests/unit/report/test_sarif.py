"""SARIF: its form, its places, and what stays from run to run."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from preflight.model import Finding, Outcome, Report, StageResult
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
    assert [rules[result["ruleIndex"]] for result in run["results"]] == ["RULE", "MILD", "NOTE", "W", "Y"]


def test_a_finding_without_a_file_has_no_physical_location(report: Report) -> None:
    result = run_of(report)["results"][2]

    assert result["level"] == "note"
    assert [list(location) for location in result["locations"]] == [["logicalLocations"]]


def test_a_waiver_with_a_file_is_a_suppressed_result(report: Report) -> None:
    suppressed = [(r["ruleId"], r["suppressions"]) for r in run_of(report)["results"] if "suppressions" in r]

    assert suppressed == [
        ("W", [{"kind": "inSource", "status": "accepted", "justification": "because so"}]),
        ("Y", [{"kind": "external", "status": "accepted", "justification": "by hand (until 2027-01-31)"}]),
    ]


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
    assert [(note["level"], note["message"]["text"]) for note in invocation["toolExecutionNotifications"]] == [
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
        pytest.param("cfn\\a.yaml", "cfn/a.yaml", id="backslashes"),
        pytest.param("/srv/a.yaml", "file:///srv/a.yaml", id="absolute"),
        pytest.param("a:b#c?.yaml", "a%3Ab%23c%3F.yaml", id="what addresses are made of"),
        pytest.param("caf\udce9.yaml", "caf%E9.yaml", id="a name that is not UTF-8"),
    ],
)
def test_a_file_is_a_relative_reference(report: Report, file: str, uri: str) -> None:
    run = run_of(with_findings(report, dataclasses.replace(report.findings[0], file=file)))

    assert run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == uri
