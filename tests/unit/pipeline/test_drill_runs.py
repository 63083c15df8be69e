from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest

from preflight.deploy.places import Place
from preflight.errors import UsageError
from preflight.pipeline import drill_runs
from preflight.pipeline.drill_runs import DrillRuns
from preflight.plan.plan import SmokeEntry
from preflight.system import waiting
from preflight.traffic import account_facts, deletion_drill, drills
from preflight.traffic.drills import DrillResult
from preflight.traffic.record import TrafficRecord

ENTRY = SmokeEntry(
    service="web", cluster="c", url=None, is_inside=False, caller=None, get="/", port=80, status=200, contains=None, line=1
)
WEB = "arn:aws:ecs:eu-west-1:1:service/c/web"


@pytest.fixture
def done() -> Iterator[list[str]]:
    """The drills that were done."""
    names: list[str] = []

    def run(name: str, _service: object) -> DrillResult:
        names.append(name)
        return DrillResult("stopped 1 of 2 tasks")

    traffic = mock.Mock(stop=TrafficRecord)
    with (
        mock.patch.object(drills, "run", run),
        mock.patch.object(drill_runs, "Traffic", return_value=traffic),
        mock.patch.object(waiting, "pause"),
        mock.patch.object(account_facts, "read", return_value=[]),
    ):
        yield names


def findings(*entries: SmokeEntry, names: tuple[str, ...] = ("task-lost",), urls: tuple[str, ...] = ("http://127.0.0.9/",)) -> list[Any]:
    plan = mock.Mock(smoke=entries, drills=names)
    deployment = mock.Mock(services={WEB: "c"})
    deployment.declared_resources.of_kind.return_value = []
    test = mock.Mock(filled=lambda entry: entry, places=lambda _entry: [Place(url, "a task") for url in urls])
    return list(DrillRuns(plan, test, deployment, lambda _text: None, plan_name="preflight.yaml").findings())


def test_each_drill_is_done_with_each_service_once(done: list[str]) -> None:
    findings(ENTRY, dataclasses.replace(ENTRY, get="/other"), names=("task-lost", "scale"))

    assert done == ["task-lost", "scale"]


def test_a_drill_of_a_service_that_no_request_reaches_is_not_done(done: list[str]) -> None:
    with pytest.raises(UsageError, match="no request reaches web from the internet"):
        findings(ENTRY, urls=())

    assert done == []


def test_a_drill_is_reported(done: list[str]) -> None:
    assert [finding.message.partition(";")[0] for finding in findings(ENTRY)] == ["drill task-lost of web: stopped 1 of 2 tasks"]


def test_no_drill_is_done_that_the_plan_does_not_name(done: list[str]) -> None:
    assert findings(ENTRY, names=()) == []
    assert done == []


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param(dataclasses.replace(ENTRY, service="other"), id="a service that is not the run's own"),
        pytest.param(dataclasses.replace(ENTRY, service=None, url="http://x"), id="a URL"),
    ],
)
def test_a_drill_without_a_service_could_not_be_done(done: list[str], entry: SmokeEntry) -> None:
    with pytest.raises(UsageError, match="no smoke entry names a service"):
        findings(entry)

    assert done == []


def test_the_drill_delete_asks_no_service(done: list[str]) -> None:
    with mock.patch.object(deletion_drill, "findings", return_value=[mock.sentinel.finding]):
        assert findings(ENTRY, names=("delete",)) == [mock.sentinel.finding]

    assert done == []
