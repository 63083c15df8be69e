from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from unittest import mock

import pytest

from preflight import model
from preflight.deploy import lifecycle
from preflight.deploy.deployment import DeploymentFailedError
from preflight.deploy.lifecycle import IsKept
from preflight.deploy.options import DeploymentOptions
from preflight.errors import AccountError
from preflight.model import Finding, Observations, Outcome, Severity, SmokeAnswer, StackChange, Update
from preflight.pipeline import one_region
from preflight.pipeline.one_region import RegionResults, RegionRun
from preflight.pipeline.previous_version import FormerPlan
from preflight.pipeline.request import AccountOptions, RunRequest
from preflight.plan import plan, reader
from preflight.plan.plan import Plan
from preflight.plan.update_settings import UpdateSettings

PLAN = replace(reader.load(Path(__file__).parents[3] / plan.FILE), update=UpdateSettings(traffic=None))
FINDING = Finding("smoke", "SMOKE_GET", Severity.ERROR, "it answered wrongly")
CHANGE = StackChange("web", "Logs", "AWS::Logs::LogGroup", "replace")
ANSWER = SmokeAnswer("web", "http://127.0.0.1/", 200, 200, 0.1)


class RegionScenario:
    """A region run whose deployment and smoke test are replaced."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.live = mock.Mock()
        self.live.deployment.unhealthy_targets.return_value = []
        self.live.deployment.events.return_value = []
        self.live.deployment.changes.findings.return_value = []
        self.live.deployment.changes.changes = (CHANGE,)
        self.is_kept: bool | None = None
        self.live.deployment.configure_mock(stack_names=("s",), services={}, digests={})
        self.test = mock.Mock(answers=[], running=[], unsent=[])
        self.test.findings.return_value = []
        self.failure: Exception | None = None
        self.remains: list[Finding] = []
        monkeypatch.setattr(one_region, "SmokeTest", mock.Mock(return_value=self.test))
        monkeypatch.setattr(lifecycle, "deployed", self._deployed)

    @contextlib.contextmanager
    def _deployed(self, *_args: object, remains: list[Finding], is_kept: IsKept) -> Iterator[mock.Mock]:
        if self.failure is not None:
            raise self.failure
        yield self.live
        self.is_kept = is_kept(None)
        remains += self.remains

    def run(
        self,
        *,
        stages: tuple[str, ...] = ("rehearse", "smoke"),
        has_containers: bool = True,
        is_kept_failed: bool = True,
        former: FormerPlan | None = None,
        declared: Plan = PLAN,
    ) -> RegionResults:
        account = AccountOptions("123456789012", (), agrees=lambda: True, is_kept_failed=is_kept_failed)
        request = RunRequest(stages, declared, (), (), has_containers=has_containers, account=account)
        target = mock.Mock()
        target.observations.return_value = Observations()
        options = DeploymentOptions(declared, "0a1b2c3d", None, {declared.path: "preflight.yaml"})
        return RegionRun(options, target, lambda _: None, request=request, former=former).run()


@pytest.fixture
def scenario(monkeypatch: pytest.MonkeyPatch) -> RegionScenario:
    return RegionScenario(monkeypatch)


def outcomes(results: RegionResults) -> dict[str, Outcome]:
    return {stage.name: stage.outcome for stage in results.stages}


def test_a_region_whose_requests_are_answered_passes(scenario: RegionScenario) -> None:
    scenario.test.answers = [ANSWER]

    results = scenario.run()

    assert outcomes(results) == {"rehearse": Outcome.PASS, "smoke": Outcome.PASS}
    assert results.deployment.smoke == (ANSWER,)
    assert not scenario.is_kept


def test_a_target_that_is_never_healthy_fails_the_rehearsal(scenario: RegionScenario) -> None:
    scenario.live.deployment.unhealthy_targets.return_value = [FINDING]

    assert outcomes(scenario.run())["rehearse"] is Outcome.FAIL


def test_keep_failed_keeps_what_answered_wrongly(scenario: RegionScenario) -> None:
    scenario.test.findings.return_value = [FINDING]

    results = scenario.run()

    assert results.stages[1].outcome is Outcome.FAIL
    assert results.stages[1].findings == (FINDING,)
    assert scenario.is_kept


def test_without_keep_failed_what_answered_wrongly_is_deleted(scenario: RegionScenario) -> None:
    scenario.test.findings.return_value = [FINDING]

    scenario.run(is_kept_failed=False)

    assert not scenario.is_kept


def test_a_finding_outranks_requests_that_could_not_be_sent(scenario: RegionScenario) -> None:
    scenario.test.unsent = ["its image is for another platform"]
    scenario.test.findings.return_value = [FINDING]

    assert scenario.run().stages[1].outcome is Outcome.FAIL


def test_keep_failed_keeps_what_could_not_be_checked(scenario: RegionScenario) -> None:
    scenario.test.findings.side_effect = AccountError("AWS did not answer")

    results = scenario.run()

    assert results.stages[1].outcome is Outcome.ERROR
    assert results.stages[1].reason == "AWS did not answer"
    assert scenario.is_kept


def test_keep_failed_keeps_nothing_if_no_request_could_be_sent(scenario: RegionScenario) -> None:
    scenario.test.unsent = ["its image is for another platform"]

    results = scenario.run()

    assert results.stages[1].outcome is Outcome.SKIPPED
    assert results.stages[1].reason == "its image is for another platform"
    assert results.notes == ("smoke skipped for a service: its image is for another platform",)
    assert not scenario.is_kept


def test_smoke_is_not_skipped_if_some_requests_were_sent(scenario: RegionScenario) -> None:
    scenario.test.unsent = ["its image is for another platform"]
    scenario.test.answers = [ANSWER]

    assert scenario.run().stages[1].outcome is Outcome.PASS


def test_without_containers_smoke_is_skipped_and_a_note_says_so(scenario: RegionScenario) -> None:
    results = scenario.run(has_containers=False)

    assert outcomes(results) == {"rehearse": Outcome.PASS, "smoke": Outcome.SKIPPED}
    assert results.stages[1].reason == one_region.ASSUMED
    assert results.notes == (one_region.ASSUMED,)


def test_smoke_runs_only_if_it_was_requested(scenario: RegionScenario) -> None:
    results = scenario.run(stages=("rehearse",))

    assert outcomes(results) == {"rehearse": Outcome.PASS}
    assert results.deployment.stacks == ("s",)


def test_a_deployment_that_fails_reports_its_findings_and_skips_smoke(scenario: RegionScenario) -> None:
    scenario.failure = DeploymentFailedError([FINDING])

    results = scenario.run()

    assert outcomes(results) == {"rehearse": Outcome.FAIL, "smoke": Outcome.SKIPPED}
    assert results.stages[0].findings == (FINDING,)
    assert results.stages[1].reason == "nothing was deployed"
    assert results.deployment == model.Deployment()


def test_what_could_not_be_deleted_fails_the_rehearsal(scenario: RegionScenario) -> None:
    scenario.remains = [FINDING]

    results = scenario.run()

    assert outcomes(results) == {"rehearse": Outcome.FAIL, "smoke": Outcome.PASS}
    assert results.stages[0].findings == (FINDING,)


FORMER = FormerPlan(PLAN, "origin/main", "0" * 40, {})


def test_an_update_follows_the_deployment_of_what_runs_today(scenario: RegionScenario) -> None:
    results = scenario.run(former=FORMER)

    assert outcomes(results) == {"rehearse": Outcome.PASS, "update": Outcome.PASS, "smoke": Outcome.PASS}
    assert results.update == Update("origin/main", "0" * 40, (CHANGE,))
    assert "deployed first, as what runs today: origin/main (000000000000)" in results.notes


@pytest.mark.parametrize(
    ("update", "findings", "outcome"),
    [
        pytest.param(UpdateSettings(), [], Outcome.PASS, id="none is asked for"),
        pytest.param(UpdateSettings(traffic=None, asks_for_traffic=True), [], Outcome.PASS, id="off"),
        pytest.param(UpdateSettings(asks_for_traffic=True), [], Outcome.ERROR, id="it is asked for"),
        pytest.param(UpdateSettings(asks_for_traffic=True), [FINDING], Outcome.FAIL, id="a finding outranks it"),
    ],
)
def test_traffic_that_tasks_cannot_answer_could_not_be_checked(
    scenario: RegionScenario, update: UpdateSettings, findings: list[Finding], outcome: Outcome
) -> None:
    scenario.live.deployment.changes.findings.return_value = findings

    results = scenario.run(former=FORMER, has_containers=False, declared=replace(PLAN, update=update))

    assert outcomes(results)["update"] is outcome


def test_what_runs_today_and_cannot_be_deployed_is_no_finding(scenario: RegionScenario) -> None:
    scenario.failure = DeploymentFailedError([FINDING])

    results = scenario.run(former=FORMER)

    assert outcomes(results) == {"rehearse": Outcome.ERROR, "update": Outcome.SKIPPED, "smoke": Outcome.SKIPPED}
    assert results.stages[0].findings == ()
    assert "what runs today (origin/main) cannot be deployed" in str(results.stages[0].reason)


def test_after_an_update_that_failed_nothing_is_asked(scenario: RegionScenario) -> None:
    scenario.live.deployment.update.side_effect = DeploymentFailedError([FINDING])

    results = scenario.run(former=FORMER)

    assert outcomes(results) == {"rehearse": Outcome.PASS, "update": Outcome.FAIL, "smoke": Outcome.SKIPPED}
    assert [finding.stage for finding in results.stages[1].findings] == ["update"]


def test_a_schedule_that_was_not_run_is_no_pass(scenario: RegionScenario, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(one_region, "ScheduledRuns", mock.Mock(return_value=mock.Mock(ended=[], unsent=["schedule Nightly: why"])))

    results = scenario.run()

    assert results.stages[1].outcome is Outcome.SKIPPED
    assert "smoke skipped for schedule Nightly: why" in results.notes


def test_a_schedule_that_ran_is_noted(scenario: RegionScenario, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(one_region, "ScheduledRuns", mock.Mock(return_value=mock.Mock(ended=["it ran"], unsent=[])))

    assert scenario.run().notes == ("it ran",)
