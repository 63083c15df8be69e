"""Runs steps side by side, each as soon as the steps that it needs are done."""

from __future__ import annotations

import contextlib
import contextvars
import queue
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor

MAX_PARALLEL = 10


def run_in_order(
    needs: Mapping[str, set[str]],
    act: Callable[[str], bool],
    *,
    stop: threading.Event,
    cancel: threading.Event | None = None,
    continues: bool = False,
) -> set[str]:
    """Runs `act` on each name once what it needs is done, and returns the names that failed.

    After the first failure nothing new starts, and `stop` is set for the steps that run; `cancel`, which
    others set, has the same effect. With `continues` a failure keeps only those from running that need
    what failed.
    """
    waiting = {name: set(targets) for name, targets in needs.items()}
    failed: set[str] = set()
    with ThreadPoolExecutor(MAX_PARALLEL) as pool:
        running: dict[Future[bool], str] = {}
        done: queue.SimpleQueue[Future[bool]] = queue.SimpleQueue()
        while running or (waiting and not stop.is_set()):
            for name in () if stop.is_set() else _pop_ready(waiting):
                running[_begin(pool, act, name, done)] = name
            if not running and (failed or stop.is_set()):
                break
            if not running:
                msg = f"no order satisfies {sorted(waiting)}"
                raise RuntimeError(msg)
            finished = list(_wait(done, timeout=0.1 if cancel else None))
            if cancel is not None and cancel.is_set():
                stop.set()
            for future in finished:
                name = running.pop(future)
                if future.result():
                    _mark_done(name, waiting)
                else:
                    failed.add(name)
                    if not continues:
                        stop.set()
    return failed


def _begin(pool: ThreadPoolExecutor, act: Callable[[str], bool], name: str, done: queue.SimpleQueue[Future[bool]]) -> Future[bool]:
    """Returns the future of a step, which puts itself into `done`."""
    future = pool.submit(contextvars.copy_context().run, act, name)
    future.add_done_callback(done.put)
    return future


def _wait(done: queue.SimpleQueue[Future[bool]], timeout: float | None) -> Iterator[Future[bool]]:
    """Yields what is done, one at least unless the seconds of `timeout` pass."""
    with contextlib.suppress(queue.Empty):
        yield done.get(timeout=timeout)
        while True:
            yield done.get_nowait()


def _pop_ready(waiting: dict[str, set[str]]) -> Iterator[str]:
    for name in [name for name, targets in waiting.items() if not targets]:
        del waiting[name]
        yield name


def _mark_done(name: str, waiting: Mapping[str, set[str]]) -> None:
    for targets in waiting.values():
        targets.discard(name)
