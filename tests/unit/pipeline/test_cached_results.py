"""Lint and comply with and without the cache: the same findings and waivers, and nothing kept that is no verdict."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from preflight.comply import cfn_guard
from preflight.comply.cfn_guard_binary import Binary
from preflight.lint import cfn_lint, workers
from preflight.model import Report
from preflight.pipeline import run as pipeline
from preflight.pipeline.request import RunRequest
from preflight.plan import reader
from preflight.system import result_cache
from preflight.system.result_cache import ResultCache
from preflight.templates import template as templates

ROOT = Path(__file__).parents[3]
ACCEPTED = sorted((ROOT / "tests" / "integration" / "accepted").glob("*/template.yaml"))
TEMPLATE = """\
Resources:
  Group: {Type: "AWS::Logs::LogGroup"}
  Nested: {Type: "AWS::CloudFormation::Stack", Properties: {TemplateURL: nested.yaml, Parameters: {Port: 80}}}
"""
NESTED = 'Parameters: {Port: {Type: Number}}\nResources: {Q: {Type: "AWS::SQS::Queue"}}\n'
pytestmark = pytest.mark.guard


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[], int]:
    """A cache of this test; the function returns how many templates and batches were checked since it was called last."""
    monkeypatch.setattr(result_cache, "of_user", lambda: ResultCache(tmp_path / "cache"))
    (tmp_path / "cache").mkdir(mode=0o700)
    checked: list[object] = []

    def counting(check: Callable[[Any, Any], object]) -> Callable[[Any, Any], object]:
        def counted_check(run: Any, item: Any) -> object:
            checked.append(item)
            return check(run, item)

        return counted_check

    monkeypatch.setattr(workers._Worker, "_verdict", counting(workers._Worker._verdict))
    monkeypatch.setattr(cfn_guard.GuardRun, "_run", counting(cfn_guard.GuardRun._run))

    def count() -> int:
        number = len(checked)
        checked.clear()
        return number

    return count


def run(*templates: Path, **changes: object) -> Report:
    request = RunRequest(("lint", "comply"), None, templates, ())
    return pipeline.run(dataclasses.replace(request, **changes), lambda _: None)  # type: ignore[arg-type]


def results(report: Report) -> list[object]:
    return [dataclasses.replace(stage, seconds=0) for stage in report.stages]


@pytest.fixture
def template(tmp_path: Path) -> Path:
    (tmp_path / "nested.yaml").write_text(NESTED)
    path = tmp_path / "t.yaml"
    path.write_text(TEMPLATE)
    return path


def test_the_cache_changes_no_finding_over_the_repositorys_templates(guard: Binary, counted: Callable[[], int]) -> None:
    uncached, first, second = (results(run(*ACCEPTED, has_cache=is_cached)) for is_cached in (False, True, True))

    assert first == uncached
    assert second == uncached


def test_the_cache_changes_no_waiver_of_this_projects_plan(guard: Binary, counted: Callable[[], int]) -> None:
    plan = reader.load(ROOT / "preflight.yaml")
    request = RunRequest(("lint", "comply"), plan, tuple(plan.template_files()), plan.rules)
    reports = [pipeline.run(request, lambda _: None) for _ in range(2)]

    assert results(reports[0]) == results(reports[1])
    assert [stage for stage in reports[1].stages if stage.waived]


def test_nothing_is_checked_again_if_nothing_changed(guard: Binary, counted: Callable[[], int], template: Path) -> None:
    run(template)
    counted()

    run(template)

    assert counted() == 0


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda path: path.write_text(TEMPLATE + "Description: new\n"), id="the template"),
        pytest.param(lambda path: (path.parent / "nested.yaml").write_text(NESTED.replace("Port:", "Ports:")), id="a nested template"),
        pytest.param(lambda path: (path.parent / "nested.yaml").unlink(), id="no nested template"),
    ],
)
def test_what_changed_is_checked_again(guard: Binary, counted: Callable[[], int], template: Path, change: Callable[[Path], object]) -> None:
    run(template)
    change(template)

    assert results(run(template)) == results(run(template, has_cache=False))


def test_another_rule_is_checked(guard: Binary, counted: Callable[[], int], template: Path, tmp_path: Path) -> None:
    run(template)
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "own.guard").write_text("rule OWN {\n  Resources.Queue exists <<Violation: no queue. Fix: add one.>>\n}\n")

    checks = {finding.check for stage in run(template, rules=(tmp_path / "rules",)).stages for finding in stage.findings}

    assert "OWN" in checks


def test_without_a_cache_everything_is_checked_again(guard: Binary, counted: Callable[[], int], template: Path) -> None:
    run(template)
    first = counted()

    run(template, has_cache=False)

    assert counted() == first


def test_another_region_is_checked_by_cfn_lint(counted: Callable[[], int], template: Path) -> None:
    cache, known = result_cache.of_user(), {template: templates.load(template)}
    cfn_lint.check(known, region="eu-west-1", cache=cache)
    counted()

    cfn_lint.check(known, region="us-east-1", cache=cache)

    assert counted() == 1


def test_a_timeout_is_not_kept(counted: Callable[[], int], template: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(workers, "_WORKER", "raise MemoryError")
        run(template, stages=("lint",))
    counted()

    run(template, stages=("lint",))

    assert counted() == 1


def test_a_run_of_cfn_guard_without_a_verdict_is_not_kept(guard: Binary, counted: Callable[[], int], template: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(cfn_guard, "VERDICTS", ())
        assert run(template, stages=("comply",)).verdict == "error"
    counted()

    assert run(template, stages=("comply",)).verdict == "fail"
    assert counted() > 0
