from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from preflight.rehearsal.containers.process_exits import ProcessExits
from preflight.system import processes


@pytest.fixture
def exits() -> Iterator[ProcessExits]:
    exits = ProcessExits()
    exits.start()
    yield exits
    exits.close()


def test_the_end_of_a_process_is_reported(exits: ProcessExits) -> None:
    has_ended = threading.Event()
    process = processes.start("sleep", "60")

    exits.watch(process.pid, has_ended.set)
    assert not has_ended.is_set()
    process.kill()

    assert has_ended.wait(10)


def test_a_process_that_has_ended_is_reported_at_once(exits: ProcessExits) -> None:
    has_ended = threading.Event()

    exits.watch(2**22 + 1, has_ended.set)  # beyond the last process ID

    assert has_ended.is_set()


def test_exits_that_were_never_started_can_be_closed() -> None:
    ProcessExits().close()
