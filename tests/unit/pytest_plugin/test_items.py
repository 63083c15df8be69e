"""Which files are plans, and what a plan with mistakes looks like."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

PLAN = "version: 1\nname: demo\nregion: eu-west-1\nsteps:\n  - {stack: a, template: a.yaml}\n"


def test_a_plan_of_any_name_is_collected(pytester: pytest.Pytester) -> None:
    pytester.path.joinpath("a.yaml").write_text("Resources: {}\n")
    pytester.path.joinpath("other-plan.yaml").write_text(PLAN)

    result = pytester.runpytest_subprocess("--collect-only", "other-plan.yaml")

    result.stdout.fnmatch_lines(["*PlanFile other-plan.yaml*", "*StageItem lint*"])


def test_a_file_that_is_no_plan_is_not_collected(pytester: pytest.Pytester) -> None:
    pytester.path.joinpath("compose.yaml").write_text("version: 1\nservices: {}\n")

    result = pytester.runpytest_subprocess("--collect-only", "compose.yaml")

    result.stdout.no_fnmatch_line("*PlanFile*")


def test_an_item_fails_with_every_mistake_of_the_plan_in_a_line_of_its_own(pytester: pytest.Pytester) -> None:
    pytester.path.joinpath("plan.yml").write_text(PLAN.replace("name: demo", "nam: demo"))

    result = pytester.runpytest_subprocess("plan.yml", "-k", "lint")

    result.stdout.fnmatch_lines(["plan.yml:1: name: expected text*", "plan.yml:2: unknown key 'nam'*", "plan.yml:5: a.yaml: there is no such file*"])
