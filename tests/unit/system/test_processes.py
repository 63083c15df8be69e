from __future__ import annotations

import os
import secrets
import signal
import sys
import time
from pathlib import Path

import pytest

from preflight.errors import ToolBrokeError, ToolMissingError
from preflight.system import pipes, processes, waiting
from preflight.system.processes import ServerProcess


def test_both_streams_and_the_code_are_kept() -> None:
    done = processes.run(
        sys.executable, "-c", "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)", timeout=20
    )

    assert done.code == 3
    assert done.stdout.strip() == "out"
    assert done.stderr.strip() == "err"


def test_a_program_that_is_not_there_is_named() -> None:
    with pytest.raises(ToolMissingError, match="no-such-program is not installed"):
        processes.run("no-such-program", timeout=1)


@pytest.mark.parametrize("value", [pytest.param("s\0x", id="NUL"), pytest.param("s\ud800x", id="half a pair")])
def test_a_value_that_no_program_takes_is_not_shown(value: str) -> None:
    with pytest.raises(ToolBrokeError, match=r"cannot be started: .* in its arguments or its variables") as said:
        processes.run(sys.executable, "-c", "pass", value, timeout=20)

    assert value not in str(said.value)


def test_a_program_that_does_not_end_is_killed() -> None:
    with pytest.raises(ToolBrokeError, match="did not end within"):
        processes.run(sys.executable, "-c", "import time; time.sleep(60)", timeout=0.5)


def test_what_is_given_goes_to_standard_input() -> None:
    done = processes.run(sys.executable, "-c", "import sys; print(sys.stdin.read().upper())", timeout=20, input_text="hi")

    assert done.stdout.strip() == "HI"


def test_a_shell_is_never_asked() -> None:
    done = processes.run(sys.executable, "-c", "import sys; print(sys.argv[1])", "$(id); `id`", timeout=20)

    assert done.stdout.strip() == "$(id); `id`"


def test_must_refuses_any_other_code() -> None:
    with pytest.raises(ToolBrokeError, match="ended with 7"):
        processes.run_checked(sys.executable, "-c", "raise SystemExit(7)", timeout=20)


def test_a_service_says_its_first_line_and_ends_with_its_input() -> None:
    service = ServerProcess.start(sys.executable, "-c", "import sys; print('up', flush=True); sys.stdin.read()")

    line = service.first_line(timeout=20)
    service.stop(timeout=20)

    assert line == "up"


def test_a_service_that_dies_did_not_come_up() -> None:
    service = ServerProcess.start(sys.executable, "-c", "raise SystemExit(1)")

    with pytest.raises(ToolBrokeError, match="did not start"):
        service.first_line(timeout=20)

    service.stop(timeout=5)


ENDLESS = "import os\nwhile True: os.write(1, b'x' * 65536)"


@pytest.mark.hostile(
    8,
    input="a program writes without end on its output",
    happens="killed, exit code 2",
    limit="128 MB",
)
def test_a_program_that_writes_without_end_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipes, "MAX_OUTPUT", 1 << 20)

    with pytest.raises(ToolBrokeError, match="was killed: more than 1 MiB of output"):
        processes.run(sys.executable, "-c", ENDLESS, timeout=20)


def test_of_output_without_a_bound_the_end_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipes, "MAX_OUTPUT", 1 << 20)
    code = "import os, sys\nfor _ in range(64): os.write(1, b'x' * 65536)\nos.write(1, b'the end')\nsys.exit(3)"

    done = processes.run(sys.executable, "-c", code, timeout=20, tail=9)

    assert done.code == 3
    assert done.stdout == "xxthe end"


def test_a_program_is_killed_as_soon_as_there_is_trouble() -> None:
    began = time.monotonic()

    with pytest.raises(ToolBrokeError, match="sleep was killed: the disk is full"):
        processes.run("sleep", "60", timeout=60, trouble=lambda: "the disk is full")

    assert time.monotonic() - began < 10


def test_a_program_that_reads_nothing_may_be_given_much() -> None:
    assert processes.run("true", timeout=20, input_text="x" * (1 << 22)).code == 0


def test_a_program_that_takes_over_ends_with_its_code() -> None:
    assert processes.take_over(sys.executable, "-c", "raise SystemExit(3)", env={}) == 3


def test_a_program_that_takes_over_gets_the_signals(tmp_path: Path) -> None:
    started = tmp_path / "started"
    program = f"import pathlib, signal, sys, time; signal.signal(15, lambda *_: sys.exit(7)); pathlib.Path({str(started)!r}).touch(); time.sleep(60)"
    outer = f"import sys; from preflight.system import processes; sys.exit(processes.take_over(sys.executable, '-c', {program!r}, env={{}}))"
    running = processes.start(sys.executable, "-c", outer)
    waiting.until(started.exists, what="the program to start", timeout=30)

    os.kill(running.pid, signal.SIGTERM)

    assert running.result(timeout=30).code == 7


def test_a_program_that_leaves_another_one_with_its_output_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipes, "QUIET", 0.2)
    started_at = time.monotonic()

    completed = processes.run("sh", "-c", "sleep 12 & echo done", timeout=30)

    assert (completed.code, completed.stdout) == (0, "done\n")
    assert time.monotonic() < started_at + 8


def test_a_program_is_killed_with_what_it_started(tmp_path: Path) -> None:
    marker, file = secrets.token_hex(32), tmp_path / "child"
    code = "import os, sys, time; child = os.fork()\nif child: open(sys.argv[1], 'w').write(str(child))\ntime.sleep(60)"
    monitor = processes.start(sys.executable, "-c", code, str(file), marker)
    waiting.until(lambda: file.exists() and file.read_text() != "", what="the child to start", timeout=10)
    child = Path("/proc") / file.read_text() / "cmdline"

    processes.kill_with_children(marker)

    assert monitor.result(timeout=10).code == -signal.SIGKILL
    waiting.until(lambda: not child.exists() or not child.read_bytes(), what="the child to end", timeout=10)
