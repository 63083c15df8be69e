"""Gives templates to processes of cfn-lint: each template has a deadline, each process a bound on its memory.

A template that takes too long, or breaks its process, costs only its own verdict.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Empty, SimpleQueue

from preflight.errors import ToolBrokeError
from preflight.lint.worker import Match
from preflight.system import processes
from preflight.system.processes import StartedProcess
from preflight.templates.template import MAX_BYTES

BYTES_PER_SECOND = 4096  # of a template, for which it gets a second more
GRACE = 10.0  # seconds for the process to say where it was
LARGE = 100_000  # bytes of all templates, above which a second process is faster: one takes a second to start
TIMEOUT = 60.0  # seconds for a template; our own take half of one
# `-c` searches the current folder for modules first, and that is the checkout: its files are not this program's.
_WORKER = "import sys; sys.path[:] = filter(None, sys.path); from preflight.lint import worker; worker.work()"
_RULE_FILE = re.compile(r'File "([^"]*[/\\]cfnlint[/\\]rules[/\\][^"]*[/\\](?!_)\w+\.py)"')
_RULE_ID = re.compile(r'^\s+id = "([EWI]\d{4})"', re.MULTILINE)


class LintWorkers:
    """Processes of cfn-lint for some files, whose names for messages `files` has.

    cfn-lint may read the `listed` files, and others only inside their checkouts.
    """

    def __init__(self, files: Mapping[Path, str], *, region: str | None, listed: Sequence[Path]) -> None:
        settings = json.dumps({"region": region, "listed": [str(path) for path in listed], "limit": MAX_BYTES})
        sizes = {path: path.stat().st_size for path in files}
        waiting: SimpleQueue[Path] = SimpleQueue()
        for path in sorted(files, key=lambda path: -sizes[path]):
            waiting.put(path)
        count = min(os.cpu_count() or 1, len(files)) if sum(sizes.values()) > LARGE else 1
        self._files = files
        self._workers = [_Worker(settings, files, waiting) for _ in range(count)]

    def start(self) -> None:
        """Start the processes, which import cfn-lint first."""
        for worker in self._workers:
            worker.start()

    def result(self) -> dict[Path, list[Match] | ToolBrokeError]:
        """Returns the matches of each file, or why there is no verdict."""
        pool = ThreadPoolExecutor(len(self._workers))
        try:
            shares = [share.result() for share in [pool.submit(worker.run) for worker in self._workers]]
        finally:
            self.end()
            pool.shutdown()
        verdicts = {path: verdict for share in shares for path, verdict in share.items()}
        return {path: verdicts[path] for path in self._files}

    def end(self) -> None:
        """End the processes, and start no other."""
        for worker in self._workers:
            worker.end()


class _Worker:
    """A process of cfn-lint, and the next one if it ends."""

    def __init__(self, settings: str, files: Mapping[Path, str], waiting: SimpleQueue[Path]) -> None:
        self._settings = settings
        self._files = files
        self._waiting = waiting
        self._process: StartedProcess | None = None
        self._is_ended = False

    def start(self) -> StartedProcess:
        """Start the process, and return it."""
        self._process = processes.start(sys.executable, "-c", _WORKER, has_input=True)
        self._process.write(self._settings + "\n")
        return self._process

    def run(self) -> dict[Path, list[Match] | ToolBrokeError]:
        """Returns the verdicts on the templates that it took."""
        verdicts: dict[Path, list[Match] | ToolBrokeError] = {}
        with contextlib.suppress(Empty):
            while not self._is_ended:
                path = self._waiting.get_nowait()
                verdicts[path] = self._verdict(path)
        return verdicts

    def end(self) -> None:
        """End the process, and start no other."""
        self._is_ended = True
        if self._process is not None:
            self._process.kill()

    def _verdict(self, path: Path) -> list[Match] | ToolBrokeError:
        timeout = TIMEOUT + path.stat().st_size / BYTES_PER_SECOND
        process = self._process or self.start()
        process.write(json.dumps({"template": str(path), "timeout": timeout}) + "\n")
        try:
            answer = process.line(timeout=timeout + GRACE)
            return [Match(**match) for match in json.loads(answer)]
        except (ToolBrokeError, ValueError, TypeError):
            return self._failure(process, self._files[path], timeout)

    def _failure(self, process: StartedProcess, name: str, timeout: float) -> ToolBrokeError:
        """Returns why a process gave no verdict; the next template gets another one."""
        self._process = None
        try:
            completed = process.result(timeout=GRACE)
        except ToolBrokeError as error:
            return ToolBrokeError(f"cfn-lint failed on {name}: {error}")
        if "Timeout (" in completed.stderr:
            rule = _rule_at_work(completed.stderr)
            where = f"{name}{f', in its rule {rule}' if rule else ''}"
            return ToolBrokeError(f"cfn-lint did not end within {timeout:.0f} s over {where}. Next: look for loops and nested functions in it")
        reason = (completed.stderr.strip() or f"it ended with {completed.code}").splitlines()[-1]
        return ToolBrokeError(f"cfn-lint failed on {name}: {reason}")


def _rule_at_work(stack: str) -> str | None:
    """Returns the id of the rule in a stack of Python, the latest call first, if there is one."""
    for file in dict.fromkeys(_RULE_FILE.findall(stack)):
        with contextlib.suppress(OSError):
            match = _RULE_ID.search(Path(file).read_text(encoding="utf-8"))
            if match is not None:
                return match[1]
    return None
