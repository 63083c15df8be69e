"""What an export consists of: its files, and the rules that it leaves out, each with the reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from preflight.comply.rules import Rule
from preflight.comply.ruleset import Ruleset

LEFT_OUT = "left-out.txt"
IN_PYTHON = "is in Python, since Guard cannot express it"
IN_PART = "is exported without its part that is in Python, since Guard cannot express it"


class NotExportableError(Exception):
    """A target cannot take a rule; the text is the reason, for a reader who knows the rule."""


@dataclass(frozen=True)
class LeftOut:
    """A rule that a target does not get, and why."""

    rule: str
    target: str
    reason: str

    def __str__(self) -> str:
        """One line for readers."""
        return f"{self.target}: {self.rule}: {self.reason}"


@dataclass(frozen=True)
class Export:
    """Files by name, how many rules each target gets, and what is left out."""

    files: Mapping[str, bytes]
    counts: Mapping[str, int]
    left_out: Sequence[LeftOut]

    @property
    def listing(self) -> bytes:
        """What the file about the rules that are left out says."""
        lines = [f"{entry}\n" for entry in self.left_out] or ["Every rule is exported.\n"]
        return "".join(lines).encode()


def candidates(ruleset: Ruleset) -> tuple[dict[str, list[Rule]], dict[str, str]]:
    """Returns the rules to export by the text of their file, and the reasons against the others by name."""
    by_text: dict[str, list[Rule]] = {}
    for rule in ruleset.guard:
        by_text.setdefault(rule.file.read_text(encoding="utf-8"), []).append(rule)
    namesakes = {rule.name for rule in ruleset.guard}
    reasons = {rule.name: IN_PYTHON for rule in ruleset.python_rules if rule.name not in namesakes}
    reasons |= {rule.name: _off(rule) for rule in ruleset.guard if not rule.is_on}
    for rules in by_text.values():
        off = [rule.name for rule in rules if not rule.is_on]
        if off:
            reasons |= {rule.name: f"stands in one file with {off[0]}, which is off" for rule in rules if rule.is_on}
    return {text: rules for text, rules in by_text.items() if all(rule.is_on for rule in rules)}, reasons


def left_out(ruleset: Ruleset, reasons: Mapping[str, str], target: str) -> Iterable[LeftOut]:
    """Returns the rules that a target does not get, or not in full, by name."""
    against = {rule.name: IN_PART for rule in ruleset.python_rules} | dict(reasons)
    return (LeftOut(name, target, against[name]) for name in sorted(against))


def _off(rule: Rule) -> str:
    because = rule.entry.off_because.rstrip(".")
    return f"is off: {because}" if because else "is off"
