"""The display of a run on a terminal: its stages, and what is happening now."""

from __future__ import annotations

import contextlib
import io
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from typing import TextIO, cast

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from preflight import model
from preflight.commands import output
from preflight.commands.progress import Lines
from preflight.model import Outcome, Progress
from preflight.report.terminal import MARKS

FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
PER_SECOND = 8
MOST_ROWS = 10
RUNNING = "running"
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP)
_IN_PLACE = ("resource", "task", "page")


class Display:
    """Keeps what was reported last of each stage, and of each thing in progress; `render` draws it."""

    def __init__(self, console: Console, stages: Sequence[str], *, is_verbose: bool) -> None:
        self._console = console
        self._lines = Lines(self._print, is_verbose=is_verbose)
        self._is_verbose = is_verbose
        self._stages = {name: Progress(kind="stage", name=name) for name in stages}
        self._begun: dict[str, float] = {}
        self._rows: dict[tuple[str, str, str], Progress] = {}
        self._step = ""

    def __call__(self, text: str) -> None:
        """Take a message; one that is no mere progress stays on the terminal, above the display."""
        if self._is_verbose or not isinstance(text, Progress):
            self._lines(text)
        if not isinstance(text, Progress) or text.kind == "event":
            return
        if text.kind in _IN_PLACE:
            self._rows[text.kind, text.name, text.detail] = text
            return
        self._step, self._rows = (str(text) or text.name) if text.kind != "stage" else "", {}
        if text.kind == "stage":
            self._begun.setdefault(text.name, time.monotonic())
            self._stages = {**self._stages, text.name: text}

    def _print(self, line: str) -> None:
        with _uninterrupted():
            self._console.print(Text(model.visible(line), overflow="fold"))

    def render(self) -> Group:
        """Returns the display as it is now: no line is wider than the terminal, nor all of it higher."""
        stages = list(self._stages.values())
        lines = [self._stage(stage) for stage in stages]
        if self._step and any(stage.state == RUNNING for stage in stages):
            lines.append(_line(f"  {self._step}"))
        elif self._step:
            lines.append(_line(f"{_frame()} {self._step}", style="bold"))
        lines += self._now()
        return Group(*lines[: max(self._console.height - 1, 1)])

    def _stage(self, stage: Progress) -> Text:
        if stage.state == RUNNING:
            return _line(f"{_frame()} {stage.name:<9} {time.monotonic() - self._begun[stage.name]:6.1f} s", style="bold")
        mark, style = MARKS[Outcome(stage.state)] if stage.state else (" ", "dim")
        return _line(f"{mark} {stage.name:<9} {stage.detail}", style=style)

    def _now(self) -> list[Text]:
        """Returns a line for each resource that is not finished, each task and each page, the last ones if they are many."""
        rows = [row for row in list(self._rows.values()) if row.state]
        states = [row.state for row in rows if row.kind == "resource"]
        shown = [row for row in rows if row.kind != "resource" or not row.state.endswith("_COMPLETE")]
        lines = [_row(row) for row in shown[-MOST_ROWS:]]
        ready = states.count("CREATE_COMPLETE") + states.count("UPDATE_COMPLETE")
        return [_line(f"    {ready} of {len(states)} resources are ready", style="green"), *lines] if states else lines


def _row(row: Progress) -> Text:
    state, _, reason = row.state.partition(": ")
    return _line(f"    {state:<18}  {row.name}  {row.detail}  {reason}".rstrip(), style=_style(state))


def _style(state: str) -> str:
    """Returns the colour of a state of CloudFormation, of ECS, or of HTTP."""
    if state.startswith(("STOPPED", "4", "5", "no answer")) or "FAILED" in state or "ROLLBACK" in state:
        return "red"
    return "green" if state == "RUNNING" or state.startswith(("2", "3")) else "yellow"


def _frame() -> str:
    return FRAMES[int(time.monotonic() * PER_SECOND) % len(FRAMES)]


def _line(text: str, *, style: str = "") -> Text:
    return Text(model.visible(text), style=style, no_wrap=True, overflow="ellipsis")


class _Stderr(io.TextIOBase):
    """Standard error, whose reader may be gone: the run goes on, as it has to clean up."""

    encoding = "utf-8"

    def write(self, text: str) -> int:
        try:
            return sys.stderr.write(text)
        except OSError:
            output.discard(sys.stderr)
            return len(text)

    def flush(self) -> None:
        try:
            sys.stderr.flush()
        except OSError:
            output.discard(sys.stderr)

    def isatty(self) -> bool:
        return True


@contextlib.contextmanager
def shown(stages: Sequence[str], *, is_verbose: bool) -> Iterator[Display]:
    """Show the display during the block; it is taken away and the cursor is back however the block ends."""
    console = Console(file=cast("TextIO", _Stderr()), force_terminal=True, highlight=False, markup=False, emoji=False)
    display = Display(console, stages, is_verbose=is_verbose)
    live = Live(get_renderable=display.render, console=console, refresh_per_second=PER_SECOND, transient=True, redirect_stdout=False, redirect_stderr=False)
    try:
        with _uninterrupted():
            live.start()
        yield display
    finally:
        with _uninterrupted():
            live.stop()


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Let signals wait until the end of the block: rich, stopped half-way, cannot take the display away any more."""
    former = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, former)
