"""Options that several commands share."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from preflight.errors import UsageError
from preflight.pipeline.request import RunRequest


def refuse_without_account(args: argparse.Namespace, *names: str) -> None:
    """Refuse options that are for a real account.

    Raises:
        UsageError: one of them was given.
    """
    for name in names:
        if getattr(args, name):
            msg = f"--{name.replace('_', '-')} is for --target aws"
            raise UsageError(msg)


def with_baseline(request: RunRequest, args: argparse.Namespace) -> RunRequest:
    """Returns the request with the baseline that the caller names or writes; `--write-baseline` alone names no file.

    Raises:
        UsageError: both options name a file.
    """
    written = args.write_baseline
    if args.baseline is not None and written not in {None, Path()}:
        msg = "--baseline and --write-baseline name a file each. Next: omit one of the two names"
        raise UsageError(msg)
    baseline = args.baseline or (written if written != Path() else None)
    return replace(request, baseline=baseline and baseline.absolute(), writes_baseline=written is not None)
