"""`preflight report --merge`: one report of the JSON reports of many plans."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from preflight.commands import reports
from preflight.comply import ruleset
from preflight.errors import UsageError
from preflight.model import Report, Say
from preflight.pipeline.stages import STAGES
from preflight.report import json_reader, merging
from preflight.system import confinement

MOST_BYTES = 64 << 20


def run(args: argparse.Namespace, _say: Say) -> int:
    """Write the merged report and return its exit code, the worst of all."""
    read = [_read(file) for path in args.merge for file in _files(path)]
    report = merging.merged(read, {rule.name: rule.described for rule in ruleset.chosen(()).every}, stages=STAGES)
    reports.write(report, args)
    return report.exit_code


def _files(path: Path) -> Iterator[Path]:
    """Yields a report itself, or those below a folder.

    Raises:
        UsageError: there is none.
    """
    files = sorted(path.rglob("preflight.json")) if path.is_dir() else [path]
    if not files:
        msg = f"{path}: there is no preflight.json in this folder. Next: write some with `preflight check --format json --output-dir {path}`"
        raise UsageError(msg)
    yield from files


def _read(file: Path) -> Report:
    """Returns the report in a file.

    Raises:
        UsageError: it is no plain file, or no report.
    """
    problem = confinement.problem(file, Path(file.absolute().anchor), limit=MOST_BYTES)
    if problem is not None:
        msg = f"{file}: {problem}. Next: name JSON reports, or folders of them"
        raise UsageError(msg)
    return json_reader.read(file.read_bytes(), str(file))
