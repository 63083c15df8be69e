"""`preflight completion`: the script that completes commands, options and files in a shell."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import shtab

from preflight.commands import output
from preflight.model import Say


def run(args: argparse.Namespace, _say: Say) -> int:
    """Write the script of a shell."""
    for action in _actions(args.parser):
        if action.type is Path:
            action.complete = shtab.FILE  # type: ignore[attr-defined] # shtab's way to say it
    output.write(shtab.complete(args.parser, shell=args.shell))
    return 0


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Yields the arguments of a parser and of its commands."""
    for action in parser._actions:  # noqa: SLF001 - argparse has no public list of them
        yield action
        for command in action.choices.values() if isinstance(action, argparse._SubParsersAction) else ():  # noqa: SLF001 - as above
            yield from _actions(command)
