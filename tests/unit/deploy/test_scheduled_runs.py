from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from preflight.deploy.declared_resources import DeclaredResource
from preflight.deploy.scheduled_runs import ScheduledRuns
from preflight.deploy.tasks import StoppedTask
from preflight.model import Finding, JsonObject, Severity
from preflight.plan.plan import SmokeEntry
from preflight.templates import template

ENTRY = SmokeEntry(
    service=None,
    cluster="default",
    url=None,
    is_inside=False,
    caller=None,
    get="/",
    port=0,
    status=0,
    contains=None,
    line=7,
    schedule="Nightly",
    timeout=0.2,
)
TEMPLATE = """Resources:
  Nightly:
    Type: AWS::Events::Rule
    Properties:
      Targets:
      - Id: job
        RoleArn: r
"""
RUN: JsonObject = {"property": "Targets.0", "cluster": "c", "tasks": ["t1"], "failure": None, "network": {}}


def ended(*containers: JsonObject, **members: Any) -> JsonObject:
    """A task whose containers ended."""
    named = [{"name": name, **container} for name, container in zip(("job", "sidecar"), containers, strict=False)]
    return {"lastStatus": "STOPPED", "taskDefinitionArn": "d", "stopCode": "EssentialContainerExited", "containers": named, **members}


class Scenario:
    """A schedule whose run starts one task, in a deployment that is replaced."""

    def __init__(self, folder: Path) -> None:
        (folder / "t.yaml").write_text(TEMPLATE)
        declared = DeclaredResource(template.load(folder / "t.yaml"), "Nightly", "s-nightly", "AWS::Events::Rule")
        self.task = ended({"exitCode": 0})
        self.answer: JsonObject = {"physical": "s-nightly", "known": ["Nightly"], "runs": [RUN]}
        self.skipped: dict[str, str] = {}
        self.ecs = mock.Mock()
        self.ecs.describe_tasks.side_effect = lambda **_: {"tasks": [self.task]}
        self.containers = [{"name": "job"}, {"name": "sidecar"}]
        self.ecs.describe_task_definition.side_effect = lambda **_: {"taskDefinition": {"containerDefinitions": self.containers}}
        self.deployment = mock.Mock()
        self.deployment.session.configure_mock(region="eu-west-1", interval=0.01)
        self.deployment.session.client.return_value = self.ecs
        self.deployment.declared_resources.find = {"s-nightly": declared}.get
        self.deployment.tasks.of_schedule = mock.Mock(spec=StoppedTask)
        self.deployment.of_stopped.return_value = Finding("rehearse", "EssentialContainerExited", Severity.ERROR, "it stopped")
        self.runs = ScheduledRuns(
            self.deployment, "preflight.yaml", start=lambda *_: self.answer, skipped=lambda: self.skipped
        )

    def findings(self) -> list[Finding]:
        return list(self.runs.findings(ENTRY))


@pytest.fixture
def scenario(tmp_path: Path) -> Scenario:
    return Scenario(tmp_path)


def test_a_task_that_ends_with_0_passes(scenario: Scenario) -> None:
    assert scenario.findings() == []
    assert scenario.runs.ended == ["schedule Nightly ran once: its task ended with exit code 0"]


@pytest.mark.parametrize(
    "task",
    [
        pytest.param(ended({"exitCode": 0}, {"exitCode": 143}), id="a sidecar that was stopped"),
        pytest.param(ended({"exitCode": 0}, {"exitCode": 137}), id="a sidecar that was killed"),
    ],
)
def test_containers_that_ecs_stops_do_not_count(scenario: Scenario, task: JsonObject) -> None:
    scenario.task = task

    assert scenario.findings() == []


def test_the_exit_code_of_a_container_that_is_not_essential_does_not_count(scenario: Scenario) -> None:
    scenario.containers[1]["essential"] = False  # type: ignore[assignment]  # a member of another type
    scenario.task = ended({"exitCode": 0}, {"exitCode": 1})

    assert scenario.findings() == []


@pytest.mark.parametrize(
    "task",
    [
        pytest.param(ended({"exitCode": 3}), id="another exit code"),
        pytest.param(ended({"exitCode": 137, "reason": "OutOfMemoryError: Container killed due to memory usage"}), id="no memory"),
        pytest.param(ended({"exitCode": 0}, {"exitCode": 1}), id="the other essential container"),
        pytest.param(ended({"exitCode": 143}), id="a container that was stopped alone"),
        pytest.param(ended({}, stopCode="TaskFailedToStart"), id="a task that never started"),
    ],
)
def test_a_task_that_fails_is_explained_as_a_stopped_task(scenario: Scenario, task: JsonObject) -> None:
    scenario.task = task

    assert scenario.findings() == [scenario.deployment.of_stopped.return_value]


def test_a_task_that_does_not_end_is_stopped(scenario: Scenario) -> None:
    scenario.task = {"lastStatus": "RUNNING", "taskDefinitionArn": "d"}

    (finding,) = scenario.findings()

    assert finding.message == "the task of schedule Nightly has not ended after 0.2 s"
    assert scenario.ecs.stop_task.call_args.kwargs["task"] == "t1"


def test_a_task_that_is_assumed_to_run_is_no_proof(scenario: Scenario) -> None:
    scenario.task, scenario.skipped = {"lastStatus": "RUNNING", "taskDefinitionArn": "d"}, {"d": "another platform"}

    assert scenario.findings() == []
    assert scenario.runs.unsent == ["schedule Nightly: another platform"]
    assert scenario.runs.ended == []


def test_a_run_that_starts_no_task_points_to_the_target(scenario: Scenario) -> None:
    failure = {**RUN, "tasks": [], "failure": "not authorized", "property": "Targets.0.RoleArn"}
    scenario.answer["runs"] = [failure]

    (finding,) = scenario.findings()

    assert finding.message == "schedule Nightly starts no task: not authorized"
    assert finding.resource == "Nightly"
    assert finding.line == 7


def test_an_unknown_schedule_is_answered_with_the_nearest_name(scenario: Scenario) -> None:
    scenario.answer = {"physical": None, "known": ["Nightly", "Weekly"], "runs": []}

    (finding,) = scenario.findings()

    assert finding.message == "no stack of the plan has a rule or schedule Nightly"
    assert finding.fix == "Did you mean Nightly?"


def test_a_schedule_without_a_task_is_a_finding(scenario: Scenario) -> None:
    scenario.answer["runs"] = []

    assert scenario.findings()[0].message == "schedule Nightly has no target of ECS"


def test_on_a_real_account_only_its_time_starts_a_schedule(scenario: Scenario) -> None:
    runs = ScheduledRuns(scenario.deployment, "preflight.yaml", start=None, skipped=dict)

    assert list(runs.findings(ENTRY)) == []
    assert runs.unsent == ["schedule Nightly: on a real account it is not run on request; only its schedule starts it"]
