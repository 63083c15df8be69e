from __future__ import annotations

import pytest

from preflight.errors import UsageError
from preflight.plan import rule_settings
from preflight.plan.rule_settings import PlanWaiver, RuleSettings, RuleSwitch
from preflight.templates import template


def read(text: str) -> RuleSettings:
    return rule_settings.read(template.parse(text, name="preflight.yaml"))


def test_waivers_and_switches_are_read_with_their_lines() -> None:
    found = read(
        "waivers:\n  - rule: R\n    resource: A\n    reason: because it is so\n    until: 2027-01-31\n    file: a.yaml\n"
        "checks:\n  S: off\n  T: on\n  U: practice\n  V: 'off'\n"
    )

    assert found == RuleSettings(
        "preflight.yaml",
        (PlanWaiver("R", "A", "because it is so", "2027-01-31", "a.yaml", 2),),
        (RuleSwitch("S", "off", 8), RuleSwitch("T", "on", 9), RuleSwitch("U", "practice", 10), RuleSwitch("V", "off", 11)),
    )  # fmt: skip


def test_a_plan_without_either_has_an_empty_policy() -> None:
    assert read("version: 1\n") == RuleSettings("preflight.yaml")


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        pytest.param("waivers: {rule: R}\n", 1, "waivers: expected a list", id="waivers that are a map"),
        pytest.param("waivers: text\n", 1, "waivers: expected a list", id="waivers that are text"),
        pytest.param("waivers:\n  - R\n", 2, "expected a map", id="a waiver that is text"),
        pytest.param("waivers:\n  - [[[[1]]]]\n", 2, "expected a map", id="a waiver that is a deep list"),
        pytest.param("waivers:\n  - rule: R\n    reson: x\n", 3, "unknown key 'reson', did you mean 'reason'", id="a key that nobody knows"),
        pytest.param("waivers:\n  - rule: 3\n    resource: A\n", 2, "rule: expected text", id="a rule that is a number"),
        pytest.param("waivers:\n  - rule: R\n    resource: [A]\n", 3, "resource: expected text", id="a resource that is a list"),
        pytest.param("waivers:\n  - rule: R\n    resource: ~\n", 3, "resource: expected text", id="a resource that is nothing"),
        pytest.param("waivers:\n  - rule: R\n", 2, "resource is missing", id="no resource"),
        pytest.param("waivers:\n  - resource: A\n", 2, "rule is missing", id="no rule"),
        pytest.param("waivers:\n  - {rule: R, resource: A, until: soon}\n", 2, "until: expected a date", id="a day that is none"),
        pytest.param("waivers:\n  - {rule: R, resource: A, until: 20270131}\n", 2, "until: expected text", id="a day without dashes"),
        pytest.param("checks: [R]\n", 1, "checks: expected a map", id="switches that are a list"),
        pytest.param("checks:\n  R: gold\n", 2, "R: expected on, off, fargate", id="a tier that nobody knows"),
        pytest.param("checks:\n  R: [off]\n", 2, "R: expected on, off", id="a switch that is a list"),
        pytest.param("checks:\n  R: 1\n", 2, "R: expected on, off", id="a switch that is a number"),
        pytest.param("checks:\n  R: ~\n", 2, "R: expected on, off", id="a switch that is nothing"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_file_and_line(text: str, line: int, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        read(text)

    assert said in str(caught.value), str(caught.value)
    assert f"preflight.yaml:{line}:" in str(caught.value), str(caught.value)
