"""`preflight lint` and `preflight comply`: one static stage over templates."""

from __future__ import annotations

import argparse
import functools
from pathlib import Path

from preflight.commands import options, reports
from preflight.errors import UsageError
from preflight.model import Say
from preflight.pipeline.request import RunRequest
from preflight.system import confinement, files_read


def run(args: argparse.Namespace, say: Say) -> int:
    """Run the stage, write the report and return its exit code."""
    return reports.run(functools.partial(_request, args), args, say)


def _request(args: argparse.Namespace) -> RunRequest:
    templates = dict.fromkeys(template for path in args.paths for template in _templates(path))
    request = RunRequest(
        stages=args.stage,
        plan=None,
        templates=tuple(templates),
        rules=tuple(getattr(args, "rules", ())),
        strict=args.strict,
        has_cache=not args.no_cache,
        allows_rule_changes=getattr(args, "allow_rule_changes", False),
    )
    return options.with_baseline(request, args)


def _templates(path: Path) -> list[Path]:
    """Returns a template itself, or the templates in a folder.

    Raises:
        UsageError: there is none.
    """
    from preflight.plan import plan  # noqa: PLC0415 - slow to import, and a run that an earlier one answers needs none

    if not files_read.look_for(path).exists():
        msg = f"{path}: there is no such file or folder"
        raise UsageError(msg)
    templates = plan.templates_in(path) if path.is_dir() else [path]
    if not templates:
        msg = f"{path}: there is no template in this folder. Next: name one that holds .yaml or .json files"
        raise UsageError(msg)
    for template in templates if path.is_dir() else ():
        problem = confinement.problem(template, confinement.root_of(path))
        if problem is not None:
            msg = f"{template}: {problem}"
            raise UsageError(msg)
    return templates
