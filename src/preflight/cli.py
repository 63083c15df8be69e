"""The command: arguments in, text and exit code out."""

from __future__ import annotations

import argparse
import datetime as dt
import os
import re
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from preflight import __version__
from preflight.errors import PreflightError, StopRequested, UsageError

if TYPE_CHECKING:
    from preflight.model import Report
    from preflight.pipeline.request import AccountOptions, RunRequest
    from preflight.rehearsal.server import Server

TARGETS = ("rehearsal", "aws")
STAGES = ("lint", "comply", "rehearse", "smoke")
FORMATS = {"text": "txt", "json": "json", "junit": "xml", "sarif": "sarif", "html": "html", "github": "github.txt"}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code: 0 pass, 1 fail, 2 could not check, 129, 130 and 143 stopped."""
    args = _parser().parse_args(argv)
    for number in _stops():
        signal.signal(number, _stopper(128 + number))
    try:
        code: int = args.command(args)
    except PreflightError as error:
        _say(f"preflight: {error}")
        return 2
    except StopRequested as stop:
        _say(f"preflight: stopped; {'; '.join(stop.left) or 'everything was cleaned up'}")
        return stop.code
    except UnicodeError as error:
        _say(f"preflight: a file or the terminal is not UTF-8: {error}")
        return 2
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 2
    except Exception as error:
        if os.environ.get("PREFLIGHT_DEBUG"):
            raise
        _say(
            f"preflight: could not check, by a fault of its own: {error!r}. Next: set PREFLIGHT_DEBUG=1 and report what it prints"
        )
        return 2
    return code


def _stops() -> tuple[signal.Signals, ...]:
    """The signals that ask to stop; a terminal that closes does too, but not where nohup had that ignored."""
    stays = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    return (signal.SIGINT, signal.SIGTERM) if stays else (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def _stopper(code: int) -> Callable[[int, object], None]:
    def stop(_number: int, _frame: object) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)  # what is cleaned up now is not interrupted again
        raise StopRequested(code)

    return stop


def _say(text: str) -> None:
    """Say a message; no text in it can be a workflow command, of either form: GitHub reads them from here as well.

    Where nobody reads any more, as where Ctrl-C ended `| tee` too, what is under way goes on: it has to clean up.
    """
    try:
        sys.stderr.write("\n| ".join(text.replace("##[", "# #[").splitlines()) + "\n")
        sys.stderr.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="preflight",
        description="Rehearse a Fargate deployment offline, from CloudFormation templates to answered HTTP requests.",
    )
    parser.add_argument("--version", action="version", version=f"preflight {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _add_check(commands.add_parser("check", help="lint, comply, rehearse and smoke a plan"), _check)
    _add_check(commands.add_parser("rehearse", help="check --stage rehearse,smoke"), _rehearse)
    for name, text in (("lint", "cfn-lint over templates"), ("comply", "cfn-guard rules over templates")):
        _add_paths(commands.add_parser(name, help=text), name)
    _add_serve(commands.add_parser("serve", help="serve the pretended account until Ctrl-C"))
    _add_sweep(commands.add_parser("sweep", help="remove what runs left behind that were killed"))
    _add_rules(commands.add_parser("rules", help="the rules: tier, severity, whether on, title, controls"))
    doctor = commands.add_parser("doctor", help="what is installed, what is missing, how to get it")
    doctor.add_argument("--fix", action="store_true", help="bring what is missing; each command is printed")
    doctor.set_defaults(command=_doctor)
    return parser


def _add_check(parser: argparse.ArgumentParser, command: Callable[[argparse.Namespace], int]) -> None:
    parser.add_argument(
        "plan", nargs="?", type=Path, metavar="PLAN", help="a plan, or the folder that holds preflight.yaml"
    )
    if command is _check:
        parser.add_argument("--stage", type=_stages, default=STAGES, metavar="LIST", help=f"of {','.join(STAGES)}")
    parser.add_argument("--containers", choices=["auto", "off"], default="auto", help="off: tasks are assumed to run")
    parser.add_argument("--keep", action="store_true", help="keep everything running: until Ctrl-C, on an account for good")
    _add_target(parser)
    parser.add_argument("--yes", action="store_true", help="deploy on the account without asking")
    parser.add_argument("--keep-failed", action="store_true", help="keep on the account what failed")
    _add_report(parser)
    parser.set_defaults(command=command)


def _add_target(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--target", choices=TARGETS, default="rehearsal", help="aws: the real account of --account")
    parser.add_argument("--account", metavar="ID", help="the account to deploy on; the credentials have to belong to it")
    parser.add_argument("--regions", type=_regions, default=(), metavar="LIST", help="regions of the account (default: the plan's)")


def _add_sweep(parser: argparse.ArgumentParser) -> None:
    _add_target(parser)
    parser.add_argument("--older-than", type=_age, metavar="AGE", help="on an account, what runs left that began at least 30m, 2h or 1d ago (default: what has expired)")
    parser.add_argument("--run", help="on an account, what this run left, however old it is")
    parser.add_argument("--dry-run", action="store_true", help="say what would be removed")
    parser.add_argument("--images", action="store_true", help="on this machine, remove the stand-in images as well")
    parser.set_defaults(command=_sweep)


def _add_paths(parser: argparse.ArgumentParser, stage: str) -> None:
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="templates, or folders that hold some")
    if stage == "comply":
        parser.add_argument("--rules", action="append", type=Path, default=[], metavar="DIR", help="a folder of rules to add")
    _add_report(parser)
    parser.set_defaults(command=_paths, stage=stage)


def _add_report(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--strict", action="store_true", help="any finding fails the run")
    parser.add_argument("--format", action="append", choices=FORMATS, metavar="FORMAT", help=f"of {', '.join(FORMATS)}")
    parser.add_argument("--output-dir", type=Path, metavar="DIR", help="write each format to a file there: preflight.txt, preflight.json, …")


def _add_serve(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--port", type=_port, default=0, help="a port of 127.0.0.1 (default: a free one)")
    parser.add_argument("--containers", choices=["auto", "off"], default="auto", help="off: tasks are assumed to run")
    parser.add_argument(
        "--standin",
        action="append",
        default=[],
        metavar="IMAGE=DIR",
        help="a stand-in for an image whose registry cannot be reached",
    )
    parser.add_argument("--run", help=argparse.SUPPRESS)
    parser.add_argument("--until-eof", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument(
        "--stub", action="append", default=[], metavar="PATTERN", help="images whose containers are replaced by stubs"
    )
    parser.add_argument("--egress", action="store_true", help="containers may reach the network")
    parser.add_argument("--asked", action="append", default=[], help=argparse.SUPPRESS)
    parser.set_defaults(command=_serve)


def _add_rules(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("rule", nargs="?", metavar="RULE", help="all that is known of this one")
    parser.add_argument("--plan", type=Path, metavar="PLAN", help="with the rules and the switches of this plan")
    parser.add_argument("--rules", action="append", type=Path, default=[], metavar="DIR", help="a folder of rules to add")
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.set_defaults(command=_rules)


def _port(text: str) -> int:
    if not text.isdigit() or int(text) > 65535:
        msg = f"{text} is no port, expected 0 to 65535"
        raise argparse.ArgumentTypeError(msg)
    return int(text)


def _regions(text: str) -> tuple[str, ...]:
    from preflight.plan import plan  # noqa: PLC0415 - `--help` has to be quick

    named = tuple(dict.fromkeys(text.split(",")))
    wrong = [name for name in named if not plan.is_region(name)]
    if wrong:
        msg = f"{wrong[0]!r} is no region, expected a list such as ap-northeast-1,us-east-1"
        raise argparse.ArgumentTypeError(msg)
    return named


def _age(text: str) -> dt.timedelta:
    found = re.fullmatch(r"(\d{1,5})([smhd])", text)
    if found is None:
        msg = f"{text!r} is no age, expected a number and one of s, m, h, d: 30m, 2h, 1d"
        raise argparse.ArgumentTypeError(msg)
    return dt.timedelta(seconds=int(found[1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[found[2]])


def _stages(text: str) -> tuple[str, ...]:
    named = text.split(",")
    unknown = [name for name in named if name not in STAGES]
    if unknown:
        msg = f"unknown stage {unknown[0]!r}, expected a list of {', '.join(STAGES)}"
        raise argparse.ArgumentTypeError(msg)
    return tuple(stage for stage in STAGES if stage in named)


def _check(args: argparse.Namespace) -> int:
    return _run_plan(args, args.stage)


def _rehearse(args: argparse.Namespace) -> int:
    return _run_plan(args, ("rehearse", "smoke"))


def _run_plan(args: argparse.Namespace, stages: tuple[str, ...]) -> int:
    from preflight.pipeline.request import RunRequest  # noqa: PLC0415 - `--help` has to be quick
    from preflight.plan import plan  # noqa: PLC0415 - `--help` has to be quick

    asked = plan.load(plan.find(args.plan))
    return _report(
        args,
        RunRequest(
            stages=stages,
            plan=asked,
            templates=tuple(asked.template_files()),
            rules=asked.rules,
            strict=args.strict,
            has_containers=args.containers == "auto",
            is_kept=args.keep,
            account=_account(args),
        ),
    )


def _account(args: argparse.Namespace) -> AccountOptions | None:
    """The account to deploy on, None for the rehearsal."""
    from preflight.deploy.targets import account  # noqa: PLC0415 - `--help` has to be quick
    from preflight.pipeline.request import AccountOptions  # noqa: PLC0415 - `--help` has to be quick

    if args.target == "rehearsal":
        for name in ("account", "regions", "yes", "keep_failed"):
            if getattr(args, name):
                msg = f"--{name.replace('_', '-')} is for --target aws"
                raise UsageError(msg)
        return None
    account.check_number(args.account)
    if args.containers == "off":
        msg = "--containers off is for the rehearsal: on an account tasks really run"
        raise UsageError(msg)
    if not args.yes and not sys.stdin.isatty():
        msg = "nobody can be asked whether to deploy on the account. Next: agree by --yes"
        raise UsageError(msg)
    return AccountOptions(args.account, args.regions, agrees=lambda: args.yes or _agrees(), is_kept_failed=args.keep_failed)


def _agrees() -> bool:
    """Whether whoever sits at the terminal agrees."""
    sys.stderr.write("preflight: deploy this? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def _paths(args: argparse.Namespace) -> int:
    from preflight.pipeline.request import RunRequest  # noqa: PLC0415 - `--help` has to be quick
    from preflight.plan import plan  # noqa: PLC0415 - `--help` has to be quick

    templates: list[Path] = []
    for path in args.paths:
        if not path.exists():
            msg = f"{path}: there is no such file or folder"
            raise UsageError(msg)
        found = plan.templates_in(path) if path.is_dir() else [path]
        if not found:
            msg = f"{path}: there is no template in this folder. Next: name one that holds .yaml or .json files"
            raise UsageError(msg)
        templates += found
    rules = tuple(getattr(args, "rules", ()))
    request = RunRequest(
        stages=(args.stage,), plan=None, templates=tuple(dict.fromkeys(templates)), rules=rules, strict=args.strict
    )
    return _report(args, request)


def _report(args: argparse.Namespace, request: RunRequest) -> int:
    from preflight.pipeline import run  # noqa: PLC0415 - `--help` has to be quick

    formats = args.format or ["text"]
    if len(formats) > 1 and args.output_dir is None:
        msg = "several formats go to files. Next: name a folder by --output-dir"
        raise UsageError(msg)
    report = run.run(request, lambda text: _say(f"preflight: {text}"))
    for name in formats:
        _write(name, report, args.output_dir)
    return report.exit_code


def _write(name: str, report: Report, folder: Path | None) -> None:
    from preflight.report import github, html, json, junit, sarif, text  # noqa: PLC0415 - `--help` has to be quick

    renderers = {"text": text, "json": json, "junit": junit, "sarif": sarif, "html": html, "github": github}
    rendered: str = renderers[name].render(report)
    if folder is None:
        sys.stdout.write(rendered)
        sys.stdout.flush()
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"preflight.{FORMATS[name]}").write_text(rendered, encoding="utf-8")
    except OSError as error:
        msg = f"{folder}: the report cannot be written: {error.strerror}"
        raise UsageError(msg) from None


def _serve(args: argparse.Namespace) -> int:
    from preflight.pipeline import request  # noqa: PLC0415 - `--help` has to be quick
    from preflight.rehearsal import serve  # noqa: PLC0415 - `--help` has to be quick
    from preflight.rehearsal.connectivity import public_ports  # noqa: PLC0415 - `--help` has to be quick
    from preflight.rehearsal.serve import ServeOptions  # noqa: PLC0415 - `--help` has to be quick
    from preflight.rehearsal.server import ServerOptions  # noqa: PLC0415 - as above

    standins = {}
    for pair in args.standin:
        image, equals, folder = pair.partition("=")
        if not equals:
            msg = f"--standin {pair}: expected IMAGE=DIR"
            raise UsageError(msg)
        standins[image] = Path(folder).absolute()
    settings = ServeOptions(
        port=args.port,
        run=args.run or request.new_run(),
        has_containers=args.containers == "auto",
        standins=standins,
        ends_with_input=args.until_eof,
        has_egress=args.egress,
        tasks=ServerOptions(tuple(map(public_ports.question, args.asked)), tuple(args.stub)),
    )

    def greet(running: Server) -> None:
        _say(f"preflight: serving at {running.address}, until Ctrl-C")
        _say(f"preflight: aws --endpoint-url {running.address} cloudformation list-stacks")

    serve.serve(settings, serve.announce if args.until_eof else greet)
    if args.until_eof:
        os._exit(0)  # everything is cleaned up; taking moto's objects apart would cost another second
    return 0


def _sweep(args: argparse.Namespace) -> int:
    if args.target == "aws":
        return _sweep_account(args)
    from preflight.sweep import machine  # noqa: PLC0415 - `--help` has to be quick

    for name in ("account", "regions", "older_than", "run"):
        if getattr(args, name):
            msg = f"--{name.replace('_', '-')} is for --target aws"
            raise UsageError(msg)
    count = machine.sweep_machine(_say, is_dry=args.dry_run, has_images=args.images)
    sys.stdout.write(f"{count} left over\n" if args.dry_run else f"{count} removed\n")
    return 0


def _sweep_account(args: argparse.Namespace) -> int:
    from preflight.plan import plan  # noqa: PLC0415 - `--help` has to be quick
    from preflight.sweep import account as cleaning  # noqa: PLC0415 - `--help` has to be quick
    from preflight.sweep.account import SweepRequest  # noqa: PLC0415 - `--help` has to be quick

    regions = args.regions or (plan.load(plan.find(None)).region,)
    wanted = SweepRequest(account=args.account, regions=regions, age=args.older_than, run=args.run, is_dry=args.dry_run)
    done = cleaning.sweep_account(wanted, _say)
    sys.stdout.write(f"{done.count} left over\n" if args.dry_run else f"{done.count} removed, {len(done.left)} still there\n")
    return 1 if done.left else 0


def _rules(args: argparse.Namespace) -> int:
    from preflight.comply import rule_docs, ruleset  # noqa: PLC0415 - `--help` has to be quick
    from preflight.plan import plan  # noqa: PLC0415 - `--help` has to be quick

    asked = plan.load(plan.find(args.plan)) if args.plan else None
    folders = (*args.rules, *(asked.rules if asked else ()))
    rules = ruleset.chosen(folders, asked.policy if asked else None).every
    shown = [rule_docs.named(rules, args.rule)] if args.rule else rules
    if args.format == "json":
        sys.stdout.write(rule_docs.as_json(shown))
    else:
        sys.stdout.write(rule_docs.one(rules, args.rule) if args.rule else rule_docs.listing(rules))
    return 0


def _doctor(args: argparse.Namespace) -> int:
    from preflight.commands import doctor  # noqa: PLC0415 - `--help` has to be quick

    if args.fix:
        doctor.fix(lambda text: _say(f"+ {text}"))
    checks = doctor.examine()
    sys.stdout.write(doctor.render(checks))
    return 0 if all(check.is_fine or not check.is_needed for check in checks) else 2
