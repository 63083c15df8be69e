"""Runs the requested stages and writes their report in the requested formats."""

from __future__ import annotations

import argparse
import contextlib
import shutil
import sys
from dataclasses import replace
from pathlib import Path

from preflight.commands import output, progress
from preflight.commands.output_folder import OutputFolder
from preflight.errors import UsageError
from preflight.lint import rule_texts
from preflight.model import Report, Say, Severity
from preflight.pipeline import run as pipeline
from preflight.pipeline.request import RunRequest
from preflight.report import FORMATS, github, html, json, junit, markdown, sarif, text

_RENDERERS = {"json": json, "junit": junit, "sarif": sarif, "html": html, "github": github, "markdown": markdown}


def run(request: RunRequest, args: argparse.Namespace, say: Say) -> int:
    """Run the requested stages, write the report and return its exit code.

    Raises:
        UsageError: several formats would go to standard output, or a file cannot be written.
    """
    formats = args.format or ["text"]
    if len(formats) > 1 and args.output_dir is None:
        msg = "several formats go to files. Next: name a folder by --output-dir"
        raise UsageError(msg)
    with contextlib.ExitStack() as cleanup:
        folder = None if args.output_dir is None else cleanup.enter_context(OutputFolder(args.output_dir))
        is_watched = args.verbose or progress.shows_display(request, args)
        with progress.reported(request, args, say) as reported:
            report = pipeline.run(replace(request, is_watched=is_watched), reported)
        _write_baseline(report, say)
        for name in formats:
            _write(_rendered(name, report, args), name, folder)
    return report.exit_code


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
        rendered: str = _RENDERERS[name].render(report)
        return rendered
    options = text.Options(Severity(args.severity), args.quiet, args.verbose)
    if args.format or args.output_dir or not output.is_terminal(sys.stdout):
        return text.render(report, options)
    from preflight.report import terminal  # noqa: PLC0415 - imports rich, which only a terminal needs

    return terminal.render(report, options, width=shutil.get_terminal_size().columns)


def _with_rules_of_cfn_lint(report: Report) -> Report:
    """Returns a report that also describes the rules of cfn-lint that have findings."""
    checks = {finding.check for finding in report.findings if finding.stage == "lint"}
    return replace(report, rules={**rule_texts.described(checks), **report.rules})


def _write(rendered: str, name: str, folder: OutputFolder | None) -> None:
    if folder is None:
        output.write(rendered)
    else:
        folder.write(f"preflight.{FORMATS[name]}", rendered)
