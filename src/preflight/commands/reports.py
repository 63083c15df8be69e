"""Runs the requested stages and writes their report in the requested formats."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

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
    report = pipeline.run(request, lambda text: say(f"preflight: {text}"))
    for name in formats:
        _write(name, report, args.output_dir)
    return report.exit_code


def _write(name: str, report: Report, folder: Path | None) -> None:
    rendered: str = _RENDERERS[name].render(report)
    if folder is None:
        sys.stdout.write(rendered)
        sys.stdout.flush()
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"preflight.{FORMATS[name]}").write_text(rendered, encoding="utf-8")
    except OSError as error:
        msg = f"{folder}: the report cannot be written: {error.strerror}"
        raise UsageError(msg) from None
