"""The report of lint and comply that an earlier run made, if nothing changed that it depends on: one look-up.

A report is kept under what was asked for and by which programs, with the content of all files that the run read.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import enum
import functools
import itertools
import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import preflight
from preflight.model import (
    BaselineEntry,
    BaselineUse,
    DescribedRule,
    Finding,
    Outcome,
    Report,
    ReportedWaiver,
    Severity,
    StageResult,
)
from preflight.pipeline.request import new_run
from preflight.pipeline.stages import is_live
from preflight.system import files_read, result_cache
from preflight.system.files_read import FilesRead

PACKAGE = Path(preflight.__file__).parent
SHOWING = frozenset({"arguments", "format", "output_dir", "quiet", "verbose", "severity", "hook", "plans", "shard"})  # how a report is shown
_VARIABLES = ("PREFLIGHT_", "AWS_", "XDG_", "HOME", "TMPDIR", "LANG", "LC_", "TZ")  # what a run may depend on


@dataclass(frozen=True)
class Recording:
    """What a run reads, and the key of its report as of its beginning: the day may end before the run does."""

    key: str
    files: FilesRead


def can_be_kept(args: argparse.Namespace) -> bool:
    """Whether the report of a command depends on nothing but files: nothing is deployed, written, or read from git."""
    return not (args.no_cache or args.write_baseline is not None or is_live(args.stage))


def find(args: argparse.Namespace) -> Report | None:
    """Returns the report of an earlier run if this one would make the same, or None."""
    if not can_be_kept(args):
        return None
    kept = result_cache.of_user().get(_key(args))
    try:
        return _report(kept["report"]) if files_read.are_unchanged(kept["files"]) else None
    except (TypeError, ValueError, KeyError, AttributeError):  # absent, or of another form
        return None


@contextlib.contextmanager
def recorded(args: argparse.Namespace) -> Iterator[Recording | None]:
    """Yields the record of what a run reads, or None if its report cannot be kept."""
    if can_be_kept(args) and result_cache.of_user().is_kept:
        with files_read.recorded(PACKAGE, result_cache.folder()) as files:
            yield Recording(_key(args), files)
    else:
        yield None


def keep(report: Report, recording: Recording | None) -> None:
    """Keeps a report with what its run read, if it is a verdict."""
    if recording is None or report.verdict == "error":
        return
    shown = json.dumps(asdict(replace(report, run="", started=None)), default=_plain)
    states = recording.files.states()
    if states is not None and report.run not in shown:
        cache = result_cache.of_user()
        cache.put(recording.key, {"files": states, "report": json.loads(shown)})
        cache.trim()


def _key(args: argparse.Namespace) -> str:
    asked = {name: str(value) for name, value in sorted(vars(args).items()) if name not in SHOWING}
    variables = {name: text for name, text in sorted(os.environ.items()) if name.startswith(_VARIABLES)}
    return result_cache.key("report", json.dumps([asked, variables, str(Path.cwd()), time.strftime("%F")]), *_programs())


@functools.cache
def _programs() -> tuple[str, ...]:
    """Returns what changes with Python, its packages and this program; looked up once, as what runs stays the same."""
    folders = [folder for folder in files_read.packages() if Path(folder).is_dir()]
    packages = [sorted(name for name in os.listdir(folder) if name.endswith(("-info", ".egg-link", ".pth"))) for folder in folders]  # noqa: PTH208 - names only
    return (sys.version, *itertools.chain.from_iterable(packages), *sorted(_sources(str(PACKAGE))))


def _sources(folder: str) -> Iterator[str]:
    for entry in os.scandir(folder):
        if entry.is_dir() and entry.name != "__pycache__":
            yield from _sources(entry.path)
        elif entry.is_file():
            status = entry.stat()
            yield f"{entry.path} {status.st_size} {status.st_mtime_ns}"


def _plain(value: object) -> object:
    return value.value if isinstance(value, enum.Enum) else str(value)


def _report(kept: dict[str, Any]) -> Report:
    """Returns a report of this run, made of a kept one."""
    now = dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds").replace("+00:00", "Z")
    baseline = kept["baseline"]
    return Report(
        target=kept["target"],
        run=new_run(),
        stages=tuple(_stage(stage) for stage in kept["stages"]),
        strict=kept["strict"],
        versions=kept["versions"],
        notes=tuple(kept["notes"]),
        rules_off=tuple(kept["rules_off"]),
        rules_replaced=tuple(kept["rules_replaced"]),
        baseline=baseline and BaselineUse(baseline["file"], _findings(baseline["hidden"]), tuple(BaselineEntry(**entry) for entry in baseline["gone"])),
        files={name: Path(path) for name, path in kept["files"].items()},
        rules={name: DescribedRule(**{**rule, "controls": tuple(rule["controls"]), "types": tuple(rule["types"])}) for name, rule in kept["rules"].items()},
        plan=kept["plan"],
        started=now,
    )


def _stage(kept: dict[str, Any]) -> StageResult:
    waived = tuple(ReportedWaiver(**waiver) for waiver in kept["waived"])
    return StageResult(kept["name"], Outcome(kept["outcome"]), 0.0, kept["reason"], _findings(kept["findings"]), waived)


def _findings(kept: list[dict[str, Any]]) -> tuple[Finding, ...]:
    return tuple(Finding(**{**finding, "severity": Severity(finding["severity"])}) for finding in kept)
