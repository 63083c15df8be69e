"""`preflight rules`: the rules, or all about one of them."""

from __future__ import annotations

import argparse

from preflight.commands import output
from preflight.comply import rule_docs, ruleset
from preflight.model import Say
from preflight.plan import plan, reader


def run(args: argparse.Namespace, _say: Say) -> int:
    """List the rules as the plan switches them."""
    switched = reader.load(plan.find(args.plan)) if args.plan else None
    folders = (*args.rules, *(switched.rules if switched else ()))
    rules = ruleset.chosen(folders, switched.policy if switched else None, allows_changes=True).every
    if args.format == "json":
        output.write_lines(rule_docs.as_json([rule_docs.named(rules, args.rule)] if args.rule else rules))
    else:
        output.write_lines(rule_docs.one(rules, args.rule) if args.rule else rule_docs.listing(rules))
    return 0
