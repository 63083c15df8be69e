"""What the account knows, and why a request failed."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from preflight.traffic import causes
from preflight.traffic.account_facts import ServiceFacts, TaskFacts
from preflight.traffic.record import FailedRequest, FailureKind

START = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)


def at(seconds: float) -> dt.datetime:
    return START + dt.timedelta(seconds=seconds)


OLD = TaskFacts(
    "arn:aws:ecs:::task/c/old",
    started_at=at(-600),
    stopping_at=at(10),
    ended_at=at(12),
    code="ServiceSchedulerInitiated",
    reason="Scaling activity initiated by (deployment ecs-svc/2)",
    exit_codes=(0,),
)
NEW = TaskFacts("arn:aws:ecs:::task/c/new", started_at=at(8), stopping_at=None, ended_at=None)
WEB = ServiceFacts("web", desired=1, minimum=100, maximum=200, tasks=(OLD, NEW))
BEHIND = replace(WEB, delay=5.0, idle_timeout=60.0)
RESET = FailedRequest(FailureKind.RESET, at(9), at(11), "connection closed", "task old", "update", OLD.arn)
BAD_GATEWAY = replace(RESET, kind=FailureKind.BAD_GATEWAY, task=None)
UNAVAILABLE = replace(BAD_GATEWAY, kind=FailureKind.UNAVAILABLE)


def ended(**changes: object) -> ServiceFacts:
    """The service whose old task ended otherwise."""
    return replace(WEB, tasks=(replace(OLD, **changes), NEW))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("failure", "service", "said"),
    [
        pytest.param(RESET, WEB, "ended at SIGTERM with requests in flight (exit code 0)", id="the application ends at SIGTERM"),
        pytest.param(replace(RESET, failed_at=at(15)), WEB, "ended at SIGTERM with requests in flight (exit code 0)", id="the client notices it later"),
        pytest.param(RESET, ended(exit_codes=(137,)), "had not ended 30 s after SIGTERM", id="it is killed"),
        pytest.param(RESET, ended(code="EssentialContainerExited", exit_codes=(3,)), "ended by itself (exit code 3)", id="it ends by itself"),
        pytest.param(replace(BAD_GATEWAY, failed_at=at(15)), replace(BEHIND, tasks=(replace(OLD, ended_at=at(16)),)), "deregistration delay of 5 s was over", id="the delay is over"),
        pytest.param(replace(BAD_GATEWAY, failed_at=at(12)), replace(BEHIND, delay=300.0), "ended at SIGTERM", id="the delay is not over"),
        pytest.param(UNAVAILABLE, replace(BEHIND, minimum=0), "MinimumHealthyPercent 0 of 1 lets ECS stop every task", id="no minimum"),
        pytest.param(UNAVAILABLE, replace(BEHIND, minimum=0, maximum=100), "MaximumPercent 100 leaves no room", id="no room for a second task"),
        pytest.param(replace(UNAVAILABLE, kind=FailureKind.NOWHERE), replace(WEB, is_active=False), "service web was replaced", id="the service is replaced"),
        pytest.param(UNAVAILABLE, ended(reason="Task failed ELB health checks in (target-group g)"), "HealthCheckGracePeriodSeconds is 0", id="health checks stop a task"),
        pytest.param(replace(UNAVAILABLE, failed_at=at(30)), ended(code="UserInitiated"), "no other of the 1 tasks of web ran", id="the only task is stopped on request"),
        pytest.param(replace(RESET, task=NEW.arn, failed_at=at(9)), WEB, "no container of it has a health check", id="a new task does not answer yet"),
        pytest.param(replace(BAD_GATEWAY, failed_at=at(5)), BEHIND, "whose idle timeout is 60 s", id="a target closes idle connections"),
        pytest.param(replace(UNAVAILABLE, failed_at=at(9)), BEHIND, "the listener forwards to the new one before the service has registered tasks", id="a target group is replaced"),
        pytest.param(replace(RESET, kind=FailureKind.WRONG_PAGE, shown="status 500"), WEB, "a page of neither the old version nor the new one: status 500", id="a wrong page"),
        pytest.param(replace(RESET, kind=FailureKind.TIMEOUT, failed_at=at(5)), replace(WEB, events=((at(1), "has started"),)), "its last event was: has started", id="what the account does not explain"),
    ],
)  # fmt: skip
def test_a_failure_is_explained(failure: FailedRequest, service: ServiceFacts, said: str) -> None:
    assert said in causes.cause_of(failure, service).text


@pytest.mark.parametrize(
    ("failure", "is_moved"),
    [
        pytest.param(replace(RESET, sent_at=at(10.5)), True, id="sent after the task began to stop"),
        pytest.param(RESET, False, id="sent before"),
        pytest.param(replace(RESET, task=NEW.arn, sent_at=at(8.5), failed_at=at(8.6)), True, id="sent to a task that does not listen yet"),
        pytest.param(replace(RESET, task=NEW.arn, sent_at=at(10.5), failed_at=at(10.6)), False, id="sent to one although no other is left"),
        pytest.param(replace(RESET, sent_at=at(10.5), task=None), False, id="sent to a load balancer"),
        pytest.param(replace(RESET, sent_at=at(10.5), task=NEW.arn), False, id="sent to a task that runs"),
    ],
)
def test_a_request_to_an_address_that_was_given_up_has_moved(failure: FailedRequest, *, is_moved: bool) -> None:
    assert causes.is_moved(failure, WEB) is is_moved
