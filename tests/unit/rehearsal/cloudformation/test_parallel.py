"""Steps that run side by side, each once what it needs is done."""

from __future__ import annotations

import threading

import pytest

from preflight.rehearsal.cloudformation import parallel

CHAIN: dict[str, set[str]] = {"A": set(), "B": {"A"}, "C": {"B"}}


class Steps:
    """Records which steps ran; those in `failing` fail."""

    def __init__(self, *failing: str) -> None:
        self.ran: list[str] = []
        self._failing = failing

    def __call__(self, name: str) -> bool:
        self.ran.append(name)
        return name not in self._failing


def test_a_step_runs_after_what_it_needs() -> None:
    steps = Steps()

    failed = parallel.run_in_order({"C": {"B"}, "B": {"A"}, "A": set()}, steps, stop=threading.Event())

    assert steps.ran == ["A", "B", "C"]
    assert failed == set()


def test_independent_steps_run_side_by_side() -> None:
    barrier = threading.Barrier(2, timeout=10)

    def act(_name: str) -> bool:
        barrier.wait()
        return True

    assert parallel.run_in_order({"A": set(), "B": set()}, act, stop=threading.Event()) == set()


def test_nothing_starts_after_a_failure() -> None:
    steps, stop = Steps("A"), threading.Event()

    failed = parallel.run_in_order(CHAIN, steps, stop=stop)

    assert failed == {"A"}
    assert steps.ran == ["A"]
    assert stop.is_set()


def test_after_a_failure_only_its_users_do_not_run_if_the_rest_continues() -> None:
    steps, stop = Steps("A"), threading.Event()

    failed = parallel.run_in_order({**CHAIN, "D": set(), "E": {"D"}}, steps, stop=stop, continues=True)

    assert failed == {"A"}
    assert sorted(steps.ran) == ["A", "D", "E"]
    assert not stop.is_set()


def test_a_cancelled_operation_stops_its_steps() -> None:
    cancel, stop = threading.Event(), threading.Event()

    def act(_name: str) -> bool:
        cancel.set()
        return stop.wait(10)

    assert parallel.run_in_order({"A": set(), "B": {"A"}}, act, stop=stop, cancel=cancel) == set()


def test_a_cycle_is_an_internal_error() -> None:
    with pytest.raises(RuntimeError, match="no order satisfies"):
        parallel.run_in_order({"A": {"B"}, "B": {"A"}}, Steps(), stop=threading.Event())
