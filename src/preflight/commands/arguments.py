"""Parses the arguments of a command; an unknown command or option gets the nearest one."""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Collection, Mapping, Sequence

from preflight.errors import UsageError


def parse(parser: argparse.ArgumentParser, commands: Mapping[str, argparse.ArgumentParser], argv: Sequence[str]) -> argparse.Namespace:
    """Returns the arguments.

    Raises:
        UsageError: there is no such command or option.
    """
    if not argv:
        parser.exit(2, parser.format_help())
    command, *words = argv
    if command and not command.startswith("-") and command not in commands:
        raise _unknown("command", command, commands, "preflight --help")
    options = commands[command]._option_string_actions if command in commands else None  # noqa: SLF001 - argparse has no public list of them
    for word in itertools.takewhile(lambda word: word != "--", words):
        option = word.partition("=")[0]
        if options is not None and option.startswith("--") and not any(other.startswith(option) for other in options):
            raise _unknown("option", option, options, f"preflight {command} --help")
    return parser.parse_args(argv)


def _unknown(what: str, name: str, names: Collection[str], listing: str) -> UsageError:
    import difflib  # noqa: PLC0415 - slow to import, and only a mistake needs it

    close = difflib.get_close_matches(name, names, 1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    return UsageError(f"unknown {what} {name!r}.{hint} Next: `{listing}` lists them")
