"""Which rules a run holds templates against: the pack, a team's own folders, and the plan's switches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from preflight import model
from preflight.comply import rules as rulebook
from preflight.comply.rules import Rule
from preflight.errors import UsageError
from preflight.plan.rule_settings import RuleSettings
from preflight.system import spelling


@dataclass(frozen=True)
class Ruleset:
    """Every rule there is, in the tier it has here; those that are on are run."""

    guard: tuple[Rule, ...]
    joins: tuple[Rule, ...]

    @property
    def every(self) -> tuple[Rule, ...]:
        """All rules by name; a check in Python that completes a rule of cfn-guard is not listed twice."""
        named = {rule.name: rule for rule in (*self.joins, *self.guard)}
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


def chosen(folders: Sequence[Path], asked: RuleSettings | None = None) -> Ruleset:
    """The pack with the rules of `folders` added; a rule of theirs takes the place of its namesake.

    Raises:
        UsageError: a folder cannot be used, or the policy switches a rule that nobody knows.
    """
    own = rulebook.rules_below(folders)
    names = {rule.name for rule in own}
    shipped = rulebook.rules_below([shipped_rules()])
    replaced = {rule.file for rule in shipped if rule.name in names}
    guard = (*own, *(rule for rule in shipped if rule.file not in replaced))
    namesakes = {rule.name: rule for rule in guard}
    joins = (_described(rule, namesakes) for rule in rulebook.joins_below(shipped_rules()))
    return _switched(Ruleset(guard, tuple(joins)), asked or RuleSettings())


def _described(join: Rule, namesakes: dict[str, Rule]) -> Rule:
    """A check that completes a rule of cfn-guard has its tier and its entry."""
    namesake = namesakes.get(join.name)
    return join if namesake is None else replace(join, tier=namesake.tier, entry=namesake.entry)


def _switched(rules: Ruleset, asked: RuleSettings) -> Ruleset:
    known = [rule.name for rule in rules.every]
    for switch in asked.switches:
        if switch.rule not in known:
            hint = spelling.nearest(switch.rule, known)
            msg = f"{asked.name}:{switch.line}: checks: there is no rule {switch.rule!r}{hint} `preflight rules` lists them"
            raise UsageError(msg)
    to = {switch.rule: switch.to for switch in asked.switches}
    return Ruleset(tuple(_turned(r, to.get(r.name)) for r in rules.guard), tuple(_turned(r, to.get(r.name)) for r in rules.joins))


def _turned(rule: Rule, to: str | None) -> Rule:
    if to is None:
        return rule
    turned = replace(rule, entry=replace(rule.entry, is_enabled=to != "off"))
    return replace(turned, tier=to) if to in model.TIERS else turned


def shipped_rules() -> Path:
    """The folder of the rules: inside the installed package, or beside the sources of a checkout."""
    installed = Path(__file__).parents[1] / "rules"
    return installed if installed.is_dir() else Path(__file__).parents[3] / "rules"
