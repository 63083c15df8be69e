"""`preflight rules`: the rules, or all about one of them; `preflight rules export` writes them for engines of AWS's own."""

from __future__ import annotations

import argparse
from pathlib import Path

from preflight.commands import output
from preflight.commands.output_folder import OutputFolder
from preflight.comply import rule_docs, ruleset
from preflight.comply.ruleset import Ruleset
from preflight.errors import UsageError
from preflight.model import Say
from preflight.plan import plan, reader

EXPORT = "export"


def run(args: argparse.Namespace, say: Say) -> int:
    """List the rules as the plan switches them, or export them.

    Raises:
        UsageError: an option of an export is missing, or stands beside a rule.
    """
    _require_consistent(args)
    switched = reader.load(plan.find(args.plan)) if args.plan else None
    folders = (*args.rules, *(switched.rules if switched else ()))
    chosen = ruleset.chosen(folders, switched.policy if switched else None, allows_changes=True)
    if args.rule == EXPORT:
        _export(chosen, args, say)
    elif args.format == "json":
        output.write_lines(rule_docs.as_json([rule_docs.named(chosen.every, args.rule)] if args.rule else chosen.every))
    else:
        output.write_lines(rule_docs.one(chosen.every, args.rule) if args.rule else rule_docs.listing(chosen.every))
    return 0


def _require_consistent(args: argparse.Namespace) -> None:
    if args.rule == EXPORT and args.engine is None:
        raise UsageError("an export is for one engine. Next: `preflight rules export --for guard-hook`, or `--for config`")
    if args.rule != EXPORT and (args.engine or args.output_dir):
        raise UsageError("--for and --output-dir are options of an export. Next: `preflight rules export --for guard-hook`")


def _export(chosen: Ruleset, args: argparse.Namespace, say: Say) -> None:
    """Write the files of an export, and say what each target gets and what it does not."""
    from preflight.comply.rule_export import config_policy, export, guard_hook  # noqa: PLC0415 - only an export needs them

    exported = (guard_hook if args.engine == "guard-hook" else config_policy).of(chosen)
    folder = args.output_dir or Path("preflight-rules")
    with OutputFolder(folder) as written:
        for name, data in exported.files.items():
            written.write_bytes(name, data)
        written.write_bytes(export.LEFT_OUT, exported.listing)
    for entry in exported.left_out:
        say(f"left out: {entry}")
    counts = ", ".join(f"{count} rules for {target}" for target, count in exported.counts.items())
    output.write_lines(f"{folder}: {counts}; {export.LEFT_OUT} has what is left out, and why")
