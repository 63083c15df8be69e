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
    world.alarms_in_alarm = ["errors"]

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
    world.alarms_in_alarm = in_alarm

    looking.look()

    assert world.new.rollout == "IN_PROGRESS"


def test_without_rollback_the_deployment_fails_and_stays() -> None:
    world, looking = watched(rollback=False)
    world.alarms_in_alarm = ["errors"]

    looking.look()

    assert world.new.rollout == "FAILED"
    assert world.service.primary is world.new


def test_an_alarm_that_was_there_when_the_deployment_began_is_ignored() -> None:
    world = World(desired=1, alarms={"alarmNames": ["errors"], "enable": True, "rollback": True})
    world.alarms_in_alarm = ["errors"]
    looking = DeploymentAlarms(world.state)

    looking.look()
    looking.look()

    assert world.new.rollout == "IN_PROGRESS"


def test_a_deployment_that_completed_is_not_failed_any_more() -> None:
    world, looking = watched()
    world.new.rollout = "COMPLETED"
    world.alarms_in_alarm = ["errors"]

    looking.look()

    assert world.service.primary is world.new
    assert world.new.rollout == "COMPLETED"
