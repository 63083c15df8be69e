"""A thread that repeats one step."""

from __future__ import annotations

import queue
import threading

import pytest

from preflight.system.worker import Worker

DEADLINE = 5.0  # seconds


def test_nothing_runs_before_the_start() -> None:
    steps: queue.Queue[str] = queue.Queue()

    Worker(lambda: steps.put("step"), name="test")

    with pytest.raises(queue.Empty):
        steps.get(timeout=0.05)


def test_the_step_is_repeated_until_the_stop() -> None:
    steps: queue.Queue[str] = queue.Queue(maxsize=1)
    worker = Worker(lambda: steps.put("step"), name="test", wake=lambda: steps.get(timeout=DEADLINE))
    worker.start()
    for _ in range(3):
        steps.get(timeout=DEADLINE)

    worker.stop(DEADLINE)

    assert not any(thread.name == "test" for thread in threading.enumerate())


def test_a_step_that_waits_is_woken_by_the_stop() -> None:
    moved = threading.Event()
    worker = Worker(lambda: moved.wait(DEADLINE), name="waiting test", wake=moved.set)
    worker.start()

    worker.stop(DEADLINE)

    assert moved.is_set()
    assert worker.is_stopping


def test_a_worker_that_was_never_started_can_be_stopped() -> None:
    worker = Worker(lambda: None, name="test")

    worker.stop()

    assert worker.is_stopping
