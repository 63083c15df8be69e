"""Which files are plans, and what a plan with mistakes looks like."""

from __future__ import annotations

import pytest

PLAN = "version: 1\nname: demo\nregion: eu-west-1\nsteps:\n  - {stack: a, template: a.yaml}\n"


def test_a_plan_of_any_name_is_collected(pytester: pytest.Pytester) -> None:
    pytester.path.joinpath("a.yaml").write_text("Resources: {}\n")
    pytester.path.joinpath("other-plan.yaml").write_text(PLAN)

    result = pytester.runpytest_subprocess("--collect-only", "other-plan.yaml")

    result.stdout.fnmatch_lines(["*PlanFile other-plan.yaml*", "*StageItem lint*"])


@pytest.mark.parametrize("path", ["preflight.yaml", "below/../preflight.yaml"])
def test_a_stage_is_found_by_its_node_id(pytester: pytest.Pytester, path: str) -> None:
    pytester.mkdir("below")
    pytester.path.joinpath("a.yaml").write_text("Resources: {}\n")
    pytester.path.joinpath("preflight.yaml").write_text(PLAN)

    result = pytester.runpytest_subprocess("--collect-only", "-q", f"{path}::comply")

    result.stdout.fnmatch_lines(["preflight.yaml::comply", "1 test collected*"])


def test_the_stages_that_are_not_selected_do_not_run(pytester: pytest.Pytester) -> None:
    pytester.path.joinpath("a.yaml").write_text("Resources: {C: {Type: AWS::ECS::Cluster}}\n")
    pytester.path.joinpath("preflight.yaml").write_text(PLAN)
    pytester.makeconftest("from preflight.pipeline import run\nold = run.run\ndef told(request, say):\n    print('stages', request.stages)\n    return old(request, say)\nrun.run = told\n")

    result = pytester.runpytest_subprocess("-s", "preflight.yaml::lint")

    result.stdout.fnmatch_lines(["*stages ('lint',)"])
    result.assert_outcomes(passed=1)


def test_a_file_that_is_no_plan_is_not_collected(pytester: pytest.Pytester) -> None:
    pytester.path.joinpath("compose.yaml").write_text("version: 1\nservices: {}\n")

    result = pytester.runpytest_subprocess("--collect-only", "compose.yaml")

    result.stdout.no_fnmatch_line("*PlanFile*")


def test_an_item_fails_with_every_mistake_of_the_plan_in_a_line_of_its_own(pytester: pytest.Pytester) -> None:
    pytester.path.joinpath("plan.yml").write_text(PLAN.replace("name: demo", "nam: demo"))

    result = pytester.runpytest_subprocess("plan.yml", "-k", "lint")

    result.stdout.fnmatch_lines(["plan.yml:1: name: expected text*", "plan.yml:2: unknown key 'nam'*", "plan.yml:5: a.yaml: there is no such file*"])
