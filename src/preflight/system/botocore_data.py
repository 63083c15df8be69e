"""botocore's data files, which each session reads anew unless they are shared."""

from __future__ import annotations

import functools

import botocore.session


def share() -> None:
    """Let the sessions that this process creates from now on read each data file once.

    moto creates three as it is imported and asks each for the regions of EC2, a fifth of the account's start. The
    clients of one session share a loader in the same way.
    """
    botocore.session.create_loader = functools.cache(botocore.session.create_loader)
