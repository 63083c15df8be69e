"""The rules that a run checks templates against: the pack, a team's own folders, and the plan's switches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from preflight import model
from preflight.comply import rules
from preflight.comply.rules import Rule
from preflight.errors import UsageError
from preflight.plan.rule_settings import RuleSettings
from preflight.system import spelling


@dataclass(frozen=True)
class Ruleset:
    """Every rule there is, in the tier it has here; a run uses those that are on."""

    guard: tuple[Rule, ...]
    python_rules: tuple[Rule, ...]

    @property
    def every(self) -> tuple[Rule, ...]:
        """All rules by name; a check in Python that completes a rule of cfn-guard is not listed twice."""
        named = {rule.name: rule for rule in (*self.python_rules, *self.guard)}
        return tuple(named[name] for name in sorted(named))

    @property
    def asked(self) -> tuple[Rule, ...]:
        """The rules that cfn-guard answers for: all in the files of those that are on."""
        files = {rule.file for rule in self.guard if rule.is_on}
        return tuple(rule for rule in self.guard if rule.file in files)

    @property
    def on(self) -> dict[str, Rule]:
        """The rules that are on, by name."""
        return {rule.name: rule for rule in self.every if rule.is_on}


def chosen(folders: Sequence[Path], settings: RuleSettings | None = None) -> Ruleset:
    """Returns the pack with the rules of `folders` added; a rule there replaces its namesake in the pack.

    Raises:
        UsageError: a folder cannot be used, or the plan switches an unknown rule.
    """
    added = rules.rules_below(folders)
    names = {rule.name for rule in added}
    shipped = rules.rules_below([shipped_rules()])
    replaced = {rule.file for rule in shipped if rule.name in names}
    guard = (*added, *(rule for rule in shipped if rule.file not in replaced))
    namesakes = {rule.name: rule for rule in guard}
    in_python = (_described(rule, namesakes) for rule in rules.python_rules_below(shipped_rules()))
    return _switched(Ruleset(guard, tuple(in_python)), settings or RuleSettings())


def _described(rule: Rule, namesakes: dict[str, Rule]) -> Rule:
    """Returns a Python rule; one that completes a rule of cfn-guard takes over its tier and its entry."""
    namesake = namesakes.get(rule.name)
    return rule if namesake is None else replace(rule, tier=namesake.tier, entry=namesake.entry)


def _switched(ruleset: Ruleset, settings: RuleSettings) -> Ruleset:
    names = [rule.name for rule in ruleset.every]
    for switch in settings.switches:
        if switch.rule not in names:
            hint = spelling.nearest(switch.rule, names)
            msg = f"{settings.name}:{switch.line}: checks: there is no rule {switch.rule!r}{hint} `preflight rules` lists them"
            raise UsageError(msg)
    to = {switch.rule: switch.to for switch in settings.switches}
    guard, in_python = (tuple(_switch(r, to.get(r.name)) for r in part) for part in (ruleset.guard, ruleset.python_rules))
    return Ruleset(guard, in_python)


def _switch(rule: Rule, to: str | None) -> Rule:
    if to is None:
        return rule
    switched = replace(rule, entry=replace(rule.entry, is_enabled=to != "off"))
    return replace(switched, tier=to) if to in model.TIERS else switched


def shipped_rules() -> Path:
    """The folder of the rules: inside the installed package, or beside the sources of a checkout."""
    installed = Path(__file__).parents[1] / "rules"
    return installed if installed.is_dir() else Path(__file__).parents[3] / "rules"
