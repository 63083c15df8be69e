from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from preflight.comply import waivers
from preflight.comply.rules import Rule
from preflight.comply.waivers import Waiver
from preflight.model import Finding, ReportedWaiver, Severity
from preflight.plan.rule_settings import PlanWaiver, RuleSettings
from preflight.templates import template

TODAY = dt.date(2027, 1, 31)
RULES = {
    "ECS_SOFT": Rule("ECS_SOFT", Path("a.guard"), "security"),
    "ECS_HARD": Rule("ECS_HARD", Path("b.guard"), "fargate"),
}
REASON = "because it is so by design"


def claims(guard: str) -> list[Waiver]:
    text = f"Resources:\n  A:\n    Type: T\n    Metadata:\n      guard: {guard}\n"
    return waivers.read_waivers([template.parse(text, name="t.yaml")])


def in_plan(rule: str = "ECS_SOFT", **given: Any) -> list[Waiver]:
    entry = PlanWaiver(rule, given.get("resource", "A"), given.get("reason", REASON), given.get("until"), given.get("file"), 3)
    return waivers.plan_waivers(RuleSettings("preflight.yaml", (entry,)))


@pytest.mark.parametrize(
    ("found", "checks"),
    [
        pytest.param(claims(f"{{SuppressedRules: [ECS_SOFT], Reasons: {{ECS_SOFT: {REASON}}}}}"), [], id="with a reason"),
        pytest.param(claims("{SuppressedRules: [ECS_SOFT]}"), [waivers.WITHOUT_REASON], id="without a reason"),
        pytest.param(claims("{SuppressedRules: [ECS_SOFT], Reasons: {ECS_SOFT: too short}}"), [waivers.WITHOUT_REASON], id="a reason that is too short"),
        pytest.param(claims("{SuppressedRules: [ECS_SOFT], Reasons: {ECS_SOFT: '                    '}}"), [waivers.WITHOUT_REASON], id="a reason of blanks"),
        pytest.param(claims("{SuppressedRules: [ECS_SOFT], Reasons: [ECS_SOFT]}"), [waivers.WITHOUT_REASON], id="reasons that are a list"),
        pytest.param(claims("{SuppressedRules: [ECS_SOFT], Reasons: {ECS_SOFT: {a: b}}}"), [waivers.WITHOUT_REASON], id="a reason that is a map"),
        pytest.param(claims("{SuppressedRules: [ECS_SOFT], Reasons: {ECS_SOFT: 12345678901234567890}}"), [waivers.WITHOUT_REASON], id="a reason that is a number"),
        pytest.param(claims(f"{{SuppressedRules: [ECS_HARD], Reasons: {{ECS_HARD: {REASON}}}}}"), [waivers.OF_FARGATE_TIER], id="a rule of tier fargate"),
        pytest.param(claims(f"{{SuppressedRules: [ECS_SOFT], Reasons: {{ECS_SOFT: {REASON}}}, Until: {{ECS_SOFT: 2027-01-30}}}}"), [waivers.EXPIRED], id="a day that is past"),
        pytest.param(claims(f"{{SuppressedRules: [ECS_SOFT], Reasons: {{ECS_SOFT: {REASON}}}, Until: {{ECS_SOFT: 2027-01-31}}}}"), [], id="its last day"),
        pytest.param(claims(f"{{SuppressedRules: [ECS_SOFT], Reasons: {{ECS_SOFT: {REASON}}}, Until: {{ECS_SOFT: soon}}}}"), [waivers.EXPIRED], id="a day that is none"),
        pytest.param(claims(f"{{SuppressedRules: [ECS_SOFT], Reasons: {{ECS_SOFT: {REASON}}}, Until: {{ECS_SOFT: ' 2027-01-31 '}}}}"), [waivers.EXPIRED], id="a day between blanks"),
        pytest.param(claims("{SuppressedRules: [ECS_SOFFT]}"), [waivers.UNKNOWN_RULE], id="a slip of the name"),
        pytest.param(claims("{SuppressedRules: ECS_SOFT}"), [waivers.WITHOUT_REASON], id="a name alone"),
        pytest.param(claims("{SuppressedRules: [3, ~, [x], {id: ECS_SOFT}]}"), [], id="names of odd types"),
        pytest.param(claims("{SuppressedRules: {ECS_SOFT: true}}"), [], id="names that are a map"),
        pytest.param(claims("[ECS_SOFT]"), [], id="metadata that is a list"),
        pytest.param(claims("{SuppressedRules: " + "[" * 50 + "]" * 50 + "}"), [], id="deep nesting"),
        pytest.param(in_plan(), [], id="in the plan"),
        pytest.param(in_plan(reason=""), [waivers.WITHOUT_REASON], id="in the plan, without a reason"),
        pytest.param(in_plan("ECS_HARD"), [waivers.OF_FARGATE_TIER], id="in the plan, a rule of tier fargate"),
        pytest.param(in_plan(until="2026-12-31"), [waivers.EXPIRED], id="in the plan, a day that is past"),
        pytest.param(in_plan("EC2_ELSE"), [waivers.UNKNOWN_RULE], id="in the plan, a rule that nobody knows"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_waiver_is_a_finding(found: list[Waiver], checks: list[str]) -> None:
    assert [finding.check for finding in waivers.troubles(found, RULES, TODAY)] == checks


@pytest.mark.parametrize(
    ("found", "severity"),
    [
        pytest.param(claims("{SuppressedRules: [ECS_SOFFT]}"), Severity.WARNING, id="like one of ours: a slip"),
        pytest.param(claims("{SuppressedRules: [S3_BUCKET_VERSIONING_ENABLED]}"), Severity.INFO, id="another tool's: a note"),
        pytest.param(in_plan("S3_BUCKET_VERSIONING_ENABLED"), Severity.WARNING, id="in the plan, which is ours alone"),
    ],
)  # fmt: skip
def test_a_rule_that_nobody_knows_is_a_warning_at_most(found: list[Waiver], severity: Severity) -> None:
    assert [finding.severity for finding in waivers.troubles(found, RULES, TODAY)] == [severity]


def test_a_finding_about_a_waiver_stands_where_it_is_written() -> None:
    finding = waivers.troubles(claims("\n        SuppressedRules:\n          - ECS_SOFT"), RULES, TODAY)[0]

    assert finding.file == "t.yaml"
    assert finding.line == 7
    assert finding.resource == "A"


def test_every_waiver_is_shown() -> None:
    shown = [claim.as_reported() for claim in (*claims("{SuppressedRules: [ECS_SOFT, ECS_SOFT]}"), *in_plan(until="2027-02-01"))]

    assert shown == [
        ReportedWaiver("ECS_SOFT", "A", "no reason given", "template", "t.yaml"),
        ReportedWaiver("ECS_SOFT", "A", REASON, "plan", None, "2027-02-01"),
    ]


@pytest.mark.parametrize(
    ("asked", "file", "is_covered"),
    [
        pytest.param(None, "cfn/t.yaml", True, id="any file"),
        pytest.param("cfn/t.yaml", "cfn/t.yaml", True, id="this file"),
        pytest.param("./cfn/t.yaml", "deploy/cfn/t.yaml", True, id="this file, seen from above"),
        pytest.param("t.yaml", "cfn/at.yaml", False, id="a name that ends alike"),
        pytest.param("cfn/u.yaml", "cfn/t.yaml", False, id="another file"),
    ],
)
def test_a_waiver_of_the_plan_can_be_for_one_file(asked: str | None, file: str, *, is_covered: bool) -> None:
    finding = Finding("comply", "ECS_SOFT", Severity.ERROR, "x", file=file, resource="A")

    assert waivers.covers(in_plan(file=asked)[0], finding) == is_covered


def test_suppressions_are_stripped_and_other_metadata_stays() -> None:
    given = {"Metadata": {"guard": {"SuppressedRules": ["R"], "Reasons": {}, "x": 1}, "y": 2}}

    assert waivers.stripped(given, {"A": given, "B": [1]}) == {
        "Metadata": {"guard": {"x": 1}, "y": 2},
        "Resources": {"A": {"Metadata": {"guard": {"x": 1}, "y": 2}}, "B": [1]},
    }


def test_a_waiver_of_a_whole_template_is_read_and_names_no_resource() -> None:
    text = "Metadata:\n  guard:\n    SuppressedRules: [ECS_SOFT]\nResources: {A: {Type: T}}\n"

    found = waivers.read_waivers([template.parse(text, name="t.yaml")])

    assert [(claim.rule, claim.resource, claim.written) for claim in found] == [("ECS_SOFT", None, ("t.yaml", 3))]


def test_a_suppression_without_a_reason_of_a_rule_that_is_off_may_be_another_tools() -> None:
    assert waivers.troubles(claims("{SuppressedRules: [ECS_SOFT]}"), RULES, TODAY, off={"ECS_SOFT"}) == []


def test_a_waiver_of_the_plan_needs_its_reason_all_the_same() -> None:
    found = waivers.troubles(in_plan(reason=""), RULES, TODAY, off={"ECS_SOFT"})

    assert [finding.check for finding in found] == [waivers.WITHOUT_REASON]
