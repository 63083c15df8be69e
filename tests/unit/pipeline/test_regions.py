from __future__ import annotations

import dataclasses
from concurrent import futures
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from preflight.errors import StopRequested
from preflight.model import Deployment, Finding, Outcome, Severity, StageResult
from preflight.pipeline.region import RegionRun
from preflight.pipeline.regions import Asked, RegionResults, RegionRuns
from preflight.plan import plan

ASKED = Asked(
    plan=plan.load(Path(__file__).parents[3] / plan.FILE),
    regions=("ap-northeast-1", "us-east-1"),
    run="0a1b2c3d",
    stages=("rehearse",),
    engine=None,
    names={},
)


def went(results: dict[str, StageResult], *, asked: Asked = ASKED) -> RegionResults:
    """A tour whose visits bring these results, by region."""

    def go(self: RegionRun, **_options: object) -> None:
        self.results.append(results[self._wish.plan.region])
        self.deployment = Deployment(stacks=(self._wish.run,))

    with mock.patch.object(RegionRun, "go", go):
        return RegionRuns(asked, mock.Mock(), lambda _: None).go()


def result(outcome: Outcome, *findings: Finding) -> StageResult:
    return StageResult("rehearse", outcome, findings=findings)


FINDING = Finding("rehearse", "X", Severity.ERROR, "it failed")


def test_no_two_regions_use_a_name_twice() -> None:
    done = went(dict.fromkeys(ASKED.regions, result(Outcome.PASS)))

    assert done.deployment.stacks == ("0a1b2c3d", "0a1b2c3db")


def test_no_two_of_many_regions_use_a_name_twice() -> None:
    regions = tuple(f"eu-west-{n}" for n in range(1, 61))

    done = went(dict.fromkeys(regions, result(Outcome.PASS)), asked=dataclasses.replace(ASKED, regions=regions))

    assert len(set(done.deployment.stacks)) == 60


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
    done = went({"ap-northeast-1": result(Outcome.PASS), "us-east-1": result(second)})

    assert [one.outcome for one in done.results] == [worst]


def test_findings_of_several_regions_name_theirs() -> None:
    done = went({"ap-northeast-1": result(Outcome.PASS), "us-east-1": result(Outcome.FAIL, FINDING)})

    assert [finding.message for finding in done.results[0].findings] == ["us-east-1: it failed"]


def test_findings_of_one_region_are_as_they_are() -> None:
    asked = dataclasses.replace(ASKED, regions=("us-east-1",))

    done = went({"us-east-1": result(Outcome.FAIL, FINDING)}, asked=asked)

    assert done.results == (result(Outcome.FAIL, FINDING),)


def test_a_stop_in_one_region_stops_the_others_before_it_is_told() -> None:
    where = mock.Mock()

    def go(_self: RegionRun, **_options: object) -> None:
        raise StopRequested(143)

    with mock.patch.object(RegionRun, "go", go), pytest.raises(StopRequested):
        RegionRuns(ASKED, where, lambda _: None).go()

    where.halt.assert_called_once_with()


def test_who_stops_tells_what_every_region_could_not_delete() -> None:
    def go(self: RegionRun, **_options: object) -> None:
        stop = StopRequested(143)
        stop.left.append(self._wish.plan.region)
        raise stop

    with mock.patch.object(RegionRun, "go", go), pytest.raises(StopRequested) as caught:
        RegionRuns(ASKED, mock.Mock(), lambda _: None).go()

    assert caught.value.left == list(ASKED.regions)


def test_a_stop_before_the_last_region_has_begun_stops_the_first() -> None:
    where = mock.Mock()
    submit = futures.ThreadPoolExecutor.submit
    begun: list[futures.Future[None]] = []

    def stopped(pool: futures.ThreadPoolExecutor, *args: Any, **options: Any) -> futures.Future[None]:
        if begun:
            raise StopRequested(143)
        begun.append(submit(pool, *args, **options))
        return begun[0]

    with (
        mock.patch.object(RegionRun, "go"),
        mock.patch.object(futures.ThreadPoolExecutor, "submit", stopped),
        pytest.raises(StopRequested),
    ):
        RegionRuns(ASKED, where, lambda _: None).go()

    where.halt.assert_called_once_with()
