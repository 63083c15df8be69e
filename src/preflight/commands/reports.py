"""Runs the requested stages and writes their report in the requested formats."""

from __future__ import annotations

import argparse
import contextlib
from pathlib import Path

from preflight.commands import output
from preflight.commands.output_folder import OutputFolder
from preflight.errors import UsageError
from preflight.model import Report, Say
from preflight.pipeline import run as pipeline
from preflight.pipeline.request import RunRequest
from preflight.report import FORMATS, github, html, json, junit, sarif, text

_RENDERERS = {"text": text, "json": json, "junit": junit, "sarif": sarif, "html": html, "github": github}


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
        report = pipeline.run(request, lambda text: say(f"preflight: {text}"))
        _write_baseline(report)
        for name in formats:
            _write(name, report, folder)
    return report.exit_code


def _write_baseline(report: Report) -> None:
    if report.baseline is not None and report.baseline.text is not None:
        path = Path(report.baseline.file)
        with OutputFolder(path.parent) as folder:
            folder.write(path.name, report.baseline.text)


def _write(name: str, report: Report, folder: OutputFolder | None) -> None:
    rendered: str = _RENDERERS[name].render(report)
    if folder is None:
        output.write(rendered)
    else:
        folder.write(f"preflight.{FORMATS[name]}", rendered)
