"""What the scheduler does with a deployment that shifts traffic, pass by pass, on a clock of the test's own."""

from __future__ import annotations

from typing import Any

import pytest

from preflight.rehearsal.ecs import traffic_shift
from preflight.rehearsal.ecs.deployment_strategy import PRODUCTION_RULE, TEST_RULE
from preflight.rehearsal.ecs.state import Deployment
from preflight.rehearsal.tasks import traffic_shifts
from tests.unit.rehearsal.tasks.scheduler_world import World

ROLE = "arn:aws:iam::123456789012:role/elb"
RULE = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener-rule/app/a/1/2/3"
LISTENER = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/net/a/1/2"
BREAKER = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}
MINUTE = traffic_shifts.MINUTE


def shifting(world: World, *, rule: str = RULE, test: str | None = None) -> World:
    """Puts the service behind a load balancer with two target groups."""
    advanced = {"alternateTargetGroupArn": "green", "productionListenerRule": rule, "testListenerRule": test, "roleArn": ROLE}
    balancer = {"targetGroupArn": "blue", "containerName": "a", "containerPort": 80, "advancedConfiguration": advanced}
    for deployment in world.service.deployments:
        deployment.request["loadBalancers"] = [balancer]
    return world


def blue_green(**configuration: Any) -> World:
    """A service with two ready tasks of its old deployment, which a new one is to replace at once."""
    world = shifting(World(desired=2, strategy="BLUE_GREEN", bakeTimeInMinutes=10, **configuration))
    world.add(world.old, "old-1", "old-2")
    return world


def scaled_up(world: World) -> World:
    """Takes the new deployment to where all its tasks are ready."""
    world.reconcile()
    world.reconcile()
    world.run_begun()
    return world


def percents(world: World, key: str = PRODUCTION_RULE) -> list[float]:
    return [percent for _, rule, percent in world.weights.shifted if rule == key]


def passes(world: World, number: int = 8) -> None:
    for _ in range(number):
        world.reconcile()


def run(world: World, *, minutes: float = 60) -> list[tuple[float, float]]:
    """Lets the deployment go on for minutes of bake time; returns when production traffic was shifted, and to what percentage."""
    moments: list[tuple[float, float]] = []
    start = world.now
    for minute in range(round(minutes) + 1):
        world.now = start + minute * (MINUTE + 1e-6)  # no sum of tenths is exact
        passes(world)
        moments += [(minute, percent) for percent in percents(world)[len(moments) :]]
    return moments


def test_green_starts_in_full_beside_blue_whatever_the_bounds_are() -> None:
    world = blue_green(maximumPercent=100)

    passes(world)

    assert len(world.launcher.begun) == 2
    assert {task.deployment.id for task in world.launcher.begun if task.deployment} == {"new"}
    assert world.launcher.stopped == []


@pytest.mark.parametrize(
    ("was_alternate", "group"), [pytest.param(False, "green", id="from blue"), pytest.param(True, "blue", id="back from green")]
)
def test_green_goes_to_the_target_group_that_production_traffic_does_not_go_to(group: str, *, was_alternate: bool) -> None:
    world = blue_green()
    world.old.is_alternate = was_alternate

    world.reconcile()

    assert world.new.target_group(world.new.request["loadBalancers"][0]) == group


@pytest.mark.parametrize(
    ("is_alternate", "group"), [pytest.param(False, "green", id="the rule serves blue"), pytest.param(True, "blue", id="the rule serves green")]
)
def test_a_first_deployment_goes_to_the_group_that_the_production_rule_does_not_serve(group: str, *, is_alternate: bool) -> None:
    world = blue_green()
    world.service.deployments = [world.new]
    world.weights.is_alternate = is_alternate

    world.reconcile()

    assert world.new.target_group(world.new.request["loadBalancers"][0]) == group


def test_no_traffic_is_shifted_before_all_green_tasks_are_ready() -> None:
    world = blue_green()
    scaled_up(world)
    world.launcher.begun[0].ran_since = None

    passes(world)

    assert world.weights.shifted == []
    assert world.new.shift.stage == traffic_shift.SCALE_UP


def test_blue_green_shifts_all_production_traffic_at_once_and_blue_stays_for_the_bake_time() -> None:
    world = scaled_up(blue_green())

    assert run(world, minutes=9) == [(0, 100)]
    assert world.new.shift.stage == traffic_shift.BAKE_TIME
    assert world.launcher.stopped == []


def test_blue_stops_after_the_bake_time_and_the_deployment_completes() -> None:
    world = scaled_up(blue_green())

    run(world, minutes=11)

    assert world.stopped == ["old", "old"]
    assert world.service.deployments == [world.new]
    assert world.new.rollout == "COMPLETED"
    assert world.service.is_steady


def test_test_traffic_is_shifted_before_production_traffic() -> None:
    world = scaled_up(shifting(blue_green(), test=f"{RULE}4"))

    passes(world)

    assert world.weights.shifted == [("new", TEST_RULE, 100), ("new", PRODUCTION_RULE, 100)]


@pytest.mark.parametrize(
    ("configuration", "moments"),
    [
        pytest.param(
            {"strategy": "LINEAR", "linearConfiguration": {"stepPercent": 25.0, "stepBakeTimeInMinutes": 2}},
            [(0, 25), (2, 50), (4, 75), (6, 100)],
            id="linear",
        ),
        pytest.param(
            {"strategy": "LINEAR", "linearConfiguration": {"stepPercent": 40.0, "stepBakeTimeInMinutes": 3}},
            [(0, 40), (3, 80), (6, 100)],
            id="linear, with a rest",
        ),
        pytest.param(
            {"strategy": "LINEAR"}, [(6 * number, 10 * (number + 1)) for number in range(10)], id="linear by default"
        ),
        pytest.param(
            {"strategy": "CANARY", "canaryConfiguration": {"canaryPercent": 0.5, "canaryBakeTimeInMinutes": 4}},
            [(0, 0.5), (4, 100)],
            id="canary",
        ),
        pytest.param({"strategy": "CANARY"}, [(0, 5), (10, 100)], id="canary by default"),
        pytest.param({"strategy": "CANARY", "canaryConfiguration": {"canaryPercent": 100.0}}, [(0, 100)], id="a canary of all"),
    ],
)
def test_traffic_is_shifted_step_by_step(configuration: dict[str, Any], moments: list[tuple[float, float]]) -> None:
    world = shifting(World(desired=2, bakeTimeInMinutes=0, **configuration))
    world.add(world.old, "old-1", "old-2")

    assert run(scaled_up(world)) == moments
    assert world.new.rollout == "COMPLETED"


def test_a_bake_time_of_hours_is_shortened_and_a_note_says_so() -> None:
    world = scaled_up(shifting(World(desired=2, strategy="BLUE_GREEN", bakeTimeInMinutes=1440)))
    world.add(world.old, "old-1")
    passes(world)

    world.now += traffic_shifts.LONGEST
    passes(world)

    assert world.new.rollout == "COMPLETED"
    assert any("a minute takes 0.2 s, and none takes more than 3 s" in note for note in world.ledger.notes)


def test_ecs_waits_ten_minutes_longer_for_a_network_load_balancer() -> None:
    world = shifting(World(desired=2, strategy="BLUE_GREEN", bakeTimeInMinutes=0), rule=LISTENER)
    world.add(world.old, "old-1", "old-2")

    run(scaled_up(world), minutes=9)
    assert world.launcher.stopped == []

    run(world, minutes=2)
    assert world.new.rollout == "COMPLETED"


@pytest.mark.parametrize("balancers", [pytest.param([], id="none"), pytest.param(None, id="not set")])
def test_a_service_without_a_load_balancer_bakes_and_shifts_nothing(balancers: list[object] | None) -> None:
    world = blue_green()
    for deployment in world.service.deployments:
        deployment.request["loadBalancers"] = balancers

    run(scaled_up(world), minutes=9)
    assert world.launcher.stopped == []

    run(world, minutes=2)
    assert world.new.rollout == "COMPLETED"


def test_the_first_deployment_of_a_service_takes_no_steps() -> None:
    world = shifting(World(desired=2, strategy="LINEAR", bakeTimeInMinutes=60))
    world.service.deployments = [world.new]

    passes(scaled_up(world))

    assert percents(world) == [100]
    assert world.new.rollout == "COMPLETED"


def test_a_lost_blue_task_is_replaced_while_green_starts() -> None:
    world = blue_green()
    lost = world.state.tasks["old-1"]
    lost.settled_once = True
    lost.api.update(lastStatus="STOPPED", desiredStatus="STOPPED", stopCode="EssentialContainerExited")

    passes(world)

    assert sorted(task.deployment.id for task in world.launcher.begun if task.deployment) == ["new", "new", "old"]


def test_surplus_tasks_of_both_stop_when_the_service_is_scaled_in() -> None:
    world = scaled_up(blue_green())
    world.service.desired = 1

    world.reconcile()

    assert world.stopped == ["new", "old"]


def test_green_that_never_becomes_healthy_gets_no_traffic_and_blue_stays() -> None:
    world = blue_green(**BREAKER)
    passes(world, 2)
    world.add_failed(3)

    passes(world)

    assert world.service.primary is world.old
    assert world.new.rollout == "FAILED"
    assert world.weights.shifted == []
    assert "old" not in world.stopped


def test_traffic_goes_back_before_green_stops_if_green_fails_while_it_bakes() -> None:
    world = scaled_up(shifting(blue_green(**BREAKER), test=f"{RULE}4"))
    passes(world)
    world.log.clear()
    world.add_failed(3)

    passes(world)

    assert world.log == [f"{PRODUCTION_RULE} 0", f"{TEST_RULE} 0", "stop new", "stop new"]
    assert world.service.deployments == [world.old]
    assert world.service.is_steady


def test_a_canary_that_fails_gives_its_share_back() -> None:
    world = shifting(World(desired=2, strategy="CANARY", canaryConfiguration={"canaryPercent": 10.0}, **BREAKER))
    world.add(world.old, "old-1", "old-2")
    passes(scaled_up(world))
    world.add_failed(3)

    passes(world)

    assert percents(world) == [10, 0]
    assert world.service.deployments == [world.old]


def test_an_internal_error_while_traffic_goes_back_is_reported_once_and_ends_the_deployment() -> None:
    world = scaled_up(blue_green(**BREAKER))
    passes(world)
    calls = world.weights.calls
    world.weights.fault = KeyError("weight")
    world.add_failed(3)

    passes(world)

    assert world.weights.calls == calls + 1
    assert len(world.ledger.troubles) == 1
    assert world.service.deployments == [world.old]


def test_a_deployment_that_may_not_change_its_rule_is_rolled_back() -> None:
    world = scaled_up(blue_green())
    world.weights.error = "User: elb is not authorized to perform: elasticloadbalancing:ModifyRule"

    passes(world)

    assert world.service.deployments == [world.old]
    assert "Service deployment rolled back because of invalid networking configuration. User: elb" in world.new.reason
    assert world.stopped == ["new", "new"]


def test_a_call_that_ends_with_an_internal_error_is_not_made_again() -> None:
    world = scaled_up(blue_green())
    world.state.can_be_helped = lambda _service, _failing: True
    world.weights.fault = KeyError("weight")
    passes(world)
    calls = world.weights.calls

    world.now += traffic_shifts.AGAIN
    passes(world)

    assert world.weights.calls == calls
    assert world.service.deployments == [world.old]


def test_a_call_that_a_policy_still_to_come_may_allow_is_made_again() -> None:
    world = scaled_up(blue_green())
    world.state.can_be_helped = lambda _service, _failing: True
    world.weights.error = "it may not"
    passes(world)

    world.weights.error = None
    world.now += traffic_shifts.AGAIN
    passes(world)

    assert percents(world) == [100]


def test_a_deployment_that_another_one_overtakes_gives_its_traffic_back_before_that_starts() -> None:
    world = shifting(World(desired=2, strategy="LINEAR"))
    world.add(world.old, "old-1", "old-2")
    passes(scaled_up(world))
    newest = Deployment("newest", "f:1", world.new.request)
    world.service.deployments.insert(0, newest)

    passes(world)

    assert percents(world) == [10, 0]
    assert world.stopped == ["new", "new"]
    assert newest.is_alternate
    assert [task.deployment for task in world.launcher.begun[2:]] == [newest, newest]


def test_service_connect_sends_the_proxy_to_blue_until_traffic_is_shifted() -> None:
    world = scaled_up(blue_green())
    service = world.service

    before = [service.share(world.old), service.share(world.new)]
    passes(world)

    assert before == [100, 0]
    assert [service.share(world.old), service.share(world.new)] == [0, 100]
