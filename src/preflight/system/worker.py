"""A thread that repeats one step from `start` to `stop`."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Worker:
    """Repeats `step` in a daemon thread; `wake` ends a step that waits, so that `stop` need not wait for it."""

    def __init__(self, step: Callable[[], object], *, name: str, wake: Callable[[], object] = lambda: None) -> None:
        self._step = step
        self._wake = wake
        self._is_stopping = threading.Event()
        self._thread = threading.Thread(target=self._loop, daemon=True, name=name)

    @property
    def is_stopping(self) -> bool:
        """Whether `stop` was called."""
        return self._is_stopping.is_set()

    def start(self) -> None:
        """Start the thread.

        Raises:
            RuntimeError: it was started before.
        """
        self._thread.start()

    def stop(self, timeout: float | None = None) -> None:
        """Stop after the current step, and wait at most `timeout` seconds for its end."""
        self._is_stopping.set()
        self._wake()
        if self._thread.ident is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout)

    def _loop(self) -> None:
        while not self._is_stopping.is_set():
            self._step()
