from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from preflight.comply import rule_docs, ruleset
from preflight.comply.rules import Rule, RuleMetadata
from preflight.errors import UsageError

ROOT = Path(__file__).parents[3]
OFF = Rule(
    "LOGS_X",
    Path("rules/practice/logs_x.guard"),
    "practice",
    RuleMetadata("A | title.", "A reason.", ("T",), ("C.1",), ("https://x",), is_enabled=False, off_because="It costs."),
)
ON = Rule("ECS_Y", Path("rules/fargate/python_rules.yaml"), "fargate", is_python=True)


def test_the_page_is_current() -> None:
    assert (ROOT / "docs" / "rules.md").read_text() == rule_docs.page(ruleset.chosen(()).every)


def test_the_list_says_tier_severity_state_title_and_controls() -> None:
    assert rule_docs.listing([OFF, ON]) == (
        "practice warning off LOGS_X  A | title. [C.1]\nfargate  error   on  ECS_Y\n"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "said"),
    [
        pytest.param("LOGS_X", ["A reason.", "off: It costs.", "by cfn-guard, rules/practice/logs_x.guard", "with a reason", "https://x"], id="one that ships off"),
        pytest.param("ecs_y", ["in Python", "no: AWS refuses it"], id="in lower case"),
    ],
)  # fmt: skip
def test_one_rule_is_shown_in_full(name: str, said: list[str]) -> None:
    shown = rule_docs.one([OFF, ON], name)

    assert [text for text in said if text not in shown] == []


def test_the_reason_of_a_rule_is_wrapped_at_a_hundred_columns() -> None:
    words = RuleMetadata("A title.", " ".join(["x"] * 100), (), (), ())
    lines = rule_docs.one([dataclasses.replace(ON, entry=words)], "ECS_Y").splitlines()

    assert max(len(line) for line in lines) == 99  # two spaces, and words of one letter


def test_a_rule_that_is_not_there_is_refused_with_a_near_one() -> None:
    with pytest.raises(UsageError, match="did you mean 'LOGS_X'"):
        rule_docs.one([OFF, ON], "logs_xx")


def test_programs_get_the_same() -> None:
    rows = json.loads(rule_docs.as_json([OFF, ON]))

    assert [(r["name"], r["on"], r["waivable"], r["python"], r["off_because"]) for r in rows] == [
        ("LOGS_X", False, True, False, "It costs."),
        ("ECS_Y", True, False, True, None),
    ]


def test_the_page_says_what_is_off_and_why() -> None:
    assert "| LOGS_X | It costs. |" in rule_docs.page([OFF, ON])
