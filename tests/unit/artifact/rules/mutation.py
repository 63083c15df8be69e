"""One change to a good template that turns a rule red."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutation:
    """A change of `file`, each place where `old` stands, which turns `rule` red, and those of `also` with it."""

    rule: str
    file: str
    old: str
    new: str
    also: tuple[str, ...] = ()
