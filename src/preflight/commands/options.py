"""Options that several commands share."""

from __future__ import annotations

import argparse

from preflight.errors import UsageError


def refuse_without_account(args: argparse.Namespace, *names: str) -> None:
    """Refuse options that are for a real account.

    Raises:
        UsageError: one of them was given.
    """
    for name in names:
        if getattr(args, name):
            msg = f"--{name.replace('_', '-')} is for --target aws"
            raise UsageError(msg)
