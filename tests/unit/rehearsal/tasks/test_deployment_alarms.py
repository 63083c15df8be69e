"""What alarms do to deployments: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html."""

from __future__ import annotations

from typing import Any

import pytest

from preflight.rehearsal.tasks.deployment_alarms import DeploymentAlarms
from tests.unit.rehearsal.tasks.scheduler_world import World


def watched(**alarms: Any) -> tuple[World, DeploymentAlarms]:
    """A service whose deployment has an alarm, which was looked at once."""
    world = World(desired=1, alarms={"alarmNames": ["errors"], "enable": True, "rollback": True, **alarms})
    looking = DeploymentAlarms(world.state)
    looking.look()
    return world, looking


def test_an_alarm_fails_the_deployment_in_progress_and_rolls_it_back() -> None:
    world, looking = watched()
    world.set_alarm("errors")

    looking.look()

    assert world.new.rollout == "FAILED"
    assert world.service.primary is world.old
    assert "(deployment new) deployment failed: alarm detected." in world.events


@pytest.mark.parametrize(
    ("alarms", "in_alarm"),
    [
        pytest.param({}, [], id="it is quiet"),
        pytest.param({}, ["another"], id="an alarm of something else"),
        pytest.param({"enable": False}, ["errors"], id="alarms are off"),
        pytest.param({"alarmNames": []}, ["errors"], id="none is named"),
    ],
)
def test_a_deployment_goes_on_without_an_alarm_of_its_own(alarms: dict[str, Any], in_alarm: list[str]) -> None:
    world, looking = watched(**alarms)
    for name in in_alarm:
        world.set_alarm(name)

    looking.look()

    assert world.new.rollout == "IN_PROGRESS"


def test_without_rollback_the_deployment_fails_and_stays() -> None:
    world, looking = watched(rollback=False)
    world.set_alarm("errors")

    looking.look()

    assert world.new.rollout == "FAILED"
    assert world.service.primary is world.new


@pytest.mark.parametrize(
    ("seconds_ago", "rollout"),
    [
        pytest.param(60, "IN_PROGRESS", id="since before it was created, which is ignored"),
        pytest.param(0, "FAILED", id="since after it was created, and before the first look"),
    ],
)
def test_an_alarm_of_the_first_look_counts_if_it_is_younger_than_the_deployment(seconds_ago: float, rollout: str) -> None:
    world = World(desired=1, alarms={"alarmNames": ["errors"], "enable": True, "rollback": True})
    world.set_alarm("errors", seconds_ago=seconds_ago)
    looking = DeploymentAlarms(world.state)

    looking.look()
    looking.look()

    assert world.new.rollout == rollout


def test_an_ignored_alarm_stays_ignored_when_it_comes_again() -> None:
    world = World(desired=1, alarms={"alarmNames": ["errors"], "enable": True, "rollback": True})
    world.set_alarm("errors", seconds_ago=60)
    looking = DeploymentAlarms(world.state)
    looking.look()
    world.set_alarm("errors")

    looking.look()

    assert world.new.rollout == "IN_PROGRESS"


def test_a_deployment_that_completed_is_not_failed_any_more() -> None:
    world, looking = watched()
    world.new.rollout = "COMPLETED"
    world.set_alarm("errors")

    looking.look()

    assert world.service.primary is world.new
    assert world.new.rollout == "COMPLETED"
