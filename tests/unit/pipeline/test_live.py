from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path
from unittest import mock

import pytest

from preflight.container_engine import engine as container_engine
from preflight.cost import announcement
from preflight.errors import ToolMissingError, UsageError
from preflight.model import Deployment, LedgerEntry, Observations, Outcome, Say, StageResult
from preflight.pipeline import inputs
from preflight.pipeline.live import HAS_EGRESS, LiveStages
from preflight.pipeline.one_region import RegionResults
from preflight.pipeline.request import AccountOptions, RunRequest
from preflight.pipeline.several_regions import RegionRuns
from preflight.pipeline.stages import STAGES
from preflight.plan import plan, reader

PLAN = reader.load(Path(__file__).parents[3] / plan.FILE)
REHEARSED = RegionResults(
    (StageResult("rehearse", Outcome.PASS), StageResult("smoke", Outcome.PASS)), Deployment(stacks=("s",)), ("a note",)
)
IGNORED = LedgerEntry("s.Web", "Tags", "ignored", "nothing reads them")


class Live:
    """Live stages whose target and deployment are replaced."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.observations = Observations()
        self.engine = mock.Mock(shares_network_namespaces=True, program="podman")
        self.engine.name = "podman 5"
        self.messages: list[str] = []
        self.target = mock.Mock()
        self.target.observations.side_effect = lambda: self.observations
        self.runs = mock.Mock(return_value=REHEARSED)
        monkeypatch.setattr(LiveStages, "_new_target", lambda *_: self.target)
        monkeypatch.setattr(RegionRuns, "run", self.runs)
        monkeypatch.setattr(container_engine, "find", lambda: self.engine)
        monkeypatch.setattr(announcement, "announcement", lambda *_, **__: ["an hour: $1"])

    def stages(self, request: RunRequest) -> LiveStages:
        say: Say = self.messages.append
        stages = LiveStages(inputs.read(request, run="0a1b2c3d"), say)
        with contextlib.ExitStack() as cleanup:
            stages.start_target(cleanup)
        return stages

    def run(self, request: RunRequest, *, lint: Outcome = Outcome.PASS) -> list[StageResult]:
        return self.stages(request).run([StageResult("lint", lint)])


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch) -> Live:
    return Live(monkeypatch)


def request(*, strict: bool = False, account: AccountOptions | None = None) -> RunRequest:
    return RunRequest(("lint", "rehearse", "smoke"), PLAN, (PLAN.path,), (), strict=strict, account=account)


def account(*, agrees: bool) -> AccountOptions:
    return AccountOptions("123456789012", (), agrees=lambda: agrees)


def test_the_target_is_closed_when_the_run_ends(live: Live) -> None:
    live.stages(request())

    live.target.close.assert_called_once_with()


def test_the_stages_have_the_results_of_the_regions(live: Live) -> None:
    stages = live.stages(request())

    results = stages.run([])

    assert tuple(results) == REHEARSED.stages
    assert stages.deployment == REHEARSED.deployment
    assert stages.notes == ["a note"]
    assert stages.versions["engine"] == "podman 5"


def test_without_a_plan_nothing_can_be_deployed(live: Live) -> None:
    with pytest.raises(UsageError, match="need a plan"):
        live.run(RunRequest(("rehearse",), None, (), ()))


def test_without_a_container_engine_rehearse_is_an_error_and_smoke_is_skipped(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(container_engine, "find", mock.Mock(side_effect=ToolMissingError("install podman")))

    rehearse, smoke = live.run(request())

    assert rehearse.outcome is Outcome.ERROR
    assert rehearse.reason == "install podman"
    assert smoke.outcome is Outcome.SKIPPED
    assert smoke.reason == "nothing was deployed"
    live.runs.assert_not_called()


def test_without_something_to_update_from_no_update_is_skipped(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container_engine, "find", mock.Mock(side_effect=ToolMissingError("install podman")))

    stages = live.run(replace(request(), stages=STAGES))

    assert [stage.name for stage in stages] == ["rehearse", "smoke"]


def test_a_problem_of_the_emulated_account_is_an_error(live: Live) -> None:
    live.observations = Observations(notes=("a stand-in was used",), problems=("port 80 is taken",))
    stages = live.stages(request())

    rehearse, smoke = stages.run([])

    assert rehearse.outcome is Outcome.ERROR
    assert rehearse.reason == "port 80 is taken"
    assert smoke.outcome is Outcome.PASS
    assert stages.notes == ["a note", "a stand-in was used"]


@pytest.mark.parametrize(
    ("strict", "outcome", "checks"),
    [
        pytest.param(True, Outcome.FAIL, ["Ignored"], id="strict"),
        pytest.param(False, Outcome.PASS, [], id="not strict"),
    ],
)
def test_an_ignored_property_fails_a_strict_run(live: Live, *, strict: bool, outcome: Outcome, checks: list[str]) -> None:
    live.observations = Observations((IGNORED, LedgerEntry("s.Web", "Cpu", "checked")))

    rehearse = live.run(request(strict=strict))[0]

    assert rehearse.outcome is outcome
    assert [finding.check for finding in rehearse.findings] == checks


def test_an_account_that_no_longer_answers_leaves_the_results_as_they_are(live: Live) -> None:
    live.target.observations.side_effect = OSError("it is gone")

    assert tuple(live.run(request())) == REHEARSED.stages


def test_on_a_real_account_the_costs_are_announced_before_the_deployment(live: Live) -> None:
    results = live.run(request(account=account(agrees=True)))

    assert live.messages == ["an hour: $1"]
    assert tuple(results) == REHEARSED.stages


def test_on_a_real_account_nothing_is_deployed_without_confirmation(live: Live) -> None:
    with pytest.raises(UsageError, match="nothing was deployed: it was not confirmed"):
        live.run(request(account=account(agrees=False)))

    live.runs.assert_not_called()


def test_on_a_real_account_nothing_is_deployed_after_a_failed_stage(live: Live) -> None:
    results = live.run(request(account=account(agrees=True)), lint=Outcome.FAIL)

    assert [stage.outcome for stage in results] == [Outcome.SKIPPED, Outcome.SKIPPED]
    assert str(results[0].reason).startswith("lint did not pass, so nothing was deployed")
    live.runs.assert_not_called()


@pytest.mark.parametrize(
    ("shares_namespaces", "egress", "note"),
    [
        pytest.param(False, False, "podman publishes the ports", id="not root"),
        pytest.param(True, True, HAS_EGRESS, id="egress in the plan"),
    ],
)
def test_a_note_says_that_containers_reach_the_network(
    live: Live, *, shares_namespaces: bool, egress: bool, note: str
) -> None:
    live.engine.shares_network_namespaces = shares_namespaces
    stages = live.stages(replace(request(), plan=replace(PLAN, has_egress=egress)))

    stages.run([])

    assert stages.notes[0].startswith(note)


def test_without_containers_no_engine_is_looked_up(live: Live) -> None:
    stages = live.stages(replace(request(), has_containers=False))

    stages.run([])

    assert "engine" not in stages.versions


def test_on_a_real_account_an_engine_is_looked_up_only_to_build_images(live: Live) -> None:
    stacks = replace(PLAN, steps=tuple(PLAN.stacks))
    stages = live.stages(replace(request(account=account(agrees=True)), plan=stacks))

    stages.run([])

    assert stages.versions == {}


def test_without_a_container_engine_smoke_is_reported_only_if_it_was_requested(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(container_engine, "find", mock.Mock(side_effect=ToolMissingError("install podman")))

    results = live.run(replace(request(), stages=("rehearse",)))

    assert [stage.name for stage in results] == ["rehearse"]


def test_nothing_is_deployed_if_a_template_is_unreadable(live: Live, tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text("[")

    results = live.run(replace(request(), templates=(tmp_path / "t.yaml",)))

    assert [stage.outcome for stage in results] == [Outcome.SKIPPED, Outcome.SKIPPED]
    live.runs.assert_not_called()
