from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator

import pytest

from preflight.rehearsal import serve
from preflight.rehearsal.serve import ServeOptions


@pytest.fixture
def _own_handlers() -> Iterator[None]:
    former = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in former.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("_own_handlers")
def test_a_signal_that_another_thread_takes_ends_it() -> None:
    """A kernel may give a signal to any thread, which does not wake the one that waits."""
    main, was_late = threading.main_thread().ident or 0, threading.Event()

    def signal_self() -> None:
        time.sleep(0.3)  # noqa: TID251 - until the main thread waits
        signal.pthread_kill(threading.get_ident(), signal.SIGTERM)

    def rescue() -> None:
        was_late.set()
        signal.pthread_kill(main, signal.SIGTERM)

    timer = threading.Timer(10, rescue)

    def ready(*_: object) -> None:
        threading.Thread(target=signal_self).start()
        timer.start()

    serve.serve(ServeOptions(0, "0a1b2c3d", has_containers=False, standins={}, ends_with_input=False), ready)
    timer.cancel()

    assert not was_late.is_set()
