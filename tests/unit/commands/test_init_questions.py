"""`preflight init` at a terminal, where it asks for what only the user knows."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from preflight.plan import plan
from tests.unit.commands import terminal

TEMPLATE = """\
Parameters:
  Team: {Type: String, AllowedPattern: "^tok-[0-9]{12}$"}
  Owner: {Type: String, AllowedPattern: "^own-[0-9]{12}$"}
Resources:
  Cluster: {Type: AWS::ECS::Cluster, Properties: {ClusterName: !Sub "${Team}-${Owner}"}}
"""


def answering(*answers: str) -> Callable[[int, str], bool]:
    """Returns what types the next of the answers whenever another question is asked."""
    left = list(answers)

    def act(screen: int, text: str) -> bool:
        if left and text.count("empty: later") > len(answers) - len(left):
            os.write(screen, left.pop(0).encode())
        return not left

    return act


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "app.yaml").write_text(TEMPLATE)
    return tmp_path


def values(home: Path) -> dict[str, str]:
    parameters: dict[str, str] = yaml.safe_load((home / plan.FILE).read_text())["steps"][0]["parameters"]
    return parameters


def test_each_answer_becomes_the_value_of_its_parameter(home: Path) -> None:
    screen = terminal.run("init", folder=home, act=answering("tok-123456789012\n", "own-210987654321\n"))

    assert screen.code == 0
    assert values(home) == {"Team": "tok-123456789012", "Owner": "own-210987654321"}


def test_a_question_names_template_and_parameter_and_what_it_takes(home: Path) -> None:
    screen = terminal.run("init", folder=home, act=answering("\n", "\n"))

    assert any("app.yaml: the value of Team (" in line and line.endswith("without braces; empty: later") for line in screen.lines)


@pytest.mark.parametrize("answer", [pytest.param("\n", id="an empty line"), pytest.param("\x04", id="Ctrl-D")])
def test_what_is_not_answered_stays_to_be_filled_in(home: Path, answer: str) -> None:
    screen = terminal.run("init", folder=home, act=answering(answer, "own-210987654321\n"))

    assert values(home) == {"Team": plan.FILL_IN, "Owner": "own-210987654321"}
    assert f"replace {plan.FILL_IN} in" in screen.last


def test_an_answer_that_would_be_a_placeholder_is_asked_for_again(home: Path) -> None:
    terminal.run("init", folder=home, act=answering("{run}\n", "tok-123456789012\n", "\n"))

    assert values(home)["Team"] == "tok-123456789012"


def test_ctrl_c_at_a_question_writes_nothing(home: Path) -> None:
    screen = terminal.run("init", folder=home, act=answering("\x03"))

    assert screen.code == 130
    assert sorted(path.name for path in home.iterdir()) == ["app.yaml"]


def test_a_complete_plan_asks_nothing(home: Path) -> None:
    (home / "app.yaml").write_text("Resources: {Cluster: {Type: AWS::ECS::Cluster}}\n")

    screen = terminal.run("init", folder=home)

    assert "empty: later" not in screen.raw
    assert screen.last == "next: preflight check"
