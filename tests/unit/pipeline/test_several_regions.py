from __future__ import annotations

from concurrent import futures
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from preflight.errors import StopRequested
from preflight.model import Deployment, Finding, Outcome, Severity, StackChange, StageResult, Update
from preflight.pipeline import several_regions
from preflight.pipeline.one_region import RegionResults, RegionRun
from preflight.pipeline.request import AccountOptions, RunRequest
from preflight.pipeline.several_regions import RegionRuns
from preflight.plan import plan, reader

PLAN = reader.load(Path(__file__).parents[3] / plan.FILE)
REGIONS = ("ap-northeast-1", "us-east-1")


def region_runs(target: mock.Mock, *, regions: tuple[str, ...] = REGIONS) -> RegionRuns:
    account = AccountOptions("123456789012", regions, agrees=lambda: True)
    request = RunRequest(("rehearse",), PLAN, (), (), account=account)
    return RegionRuns(request, PLAN, target, lambda _: None, run="0a1b2c3d", engine=None, names={})


def combine(stages: dict[str, StageResult]) -> RegionResults:
    """Returns the combined results of regions with these results."""

    def run(self: RegionRun) -> RegionResults:
        return RegionResults((stages[self._options.plan.region],), Deployment(stacks=(self._options.run,)))

    with mock.patch.object(RegionRun, "run", run):
        return region_runs(mock.Mock(), regions=tuple(stages)).run()


FINDING = Finding("rehearse", "X", Severity.ERROR, "it failed")


def result(outcome: Outcome, *findings: Finding) -> StageResult:
    return StageResult("rehearse", outcome, findings=findings)


def test_no_two_regions_use_a_name_twice() -> None:
    results = combine(dict.fromkeys(REGIONS, result(Outcome.PASS)))

    assert results.deployment.stacks == ("0a1b2c3d", "0a1b2c3db")


def test_no_two_of_many_regions_use_a_name_twice() -> None:
    regions = tuple(f"eu-west-{n}" for n in range(1, 61))

    results = combine(dict.fromkeys(regions, result(Outcome.PASS)))

    assert len(set(results.deployment.stacks)) == 60


@pytest.mark.parametrize(
    ("second", "worst"),
    [
        pytest.param(Outcome.PASS, Outcome.PASS, id="both pass"),
        pytest.param(Outcome.FAIL, Outcome.FAIL, id="one fails"),
        pytest.param(Outcome.ERROR, Outcome.ERROR, id="one could not tell"),
        pytest.param(Outcome.SKIPPED, Outcome.SKIPPED, id="one was skipped"),
    ],
)
def test_the_worst_region_decides(second: Outcome, worst: Outcome) -> None:
    results = combine({"ap-northeast-1": result(Outcome.PASS), "us-east-1": result(second)})

    assert [stage.outcome for stage in results.stages] == [worst]


def test_a_stage_takes_as_long_as_the_slowest_region() -> None:
    results = combine({"ap-northeast-1": StageResult("rehearse", Outcome.PASS, 3.0), "us-east-1": StageResult("rehearse", Outcome.PASS, 5.0)})

    assert [stage.seconds for stage in results.stages] == [5.0]


def test_findings_of_several_regions_name_theirs() -> None:
    results = combine({"ap-northeast-1": result(Outcome.PASS), "us-east-1": result(Outcome.FAIL, FINDING)})

    assert [finding.message for finding in results.stages[0].findings] == ["us-east-1: it failed"]


def test_findings_of_one_region_are_as_they_are() -> None:
    results = combine({"us-east-1": result(Outcome.FAIL, FINDING)})

    assert results.stages == (result(Outcome.FAIL, FINDING),)


def test_traffic_of_several_regions_names_theirs() -> None:
    sent = {"target": "web", "sent": 9, "failed": 1}
    results = RegionResults((), update=Update("origin/main", traffic=(sent,)))
    combined = several_regions.combined(dict.fromkeys(REGIONS, results)).update

    assert combined is not None
    assert combined.traffic == tuple({**sent, "target": f"{region}: web"} for region in REGIONS)


def test_changes_of_several_regions_name_theirs() -> None:
    change = StackChange("web", "Service", "AWS::ECS::Service", "modify")
    results = RegionResults((), update=Update("origin/main", changes=(change,)))
    combined = several_regions.combined(dict.fromkeys(REGIONS, results)).update

    assert combined is not None
    assert [change.stack for change in combined.changes] == [f"{region}: web" for region in REGIONS]


def test_regions_without_an_update_have_none_together() -> None:
    assert several_regions.combined({region: RegionResults(()) for region in REGIONS}).update is None


def test_a_stop_in_one_region_cancels_the_others() -> None:
    target = mock.Mock()

    def run(_self: RegionRun) -> RegionResults:
        raise StopRequested(143)

    with mock.patch.object(RegionRun, "run", run), pytest.raises(StopRequested):
        region_runs(target).run()

    target.cancel.assert_called_once_with()


def test_a_stop_lists_what_every_region_could_not_delete() -> None:
    def run(self: RegionRun) -> RegionResults:
        stop = StopRequested(143)
        stop.left.append(self._options.plan.region)
        raise stop

    with mock.patch.object(RegionRun, "run", run), pytest.raises(StopRequested) as caught:
        region_runs(mock.Mock()).run()

    assert caught.value.left == list(REGIONS)


def test_a_stop_before_the_last_region_has_begun_cancels_the_first() -> None:
    target = mock.Mock()
    submit = futures.ThreadPoolExecutor.submit
    begun: list[futures.Future[RegionResults]] = []

    def stopped(pool: futures.ThreadPoolExecutor, *args: Any, **options: Any) -> futures.Future[RegionResults]:
        if begun:
            raise StopRequested(143)
        begun.append(submit(pool, *args, **options))
        return begun[0]

    with (
        mock.patch.object(RegionRun, "run"),
        mock.patch.object(futures.ThreadPoolExecutor, "submit", stopped),
        pytest.raises(StopRequested),
    ):
        region_runs(target).run()

    target.cancel.assert_called_once_with()
