"""The one door to other programs: argument lists, never a shell, always a deadline."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import signal
import subprocess  # noqa: TID251 - this module is the one door
import sys
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from preflight.errors import ToolBrokeError, ToolMissingError
from preflight.system import pipes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

# This program: `-m` and `-c` search the current folder for modules first, and that is the checkout, whose files are not this program's.
OWN_COMMAND = (sys.executable, "-c", "import sys; sys.path[:] = filter(None, sys.path); from preflight.cli import main; sys.exit(main())")
STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP)
Trouble = Callable[[], "str | None"]  # returns why a program must not go on, or None


@dataclass(frozen=True)
class CompletedProcess:
    """A program that ended: its exit code (negative: the signal that ended it) and both streams."""

    args: tuple[str, ...]
    code: int
    stdout: str
    stderr: str

    def __str__(self) -> str:
        """The command, its exit code and the end of what it said."""
        output = (self.stderr.strip() or self.stdout.strip())[-2000:]
        return f"{' '.join(self.args[:6])} ended with {self.code}: {output or 'it said nothing'}"


class StartedProcess:
    """A started program; `result` waits for it."""

    def __init__(self, args: Sequence[str], started: subprocess.Popen[bytes]) -> None:
        self._args = tuple(args)
        self._started = started

    def result(
        self, *, timeout: float, input_text: str | None = None, tail: int = 0, trouble: Trouble = lambda: None
    ) -> CompletedProcess:
        """Both streams, or their last `tail` bytes, and the exit code, once it has ended; it is killed as soon as there is `trouble`.

        Raises:
            ToolBrokeError: it did not end within `timeout` seconds, wrote too much, or there was trouble.
        """
        deadline = time.monotonic() + timeout

        def check() -> None:
            reason = trouble()
            if reason is None and time.monotonic() > deadline:
                reason = f"it did not end within {timeout:g} s"
            if reason is not None:
                raise ToolBrokeError(reason)

        try:
            outputs = iter(self._outputs(input_text, check, tail))
        except ToolBrokeError as error:
            self.kill()
            msg = f"{self._args[0]} was killed: {error}"
            raise ToolBrokeError(msg) from None
        except BaseException:
            self.kill()
            raise
        out, err = (next(outputs, b"") if stream else b"" for stream in (self._started.stdout, self._started.stderr))
        return CompletedProcess(
            self._args, self._started.returncode, out.decode(errors="replace"), err.decode(errors="replace")
        )

    def _outputs(self, input_text: str | None, check: Callable[[], None], tail: int) -> list[bytes]:
        """Give it its input, and return what it wrote to its streams until it ended."""
        if input_text is None:
            self.end_input()
        else:
            threading.Thread(target=self._give, args=(input_text.encode(),), daemon=True).start()
        streams = [stream for stream in (self._started.stdout, self._started.stderr) if stream is not None]
        outputs = pipes.read(streams, check=check, tail=tail, has_ended=lambda: self._started.poll() is not None)
        while self._started.poll() is None:
            check()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._started.wait(pipes.INTERVAL)
        for stream in streams:
            stream.close()
        return outputs

    def _give(self, data: bytes) -> None:
        with contextlib.suppress(OSError, ValueError):  # it ended, or was killed, without reading all
            if self._started.stdin is not None:
                self._started.stdin.write(data)
        self.end_input()

    def write(self, text: str) -> None:
        """Write to its standard input; if it has ended, reading its output will say so."""
        with contextlib.suppress(OSError, ValueError):
            if self._started.stdin is not None:
                self._started.stdin.write(text.encode())
                self._started.stdin.flush()

    def line(self, *, timeout: float) -> str:
        """The next line of its standard output.

        Raises:
            ToolBrokeError: it ended, or wrote none within `timeout` seconds.
        """
        lines: list[bytes] = []
        stream = self._started.stdout
        reader = threading.Thread(target=lambda: lines.append(stream.readline() if stream else b""), daemon=True)
        reader.start()
        reader.join(timeout)
        if not lines or not lines[0].endswith(b"\n"):
            msg = f"{' '.join(self._args[:4])} did not start"
            raise ToolBrokeError(msg)
        return lines[0].decode(errors="replace").rstrip("\n")

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._started.pid

    def limit_memory(self, most: int) -> None:
        """Bound the memory that it can ask for, in bytes; only Linux does that to a program that runs."""
        if sys.platform == "linux":
            with contextlib.suppress(OSError):  # it has ended
                resource.prlimit(self.pid, resource.RLIMIT_AS, (most, most))

    def end_input(self) -> None:
        """Close its standard input."""
        if self._started.stdin is not None:
            with contextlib.suppress(OSError):
                self._started.stdin.close()
            self._started.stdin = None

    def kill(self) -> None:
        """End it and everything it started: SIGTERM, and SIGKILL after some seconds."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self._started.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._started.pid, number)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._started.wait(GRACE)
        for stream in (self._started.stdout, self._started.stderr, self._started.stdin):
            if stream is not None:
                stream.close()


GRACE = 3.0  # seconds between SIGTERM and SIGKILL
_fork_lock = threading.Lock()


def start(
    *args: str,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    has_input: bool = False,
    inherits_stderr: bool = False,
    inherits_env: bool = True,
    output: Path | None = None,
) -> StartedProcess:
    """Start a program in a session of its own, so that Ctrl-C reaches us and not it.

    If it `inherits_stderr`, its standard error goes to this program's. Unless it `inherits_env`, it has the
    variables of `env` and no others. Its standard output goes to the file `output`, if that is given.

    Raises:
        ToolMissingError: there is no such program.
        ToolBrokeError: it cannot be started.
    """
    with _told(args[0]), _fork_lock, contextlib.ExitStack() as files:
        popen = subprocess.Popen(
            args,
            stdin=subprocess.PIPE if has_input else subprocess.DEVNULL,
            stdout=subprocess.PIPE if output is None else files.enter_context(output.open("wb")),
            stderr=None if inherits_stderr else subprocess.PIPE,
            env={**(os.environ if inherits_env else {}), **(env or {})},
            cwd=cwd,
            start_new_session=True,
        )
    return StartedProcess(args, popen)


@contextlib.contextmanager
def _told(program: str) -> Iterator[None]:
    """Why a program cannot be started, in our words."""
    try:
        yield
    except FileNotFoundError:
        msg = f"{program} is not installed, or not on PATH"
        raise ToolMissingError(msg) from None
    except OSError as error:
        msg = f"{program} cannot be started: {error.strerror}"
        raise ToolBrokeError(msg) from None
    except ValueError as error:  # a NUL, or half of a surrogate pair, in an argument or a variable
        msg = f"{program} cannot be started: {type(error).__name__} in its arguments or its variables: {_reason(error)}"
        raise ToolBrokeError(msg) from None


def _reason(error: ValueError) -> str:
    """What is wrong, without the value: it may be a secret."""
    return error.reason if isinstance(error, UnicodeError) and hasattr(error, "reason") else str(error)


def run(
    *args: str,
    timeout: float,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    input_text: str | None = None,
    inherits_env: bool = True,
    tail: int = 0,
    trouble: Trouble = lambda: None,
    output: Path | None = None,
) -> CompletedProcess:
    """Run a program to its end; `input_text` goes to its standard input, and its output to the file `output`. The caller judges the exit code.

    Of what it writes to a stream, the last `tail` bytes are kept; 0 is all.

    Raises:
        ToolMissingError: there is no such program.
        ToolBrokeError: it cannot be started, did not end within `timeout` seconds, or was killed because of `trouble`.
    """
    has_input = input_text is not None
    running = start(*args, env=env, cwd=cwd, has_input=has_input, inherits_env=inherits_env, output=output)
    return running.result(timeout=timeout, input_text=input_text, tail=tail, trouble=trouble)


def run_checked(
    *args: str,
    timeout: float,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    inherits_env: bool = True,
) -> CompletedProcess:
    """Run a program that has to end with 0.

    Raises:
        ToolMissingError: there is no such program.
        ToolBrokeError: it ended with anything else.
    """
    completed = run(*args, timeout=timeout, env=env, cwd=cwd, inherits_env=inherits_env)
    if completed.code != 0:
        raise ToolBrokeError(str(completed))
    return completed


def take_over(*args: str, env: Mapping[str, str]) -> int:
    """Run a program with this one's streams, and return its exit code.

    Signals that would stop this process go to the last program that it started, and that one's to it.

    Raises:
        ToolMissingError: there is no such program.
        ToolBrokeError: it cannot be started.
    """
    with _told(args[0]), _fork_lock:
        popen = subprocess.Popen(args, env={**os.environ, **env}, start_new_session=True)

    def forward(number: int, _frame: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(_last_started(popen.pid), number)

    former = {number: signal.signal(number, forward) for number in STOPS if signal.getsignal(number) is not signal.SIG_IGN}
    try:
        return popen.wait()
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def _last_started(pid: int) -> int:
    """The program at the end of a chain of programs that run another one each."""
    files = Path(f"/proc/{pid}/task").glob("*/children")
    with contextlib.suppress(OSError):
        children = [int(child) for file in files for child in file.read_text(encoding="ascii").split()]
        if len(children) == 1 and "podman" in Path(f"/proc/{pid}/comm").read_text(encoding="utf-8", errors="replace"):
            return _last_started(children[0])
    return pid


def kill_all(marker: str) -> int:
    """Kill every other program whose command line contains `marker`. Returns how many were killed.

    Command lines are read from /proc, which only Linux has; elsewhere nothing is killed.
    """
    return _kill(_marked(marker))


def kill_with_children(*markers: str) -> int:
    """Kill every other program whose command line contains one of `markers`, and what it started itself. Returns how many were killed."""
    parents = list(_marked(*markers))
    children = [int(child) for parent in parents for file in Path(f"/proc/{parent}").glob("task/*/children") for child in _words(file)]
    return _kill((*children, *parents))


def _kill(numbers: Iterable[int]) -> int:
    count = 0
    for number in numbers:
        with contextlib.suppress(OSError):
            os.kill(number, signal.SIGKILL)
            count += 1
    return count


def _words(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8").split()
    except OSError:
        return []  # the program has ended


def _marked(*markers: str) -> Iterator[int]:
    """Yields the process IDs of other programs with one of `markers` in their command line."""
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command = (folder / "cmdline").read_bytes()
            if int(folder.name) != os.getpid() and any(marker.encode() in command for marker in markers):
                yield int(folder.name)


def which(name: str) -> str | None:
    """Path of the program of that name on PATH, or None."""
    return shutil.which(name)


class ServerProcess:
    """A program that serves until its standard input ends; its first line says how to reach it."""

    def __init__(self, process: StartedProcess) -> None:
        self._process = process

    @classmethod
    def start(cls, *args: str, env: Mapping[str, str] | None = None) -> ServerProcess:
        """Starts the program; its standard error goes to this program's."""
        return cls(start(*args, env=env, has_input=True, inherits_stderr=True))

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def first_line(self, *, timeout: float) -> str:
        """The first line of its standard output.

        Raises:
            ToolBrokeError: it ended, or said nothing within `timeout` seconds.
        """
        return self._process.line(timeout=timeout)

    def stop(self, *, timeout: float) -> bool:
        """End its standard input and wait; whether it ended by itself, or had to be killed."""
        self._process.end_input()
        try:
            self._process.result(timeout=timeout)
        except ToolBrokeError:
            return False
        return True
