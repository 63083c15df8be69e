"""What a run reports while it works: lines, or a display on a terminal that shows it in place."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Iterator

from preflight.commands import output
from preflight.model import Progress, Report, Say
from preflight.pipeline.request import RunRequest


class Lines:
    """Turns messages into lines; states without a line get one only if it `is_verbose`, each once."""

    def __init__(self, say: Say, *, is_verbose: bool = False) -> None:
        self._say = say
        self._is_verbose = is_verbose
        self._states: dict[tuple[str, str, str], str] = {}

    def __call__(self, text: str) -> None:
        """Say a message, if it is one for readers of lines."""
        line = text
        if isinstance(text, Progress) and not text and self._is_verbose and text.kind != "stage":
            key = text.kind, text.name, text.detail
            is_new = self._states.get(key) != text.state
            self._states[key] = text.state
            line = f"  {text.kind} {' '.join(filter(None, (text.name, text.detail)))}: {text.state}" if is_new else ""
        if line:
            self._say(f"preflight: {line}")


def _important(say: Say) -> Say:
    """Returns what says only what is no mere progress, such as the price of a deployment."""
    return lambda text: None if isinstance(text, Progress) else say(f"preflight: {text}")


def shows_display(request: RunRequest, args: argparse.Namespace) -> bool:
    """Whether there is a terminal for a display, and no question to be asked there."""
    asks = request.account is not None and not args.yes
    return output.is_terminal(sys.stderr) and not args.quiet and not asks


def say_known(report: Report, args: argparse.Namespace, say: Say) -> None:
    """Say the lines of a run whose report was known, if it has readers of lines."""
    if not args.quiet and not output.is_terminal(sys.stderr):
        for stage in report.stages:
            say(f"preflight: {stage.name}")


@contextlib.contextmanager
def reported(request: RunRequest, args: argparse.Namespace, say: Say) -> Iterator[Say]:
    """Yield what reports the progress of a run."""
    if args.quiet:
        yield _important(say)
    elif shows_display(request, args):
        from preflight.commands import display  # noqa: PLC0415 - imports rich, which only a terminal needs

        stages = [stage for stage in request.stages if stage != "update" or request.update is not None]
        with display.shown(stages, is_verbose=args.verbose) as live:
            yield live
    else:
        yield Lines(say, is_verbose=args.verbose)
