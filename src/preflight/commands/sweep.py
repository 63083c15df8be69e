"""`preflight sweep`: remove what killed runs left, on this machine or on an account."""

from __future__ import annotations

import argparse

from preflight.commands import options, output
from preflight.model import Say
from preflight.plan import plan, reader
from preflight.sweep import aws_account, this_machine
from preflight.sweep.aws_account import SweepRequest


def run(args: argparse.Namespace, say: Say) -> int:
    """Sweep, and return 1 if something could not be removed."""
    if args.target == "aws":
        return _sweep_account(args, say)
    options.refuse_without_account(args, "account", "regions", "older_than", "run")
    count = this_machine.sweep_machine(say, is_dry=args.dry_run, has_images=args.images)
    output.write(f"{count} left over\n" if args.dry_run else f"{count} removed\n")
    return 0


def _sweep_account(args: argparse.Namespace, say: Say) -> int:
    regions = args.regions or (reader.load(plan.find(None)).region,)
    request = SweepRequest(account=args.account, regions=regions, age=args.older_than, run=args.run, is_dry=args.dry_run)
    result = aws_account.sweep_account(request, say)
    removed = f"{result.count} removed, {len(result.left)} still there\n"
    output.write(f"{result.count} left over\n" if args.dry_run else removed)
    return 1 if result.left else 0
