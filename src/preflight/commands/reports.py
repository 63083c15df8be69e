"""Runs the requested stages and writes their report in the requested formats."""

from __future__ import annotations

import argparse
import contextlib
import functools
import importlib
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from preflight.commands import known_reports, output, progress
from preflight.commands.output_folder import OutputFolder
from preflight.errors import UsageError
from preflight.model import Report, Say, Severity
from preflight.pipeline.request import RunRequest
from preflight.report import FORMATS

# Imports below are made in functions: a run that an earlier one answers needs few of them.


def run(asked: Callable[[], RunRequest], args: argparse.Namespace, say: Say) -> int:
    """Run the stages that were asked for, write the report and return its exit code; an earlier run's report if nothing changed.

    Raises:
        UsageError: several formats would go to standard output, or a file cannot be written.
    """
    formats = _formats(args)
    with contextlib.ExitStack() as cleanup:
        known = known_reports.find(args)
        recording = cleanup.enter_context(known_reports.recorded(args)) if known is None else None
        make = functools.partial(_new, asked(), args, say) if known is None else functools.partial(_again, known, args, say)
        written = cleanup.enter_context(_written(args, formats))
        report = make()
        known_reports.keep(report, recording)
        _write_baseline(report, say)
        written(report)
    return report.exit_code


def write(report: Report, args: argparse.Namespace) -> None:
    """Write a report in the requested formats.

    Raises:
        UsageError: several formats would go to standard output, or a file cannot be written.
    """
    with _written(args, _formats(args)) as written:
        written(report)


@contextlib.contextmanager
def _written(args: argparse.Namespace, formats: list[str]) -> Iterator[Callable[[Report], None]]:
    """Yield what writes a report in formats: to files of a folder that can be written, or to standard output."""
    with contextlib.nullcontext() if args.output_dir is None else OutputFolder(args.output_dir) as folder:

        def write_all(report: Report) -> None:
            for name in formats:
                _write(_rendered(name, report, args), name, folder)

        yield write_all


def _formats(args: argparse.Namespace) -> list[str]:
    formats = args.format or ["text"]
    if len(formats) > 1 and args.output_dir is None:
        msg = "several formats go to files. Next: name a folder by --output-dir"
        raise UsageError(msg)
    return list(formats)


def _again(known: Report, args: argparse.Namespace, say: Say) -> Report:
    progress.say_known(known, args, say)
    return known


def _new(request: RunRequest, args: argparse.Namespace, say: Say) -> Report:
    from preflight.pipeline import run as pipeline  # noqa: PLC0415 - see above

    is_watched = args.verbose or progress.shows_display(request, args)
    with progress.reported(request, args, say) as reported:
        return pipeline.run(replace(request, is_watched=is_watched), reported)


def _write_baseline(report: Report, say: Say) -> None:
    if report.baseline is not None and report.baseline.text is not None:
        path = Path(report.baseline.file)
        with OutputFolder(path.parent) as folder:
            folder.write(path.name, report.baseline.text)
        say(f"preflight: {path} is written: it hides {len(report.baseline.hidden)} of today's findings")


def _rendered(name: str, report: Report, args: argparse.Namespace) -> str:
    """Returns the report in a format; people at a terminal who name none get another text than programs."""
    if name == "sarif":
        report = _with_rules_of_cfn_lint(report)
    if name != "text":
        rendered: str = importlib.import_module(f"preflight.report.{name}").render(report)
        return rendered
    from preflight.report import text  # noqa: PLC0415 - see above

    options = text.Options(Severity(args.severity), args.quiet, args.verbose)
    if args.format or args.output_dir or not output.is_terminal(sys.stdout):
        return text.render(report, options)
    from preflight.report import terminal  # noqa: PLC0415 - imports rich, which only a terminal needs

    return terminal.render(report, options, width=shutil.get_terminal_size().columns)


def _with_rules_of_cfn_lint(report: Report) -> Report:
    """Returns a report that also describes the rules of cfn-lint that have findings."""
    from preflight.lint import rule_texts  # noqa: PLC0415 - see above

    checks = {finding.check for finding in report.findings if finding.stage == "lint"}
    return replace(report, rules={**rule_texts.described(checks), **report.rules})


def _write(rendered: str, name: str, folder: OutputFolder | None) -> None:
    if folder is None:
        output.write(rendered)
    else:
        folder.write(f"preflight.{FORMATS[name]}", rendered)
