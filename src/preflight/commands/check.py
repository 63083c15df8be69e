"""`preflight check` and `preflight rehearse`: the stages of a plan."""

from __future__ import annotations

import argparse
import functools
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from preflight.commands import options, reports
from preflight.errors import MistakesError, PreflightError, UsageError
from preflight.model import Outcome, Report, Say, StageResult
from preflight.pipeline.request import AccountOptions, RunRequest, UpdateRequest, new_run
from preflight.pipeline.stages import is_live
from preflight.system import confinement

if TYPE_CHECKING:
    from preflight.plan.plan import Plan

# Imports below are made in functions: a run that an earlier one answers needs none of them.


def run(args: argparse.Namespace, say: Say) -> int:
    """Run the stages of each plan, write the reports and return the worst exit code."""
    code = run_in_namespaces(args, say)
    if code is not None:
        return code
    if len(args.plans) <= 1 and args.shard is None:
        return run_one(args, next(iter(args.plans), None), say)
    from preflight.plan import shards  # noqa: PLC0415 - see above

    return run_each(args, shards.plans(args.plans, args.shard and shards.Shard(*args.shard)), say)


def run_each(args: argparse.Namespace, plans: Sequence[Path], say: Say) -> int:
    """Run the stages of plans one after the other; each has a folder of its own for its reports, even one that cannot be read.

    Raises:
        UsageError: reports in a format for programs would follow each other on standard output.
    """
    whole = [name for name in args.format or () if name not in {"text", "github"}]
    if len(plans) > 1 and args.output_dir is None and whole:
        msg = f"{whole[0]} of several plans goes to files. Next: name a folder with --output-dir"
        raise UsageError(msg)
    if not plans:
        say("preflight: there is no plan in this shard")
    root, codes = confinement.root_of(Path.cwd()), []
    for path in plans:
        name = path.relative_to(root) if path.is_relative_to(root) else path.relative_to(path.anchor)
        folder = args.output_dir and args.output_dir / name.with_suffix("")
        own = argparse.Namespace(**{**vars(args), "output_dir": folder})
        if not args.quiet:
            say(f"preflight: {name}")
        try:
            codes.append(run_one(own, path, say))
        except PreflightError as error:
            reason = "; ".join(error.mistakes if isinstance(error, MistakesError) else [str(error)])
            result = StageResult(args.stage[0], Outcome.ERROR, reason=reason)
            reports.write(Report(args.target, new_run(), (result,), plan=str(name)), own)
            codes.append(2)
    return max(codes, default=0)


def run_one(args: argparse.Namespace, plan: Path | None, say: Say) -> int:
    """Run the stages of one plan (None: the nearest), write the report and return its exit code."""
    args = argparse.Namespace(**{**vars(args), "plan": plan})
    return reports.run(functools.partial(_request, args), args, say)


def _request(args: argparse.Namespace) -> RunRequest:
    from preflight.plan import plan, reader  # noqa: PLC0415 - see above

    checked = _admitted(args, reader.load(plan.find(args.plan)))
    request = RunRequest(
        stages=args.stage,
        plan=checked,
        templates=tuple(checked.template_files()),
        rules=checked.rules,
        strict=args.strict,
        has_cache=not args.no_cache,
        has_containers=args.containers == "auto",
        is_kept=args.keep,
        allows_rule_changes=args.allow_rule_changes,
        build_network=args.build_network,
        account=_account(args),
        update=_update(args, checked),
        takes_screenshots="html" in (args.format or ()),
    )
    return options.with_baseline(request, args)


def run_in_namespaces(args: argparse.Namespace, say: Say) -> int | None:
    """Run the command again inside podman's namespaces and return its exit code; None if it has to run here. Inside, it ends with the one outside."""
    if not is_live(args.stage):
        return None
    from preflight.container_engine import user_namespace  # noqa: PLC0415 - see above

    if is_isolated_by_podman(args, say):
        return user_namespace.run_again(args.arguments)
    user_namespace.end_with_outer()
    return None


def is_isolated_by_podman(args: argparse.Namespace, say: Say) -> bool:
    """Whether this run starts containers of a user who is not root, and podman can give it namespaces of its own.

    What is kept running has to be reached from this machine, so it stays outside.
    """
    has_containers = args.containers == "auto" and is_live(args.stage)
    if not has_containers or args.keep or args.target != "rehearsal":
        return False
    from preflight.container_engine import user_namespace  # noqa: PLC0415 - see above

    return user_namespace.can_isolate(say)


def _admitted(args: argparse.Namespace, plan: Plan) -> Plan:
    """Returns a plan with the stand-ins that the caller allows.

    Raises:
        UsageError: its containers would reach the network, which the caller does not allow.
    """
    if is_live(args.stage):
        plan.refuse_egress(is_allowed=args.allow_egress, option="--allow-egress")
    return plan.with_standins(args.standin, allows_own=args.allow_standins)


def _update(args: argparse.Namespace, checked: Plan) -> UpdateRequest | None:
    """Returns where an update starts from, or None if there is none."""
    if "update" not in args.stage:
        if args.origin is not None:
            msg = "--from is for the stage update. Next: add it to --stage, or remove --from"
            raise UsageError(msg)
        return None
    origin = args.origin or checked.update.origin
    return UpdateRequest(origin, functools.partial(_admitted, args)) if origin is not None else None


def _account(args: argparse.Namespace) -> AccountOptions | None:
    """Returns the account to deploy on, or None for the emulated account."""
    if args.target == "rehearsal":
        options.refuse_without_account(args, "account", "regions", "yes", "keep_failed")
        return None
    from preflight.deploy.targets import account  # noqa: PLC0415 - see above

    account.check_number(args.account)
    if args.containers == "off":
        msg = "--containers off is for the rehearsal: on an account tasks really run"
        raise UsageError(msg)
    if not args.yes and not sys.stdin.isatty():
        msg = "no terminal to ask for confirmation. Next: pass --yes"
        raise UsageError(msg)
    return AccountOptions(
        args.account, args.regions, agrees=lambda: args.yes or _confirms(), is_kept_failed=args.keep_failed
    )


def _confirms() -> bool:
    """Whether the user at the terminal agrees."""
    sys.stderr.write("preflight: deploy this? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in {"y", "yes"}
