"""Idle connections to a target that keeps them open, or does not."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from preflight.rehearsal.load_balancing import idle_connections
from preflight.rehearsal.load_balancing.idle_connections import IdleConnections
from preflight.rehearsal.load_balancing.target import Target
from preflight.system import waiting
from preflight.system.http import DeadlineSocket

GROUP = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/web/0123456789abcdef"


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idle_connections, "AFTERWARDS", 0.05)


@pytest.fixture
def pair() -> Iterator[tuple[DeadlineSocket, socket.socket]]:
    """Both ends of a connection: the load balancer's and the target's."""
    left, right = socket.socketpair()
    with left, right:
        yield DeadlineSocket(left, timeout=10), right


def target(state: str = "healthy") -> Target:
    return Target(GROUP, "10.0.0.4", 80, "vpc", 80, state=state)


def test_a_target_that_closes_before_the_load_balancer_is_noted(pair: tuple[DeadlineSocket, socket.socket]) -> None:
    notes: list[str] = []
    IdleConnections(notes.append).take(target(), pair[0], idle_timeout=60)

    pair[1].close()
    waiting.until(lambda: notes, what="a note", timeout=5)

    assert notes[0].startswith("the targets of web close idle connections after 0 s, but the load balancer keeps them open for 60 s")


@pytest.mark.parametrize(
    ("state", "idle_timeout"),
    [
        pytest.param("draining", 60, id="while it stops"),
        pytest.param("healthy", 0.2, id="later than the load balancer"),
    ],
)
def test_nothing_is_noted_of_a_target_that_closes(
    pair: tuple[DeadlineSocket, socket.socket], state: str, idle_timeout: float
) -> None:
    notes: list[str] = []
    IdleConnections(notes.append).take(target(state), pair[0], idle_timeout=idle_timeout)

    pair[1].close()
    waiting.pause(0.5)

    assert notes == []


def test_one_connection_of_a_group_is_enough(pair: tuple[DeadlineSocket, socket.socket]) -> None:
    kept = IdleConnections(lambda _text: None)
    kept.take(target(), pair[0], idle_timeout=60)

    assert not kept.take(target(), pair[0], idle_timeout=60)
