"""The principal in whose name the current thread calls the emulated account."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar

from preflight.rehearsal.identity import Principal

WSGI_KEY = "preflight.principal"  # in the WSGI environment of a call from inside; no client can set such a key
# None stands for the administrator of the account.
_acting: ContextVar[Principal | None] = ContextVar("acting", default=None)
_asking: ContextVar[Principal | None] = ContextVar("asking", default=None)


@contextlib.contextmanager
def acting_as(principal: Principal | None) -> Iterator[None]:
    """Call the account as a principal, or as its administrator, until the block ends."""
    token = _acting.set(principal)
    try:
        yield
    finally:
        _acting.reset(token)


@contextlib.contextmanager
def asked_by(principal: Principal | None) -> Iterator[None]:
    """Handle a request of `principal`; nested calls run as the administrator."""
    token = _asking.set(principal)
    try:
        with acting_as(None):
            yield
    finally:
        _asking.reset(token)


def acting() -> Principal | None:
    """Returns the principal that this thread calls the account as."""
    return _acting.get()


def principal() -> Principal | None:
    """Returns the principal that background work started here runs as."""
    return _acting.get() or _asking.get()


def through(service: str) -> Principal | None:
    """Returns that principal, with `service` in its aws:CalledVia."""
    caller = principal()
    return None if caller is None else caller.through(service)
