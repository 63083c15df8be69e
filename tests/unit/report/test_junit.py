"""JUnit: what fails, what is an error, what is skipped, and XML that every reader takes."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from preflight.model import Outcome, Report, StageResult
from preflight.report import junit

SHOWN = """\
<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="preflight" tests="6" failures="1" errors="1" skipped="1" time="3.750">
  <testsuite name="lint" tests="1" failures="0" errors="0" skipped="0" time="1.250">
    <properties>
      <property name="verdict" value="error" />
      <property name="run" value="r1" />
      <property name="version.preflight" value="0.1" />
      <property name="version.cfn-lint" value="1.58.0" />
    </properties>
    <testcase classname="preflight.lint" name="lint" time="1.250" />
  </testsuite>
"""


def read(report: Report) -> ET.Element:
    return ET.fromstring(junit.render(report).encode())  # noqa: S314 - our own text


def cases(report: Report) -> list[tuple[str | None, list[str]]]:
    return [(case.get("name"), [child.tag for child in case]) for case in read(report).iter("testcase")]


def test_a_suite_says_what_ran_by_which_versions(report: Report) -> None:
    assert junit.render(report).startswith(SHOWN)


def test_each_stage_is_a_suite_and_each_check_of_a_resource_a_case(report: Report) -> None:
    assert cases(report) == [
        ("lint", []),
        ("RULE: cfn/a b.yaml: A", ["failure"]),
        ("MILD: cfn/c.yaml", ["system-out"]),
        ("NOTE: s.C", ["system-out"]),
        ("rehearse", ["error"]),
        ("smoke", ["skipped"]),
    ]


def test_warnings_and_notes_fail_a_strict_report(report: Report) -> None:
    strict = cases(dataclasses.replace(report, strict=True))

    assert [tags for _, tags in strict[1:4]] == [["failure"], ["failure"], ["failure"]]


def test_a_failure_says_where_what_and_what_to_do(report: Report) -> None:
    case = read(report).find(".//testcase[failure]")
    assert case is not None

    assert case.get("file") == "cfn/a b.yaml"
    assert case.get("line") == "7"
    assert case.get("classname") == "preflight.comply"
    assert case.findtext("failure") == (
        "cfn/a b.yaml:7: error: RULE: It is wrong.\nFix: Correct it.\nSee: https://example.com/why"
    )


def test_a_case_names_its_file_from_the_root_of_its_repository(report: Report, tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    files = {"cfn/a b.yaml": tmp_path / "infra" / "cfn" / "a b.yaml"}

    case = read(dataclasses.replace(report, files=files)).find(".//testcase[failure]")

    assert case is not None
    assert case.get("file") == "infra/cfn/a b.yaml"


def test_findings_of_one_check_about_one_resource_are_one_case(report: Report) -> None:
    finding = report.findings[0]
    stage = StageResult(
        "comply", Outcome.FAIL, findings=(finding, dataclasses.replace(finding, line=9, message="Again."))
    )

    failures = list(read(dataclasses.replace(report, stages=(stage,))).iter("failure"))

    assert len(failures) == 1
    assert "2 findings" in str(failures[0].get("message"))
    assert "Again." in str(failures[0].text)


def test_reasons_of_errors_and_skips_are_messages(report: Report) -> None:
    root = read(report)

    messages = [element.get("message") for tag in ("error", "skipped") for element in root.iter(tag)]
    assert messages == ["podman does not answer", "nothing was deployed"]


def test_waivers_are_the_output_of_their_suite(report: Report) -> None:
    output = read(report).findtext("testsuite[@name='comply']/system-out") or ""

    assert output.splitlines()[1] == "waived: plan: B: X: by hand (until 2027-01-31)"


@pytest.mark.parametrize(
    ("outcome", "tags"),
    [
        pytest.param(Outcome.ERROR, ["error"], id="could not check"),
        pytest.param(Outcome.FAIL, ["failure"], id="failed"),
        pytest.param(Outcome.SKIPPED, ["skipped"], id="was skipped"),
        pytest.param(Outcome.PASS, [], id="passed"),
    ],
)
def test_a_stage_without_findings_shows_its_outcome(
    report: Report, outcome: Outcome, tags: list[str]
) -> None:
    assert cases(dataclasses.replace(report, stages=(StageResult("lint", outcome),))) == [("lint", tags)]


def test_a_stage_with_findings_that_then_broke_is_an_error_as_well(report: Report) -> None:
    stage = StageResult("rehearse", Outcome.ERROR, reason="broke", findings=report.findings[:1])

    assert [tags for _, tags in cases(dataclasses.replace(report, stages=(stage,)))] == [["error"], ["failure"]]


def test_a_report_of_no_stage_is_an_error(report: Report) -> None:
    assert cases(dataclasses.replace(report, stages=())) == [("preflight", ["error"])]


def test_hostile_texts_make_the_same_elements_as_plain_ones(hostile: Report) -> None:
    elements = [element.tag for element in read(hostile).iter("testcase") for element in element.iter()]

    assert elements == ["testcase", "failure", "testcase", "system-out", "testcase", "error", "testcase", "skipped"]


def test_no_message_is_longer_than_a_line_of_a_table(hostile: Report) -> None:
    messages = [element.get("message", "") for element in read(hostile).iter()]

    assert all(len(message) <= 301 and "\n" not in message for message in messages)
