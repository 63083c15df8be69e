"""The rules that a run checks templates against: the pack, a team's own folders, and the plan's switches."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from preflight import model
from preflight.comply import rules
from preflight.comply.rules import Rule
from preflight.errors import UsageError
from preflight.model import Finding, Severity
from preflight.plan.rule_settings import RuleSettings, RuleSwitch
from preflight.system import spelling

SWITCHED, REPLACED = "FARGATE_RULE_SWITCHED", "FARGATE_RULE_REPLACED"
CALLER = "The caller may allow it with --allow-rule-changes."


@dataclass(frozen=True)
class Ruleset:
    """Every rule there is, in the tier it has here; a run uses those that are on.

    `replaced` are the rules of the pack whose place another file took. `refusals` are findings about
    changes of tier fargate, which did not count.
    """

    guard: tuple[Rule, ...]
    python_rules: tuple[Rule, ...]
    replaced: tuple[str, ...] = ()
    refusals: tuple[Finding, ...] = ()

    @property
    def every(self) -> tuple[Rule, ...]:
        """All rules by name; a check in Python that completes a rule of cfn-guard is not listed twice."""
        rules_by_name = {rule.name: rule for rule in (*self.python_rules, *self.guard)}
        return tuple(rules_by_name[name] for name in sorted(rules_by_name))

    @property
    def asked(self) -> tuple[Rule, ...]:
        """The rules that cfn-guard answers for: all in the files of those that are on."""
        files = {rule.file for rule in self.guard if rule.is_on}
        return tuple(rule for rule in self.guard if rule.file in files)

    @property
    def switched_off(self) -> tuple[str, ...]:
        """The names of the rules that are off here and on in the pack."""
        pack = {rule.name for rule in _pack() if rule.is_on}
        return tuple(rule.name for rule in self.every if not rule.is_on and rule.name in pack)

    @property
    def waivable(self) -> frozenset[str]:
        """The names of the rules that are on and of tier fargate neither here nor in the pack."""
        return frozenset(name for name, rule in self.on.items() if rule.is_waivable) - _protected()

    @property
    def on(self) -> dict[str, Rule]:
        """The rules that are on, by name."""
        return {rule.name: rule for rule in self.every if rule.is_on}


def chosen(folders: Sequence[Path], settings: RuleSettings | None = None, *, allows_changes: bool = False) -> Ruleset:
    """Returns the pack with the rules of `folders` added; a rule there replaces its namesake in the pack.

    A rule of tier fargate is replaced, switched off or moved only if the caller `allows_changes`: AWS
    refuses what these forbid, and the plan and its rules are a part of what is checked.

    Raises:
        UsageError: a folder cannot be used, or the plan switches an unknown rule.
    """
    pack, protected = {rule.name: rule for rule in _pack()}, set() if allows_changes else _protected()
    added = [rule for rule in rules.rules_below(folders) if not _is_same(rule, pack.get(rule.name))]
    files = {rule.file for rule in added if rule.name in protected}
    refusals = tuple(_replacement(rule) for rule in added if rule.name in protected)
    added = [rule for rule in added if rule.file not in files]
    names = {rule.name for rule in added}
    shipped = [rule for rule in _pack() if not rule.is_python]
    replaced = {rule.file for rule in shipped if rule.name in names}
    guard = (*added, *(rule for rule in shipped if rule.file not in replaced))
    namesakes = {rule.name: rule for rule in guard}
    in_python = (_described(rule, namesakes) for rule in _pack() if rule.is_python)
    ruleset = Ruleset(guard, tuple(in_python), tuple(sorted(names & set(pack))), refusals)
    return _switched(ruleset, settings or RuleSettings(), protected)


def _pack() -> tuple[Rule, ...]:
    return _pack_of(shipped_rules())


@cache
def _pack_of(folder: Path) -> tuple[Rule, ...]:
    """Returns the pack, which is read once in a process."""
    return (*rules.python_rules_below(folder), *rules.rules_below([folder]))


def _protected() -> set[str]:
    """Returns the names of the rules that only the caller may change."""
    return {rule.name for rule in _pack() if not rule.is_waivable}


def _is_same(rule: Rule, shipped: Rule | None) -> bool:
    """Whether a rule is a copy of the pack's: the same file, as in a checkout of this project."""
    return shipped is not None and not shipped.is_python and rule.file.read_bytes() == shipped.file.read_bytes()


def _replacement(rule: Rule) -> Finding:
    message = f"{rule.name} is a rule of tier fargate, which rules of a plan cannot replace; the rule of the pack was used, and nothing of this file."
    return Finding("comply", REPLACED, Severity.ERROR, message, file=_shown(rule.file), line=1, fix=f"Give your rule another name. {CALLER}")


def _shown(file: Path) -> str:
    """Returns the name of a file as reports have it: from the current folder if it is below it."""
    return str(file.relative_to(Path.cwd())) if file.is_relative_to(Path.cwd()) else str(file)


def _described(rule: Rule, namesakes: dict[str, Rule]) -> Rule:
    """Returns a Python rule; one that completes a rule of cfn-guard takes over its tier and its entry."""
    namesake = namesakes.get(rule.name)
    return rule if namesake is None else replace(rule, tier=namesake.tier, entry=namesake.entry)


def _switched(ruleset: Ruleset, settings: RuleSettings, protected: Container[str]) -> Ruleset:
    names = [rule.name for rule in ruleset.every]
    for switch in settings.switches:
        if switch.rule not in names:
            hint = spelling.nearest(switch.rule, names)
            msg = f"{settings.name}:{switch.line}: checks: there is no rule {switch.rule!r}{hint} `preflight rules` lists them"
            raise UsageError(msg)
    refused = [s for s in settings.switches if s.rule in protected and s.to not in {"on", rules.UNWAIVABLE}]
    to = {switch.rule: switch.to for switch in settings.switches if switch not in refused}
    guard, in_python = (tuple(_switch(r, to.get(r.name)) for r in part) for part in (ruleset.guard, ruleset.python_rules))
    findings = (_refused_switch(settings, switch) for switch in refused)
    return replace(ruleset, guard=guard, python_rules=in_python, refusals=(*ruleset.refusals, *findings))


def _refused_switch(settings: RuleSettings, switch: RuleSwitch) -> Finding:
    message = f"{switch.rule} is a rule of tier fargate, which a plan cannot switch to {switch.to}; it stayed on."
    fix = f"Fix what the rule finds, and remove the switch. {CALLER}"
    return Finding("comply", SWITCHED, Severity.ERROR, message, file=settings.name, line=switch.line, fix=fix)


def _switch(rule: Rule, to: str | None) -> Rule:
    if to is None:
        return rule
    switched = replace(rule, entry=replace(rule.entry, is_enabled=to != "off"))
    return replace(switched, tier=to) if to in model.TIERS else switched


def shipped_rules() -> Path:
    """The folder of the rules: inside the installed package, or beside the sources of a checkout."""
    installed = Path(__file__).parents[1] / "rules"
    return installed if installed.is_dir() else Path(__file__).parents[3] / "rules"
