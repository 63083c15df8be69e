"""The command line: arguments in, text and exit code out."""

from __future__ import annotations

import argparse
import datetime as dt
import importlib
import itertools
import os
import re
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from preflight import __version__
from preflight.aws import partitions
from preflight.commands import arguments, output
from preflight.errors import MistakesError, PreflightError, StopRequested, UsageError
from preflight.pipeline.stages import LIVE_STAGES, STAGES, TARGETS
from preflight.report import FORMATS
from preflight.system import extras

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_SEVERITIES = ("error", "warning", "info")
_STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code: 0 pass, 1 fail, 2 could not check, 129, 130, 131 and 143 stopped."""
    output.open_streams()
    try:
        words = sys.argv[1:] if argv is None else argv
        _check_options(words)
        args = _arguments(words)
        args.arguments = words
        _leave_checkout()
        for number in _stop_signals():
            signal.signal(number, _stopper(128 + number))
        return _run(args)
    except StopRequested as stop:
        output.say(f"preflight: stopped; {'; '.join(stop.left) or 'everything was cleaned up'}")
        return stop.code
    except Exception as error:
        if os.environ.get("PREFLIGHT_DEBUG") and not isinstance(error, PreflightError):
            raise
        for reason in error.mistakes if isinstance(error, MistakesError) else [_reason(error)]:
            output.say(f"preflight: {reason}")
        return 2


def _leave_checkout() -> None:
    from preflight.system import run_folders  # noqa: PLC0415 - so that --help loads little

    run_folders.leave_checkout()


def _reason(error: Exception) -> str:
    """Returns the sentence about what kept the program from checking."""
    if isinstance(error, PreflightError):
        return str(error)
    if isinstance(error, UnicodeError):
        return f"a file or the terminal is not UTF-8: {error}"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or 'a file'}: {error.strerror}. Next: correct this on the machine"
    if isinstance(error, MemoryError):
        return "this machine has too little memory for this run. Next: end other programs, or check fewer templates at once"
    return f"internal error: {error!r}. Next: set PREFLIGHT_DEBUG=1 and report what it prints"


def _check_options(words: Sequence[str]) -> None:
    """Check that no option is the name of a file here: hooks and the patterns of a shell pass those of a checkout.

    Raises:
        UsageError: one is.
    """
    name = next((word for word in itertools.takewhile(lambda word: word != "--", words) if word.startswith("-") and os.path.lexists(word)), None)
    if name is not None:
        msg = f"{name} is an option, and a file here has that name. Next: rename the file, or name it by ./{name}"
        raise UsageError(msg)


def _arguments(words: Sequence[str]) -> argparse.Namespace:
    """Returns the arguments; a help text that cannot be written is an error too.

    Raises:
        UsageError: standard output cannot be written, or there is no such command or option.
    """
    try:
        return arguments.parse(*_parser(), words)
    except SystemExit:
        output.write("")
        raise


def _run(args: argparse.Namespace) -> int:
    """Import the command's module, now that it is known which one is needed, and run it."""
    if args.module == "serve":
        extras.require("rehearsal", "preflight serve")
        from preflight.system import botocore_data  # noqa: PLC0415 - botocore is slow to import, and only there with that extra

        botocore_data.share()
    command = importlib.import_module(f"preflight.commands.{args.module}")
    code: int = command.run(args, output.say)
    return code


def _stop_signals() -> tuple[signal.Signals, ...]:
    """Returns the signals that stop a run; a terminal that closes does too, unless nohup had that ignored."""
    is_ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    return _STOPS if is_ignored else (*_STOPS, signal.SIGHUP)


def _stopper(code: int) -> Callable[[int, object], None]:
    def stop(_number: int, _frame: object) -> None:
        for number in (*_STOPS, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)  # the clean-up that follows is not interrupted again
        raise StopRequested(code)

    return stop


def _parser() -> tuple[argparse.ArgumentParser, Mapping[str, argparse.ArgumentParser]]:
    """Returns the parser, and those of its commands."""
    parser = argparse.ArgumentParser(
        prog="preflight",
        description="Rehearse a Fargate deployment offline, from CloudFormation templates to answered HTTP requests.",
        epilog="Begin with `preflight init` in the folder of your templates, then `preflight check`.",
    )
    parser.add_argument("--version", action="version", version=f"preflight {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _add_init(commands.add_parser("init", help="write a plan for the templates of a folder, or for a cdk.out"))
    check = commands.add_parser("check", help="lint, comply, rehearse, update and smoke a plan")
    _add_stages(check)
    _add_plans(check)
    _add_check(check)
    rehearse = commands.add_parser("rehearse", help="check --stage rehearse,update,smoke")
    _add_plans(rehearse)
    _add_check(rehearse)
    rehearse.set_defaults(stage=LIVE_STAGES)
    _add_paths(commands.add_parser("lint", help="cfn-lint over templates"), "lint")
    _add_paths(commands.add_parser("comply", help="cfn-guard rules over templates"), "comply")
    _add_serve(commands.add_parser("serve", help="serve the emulated account until Ctrl-C"))
    _add_sweep(commands.add_parser("sweep", help="remove what killed runs left behind"))
    _add_rules(commands.add_parser("rules", help="the rules: tier, severity, whether on, title, controls"))
    _add_merge(commands.add_parser("report", help="one report of the JSON reports of many plans"))
    doctor = commands.add_parser("doctor", help="what is installed, what is missing, how to get it")
    doctor.add_argument("--fix", action="store_true", help="install what is missing; each command is printed")
    doctor.set_defaults(module="doctor")
    completion = commands.add_parser("completion", help="the script that completes commands and options in a shell")
    completion.add_argument("shell", choices=("bash", "zsh"))
    completion.set_defaults(module="completion", parser=parser)
    for name in ("lint", "comply", "check"):
        _add_hook(commands.add_parser(f"hook-{name}", description=f"What the hook preflight-{name} of pre-commit runs."), name)
    return parser, commands.choices


def _add_hook(parser: argparse.ArgumentParser, name: str) -> None:
    if name == "check":
        parser.add_argument("paths", nargs="*", type=Path, metavar="FILE", help="the files that a commit changes")
        _add_stages(parser)
        _add_check(parser)
    else:
        _add_paths(parser, name, least="*")
    parser.set_defaults(module="hook", hook=name)


def _add_stages(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--stage", type=_stages, default=STAGES, metavar="LIST", help=f"of {','.join(STAGES)}")


def _add_plans(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("plans", nargs="*", type=Path, metavar="PLAN", help="plans, or the folders that hold preflight.yaml (default: the nearest)")
    parser.add_argument("--shard", type=_shard, metavar="K/N", help="of all plans in and below the folders, those of the K-th of N shards")


def _add_init(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", nargs="?", type=Path, default=Path(), metavar="FOLDER", help="a folder with templates, or the cdk.out of an app (default: this folder)")
    parser.add_argument("--force", action="store_true", help="replace the plan that is there")
    parser.set_defaults(module="init")


def _add_check(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--containers", choices=["auto", "off"], default="auto", help="off: tasks are assumed to run")
    parser.add_argument("--from", dest="origin", metavar="REV", help="what runs today, to update from: a git revision such as origin/main, or a folder (./FOLDER)")
    parser.add_argument("--keep", action="store_true", help="keep everything running: until Ctrl-C, on an account for good")
    _add_standin(parser)
    parser.add_argument("--allow-standins", action="store_true", help="allow the stand-ins that the plan names")
    parser.add_argument("--allow-egress", action="store_true", help="allow egress: true in the plan: containers may reach the network")
    parser.add_argument("--build-network", choices=["restricted", "none"], default="restricted", help="none: image builds have no network; restricted: not this machine's and no link-local address")
    _add_rule_changes(parser)
    _add_target(parser)
    parser.add_argument("--yes", action="store_true", help="deploy on the account without asking")
    parser.add_argument("--keep-failed", action="store_true", help="keep on the account what failed")
    _add_report(parser)
    parser.set_defaults(module="check")


def _add_target(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--target", choices=TARGETS, default="rehearsal", help="aws: the real account of --account")
    parser.add_argument("--account", metavar="ID", help="the account to deploy on; the credentials have to belong to it")
    parser.add_argument("--regions", type=_regions, default=(), metavar="LIST", help="regions of the account (default: the plan's)")


def _add_sweep(parser: argparse.ArgumentParser) -> None:
    _add_target(parser)
    parser.add_argument("--older-than", type=_age, metavar="AGE", help="on an account, what runs left that began at least 30m, 2h or 1d ago (default: what has expired)")
    parser.add_argument("--run", help="on an account, what this run left, however old it is")
    parser.add_argument("--dry-run", action="store_true", help="list what would be removed")
    parser.add_argument("--images", action="store_true", help="on this machine, remove the stand-in images as well")
    parser.set_defaults(module="sweep")


def _add_paths(parser: argparse.ArgumentParser, stage: str, *, least: str = "+") -> None:
    parser.add_argument("paths", nargs=least, type=Path, metavar="PATH", help="templates, or folders that hold some")
    if stage == "comply":
        _add_rule_folders(parser)
        _add_rule_changes(parser)
    _add_report(parser)
    parser.set_defaults(module="static", stage=(stage,))


def _add_rule_changes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--allow-rule-changes", action="store_true", help="allow rules of tier fargate to be replaced and switched off")


def _add_rule_folders(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rules", action="append", type=Path, default=[], metavar="DIR", help="a folder of rules to add")


def _add_merge(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--merge", nargs="+", type=Path, required=True, metavar="REPORT", help="JSON reports, or folders with files preflight.json in or below them")
    _add_form(parser)
    parser.set_defaults(module="merge")


def _add_form(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--format", action="append", choices=FORMATS, metavar="FORMAT", help=f"of {', '.join(FORMATS)}")
    parser.add_argument("--severity", choices=_SEVERITIES, default="info", help="show findings of at least this severity, as text; the verdict counts all")
    _add_amount(parser)
    parser.add_argument("--output-dir", type=Path, metavar="DIR", help="write each format to a file there: preflight.txt, preflight.json, …")


def _add_report(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--strict", action="store_true", help="any finding fails the run")
    parser.add_argument("--no-cache", action="store_true", help="check everything again, and keep no result of lint and comply")
    _add_form(parser)
    parser.add_argument("--baseline", type=Path, metavar="FILE", help="a baseline, whose findings do not count (default: the plan's, or preflight-baseline.json beside it)")
    parser.add_argument("--write-baseline", nargs="?", type=Path, const=Path(), metavar="FILE", help="record today's findings of the tiers security and practice in the baseline")


def _add_amount(parser: argparse.ArgumentParser) -> None:
    amount = parser.add_mutually_exclusive_group()
    amount.add_argument("--quiet", action="store_true", help="print only findings and the verdict")
    amount.add_argument("--verbose", action="store_true", help="every state of resources and tasks, every place of a finding, what a baseline hides")


def _add_standin(parser: argparse.ArgumentParser) -> None:
    text = "a stand-in for an image whose registry cannot be reached; the program DIR/build runs on this machine"
    parser.add_argument("--standin", action="append", default=[], metavar="IMAGE=DIR", help=text)


def _add_serve(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--port", type=_port, default=0, help="a port of 127.0.0.1 (default: a free one)")
    parser.add_argument("--containers", choices=["auto", "off"], default="auto", help="off: tasks are assumed to run")
    _add_standin(parser)
    parser.add_argument("--run", help=argparse.SUPPRESS)
    parser.add_argument("--until-eof", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument(
        "--stub", action="append", default=[], metavar="PATTERN", help="images whose containers are replaced by stubs"
    )
    parser.add_argument("--image", action="append", default=[], metavar="PATTERN=IMAGE", help="an image that runs in the place of others")
    parser.add_argument("--egress", action="store_true", help="containers may reach the network")
    parser.add_argument("--any-credentials", action="store_true", help="accept any access key as the administrator's, including those of containers")
    parser.add_argument("--asked", action="append", default=[], help=argparse.SUPPRESS)
    parser.set_defaults(module="serve")


def _add_rules(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("rule", nargs="?", metavar="RULE", help="everything about this rule; export: write the rules for an engine of AWS's own")
    parser.add_argument("--plan", type=Path, metavar="PLAN", help="with the rules and the switches of this plan")
    _add_rule_folders(parser)
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.add_argument("--for", dest="engine", choices=("guard-hook", "config"), help="export: for Guard Hooks of CloudFormation, or for custom policy rules of AWS Config")
    parser.add_argument("--output-dir", type=Path, metavar="DIR", help="export: the folder of the files (default: preflight-rules)")
    parser.set_defaults(module="rules")


def _shard(text: str) -> tuple[int, int]:
    shard = re.fullmatch(r"([1-9]\d{0,3})/([1-9]\d{0,3})", text)
    if shard is None or int(shard[1]) > int(shard[2]):
        msg = f"{text!r} is not a shard; expected two numbers such as 3/8"
        raise argparse.ArgumentTypeError(msg)
    return int(shard[1]), int(shard[2])


def _port(text: str) -> int:
    if not text.isdigit() or int(text) > 65535:
        msg = f"{text} is not a port; expected 0 to 65535"
        raise argparse.ArgumentTypeError(msg)
    return int(text)


def _regions(text: str) -> tuple[str, ...]:
    regions = tuple(dict.fromkeys(text.split(",")))
    wrong = [region for region in regions if not partitions.is_region(region)]
    if wrong:
        msg = f"{wrong[0]!r} is not a region; expected a list such as ap-northeast-1,us-east-1"
        raise argparse.ArgumentTypeError(msg)
    return regions


def _age(text: str) -> dt.timedelta:
    age = re.fullmatch(r"(\d{1,5})([smhd])", text)
    if age is None:
        msg = f"{text!r} is not an age; expected a number and one of s, m, h, d: 30m, 2h, 1d"
        raise argparse.ArgumentTypeError(msg)
    return dt.timedelta(seconds=int(age[1]) * _SECONDS[age[2]])


def _stages(text: str) -> tuple[str, ...]:
    stages = text.split(",")
    unknown = [stage for stage in stages if stage not in STAGES]
    if unknown:
        msg = f"unknown stage {unknown[0]!r}, expected a list of {', '.join(STAGES)}"
        raise argparse.ArgumentTypeError(msg)
    return tuple(stage for stage in STAGES if stage in stages)
