"""Waivers of rules for a resource, in a template or in the plan: which of them count, and what they hide. Pure.

In a template a rule is waived by `Metadata.guard.SuppressedRules`, a list of rule names; the reason
stands in `Metadata.guard.Reasons`, a map from rule name to sentence, and in `Metadata.guard.Until`
may stand the last day it counts. A rule about parameters, which have no metadata, is waived in the
metadata of the template, for all of them. In the plan it is one entry of `waivers`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from preflight.aws import update_losses
from preflight.comply.rules import Rule
from preflight.model import Finding, ReportedWaiver, Severity
from preflight.plan import rule_settings
from preflight.plan.rule_settings import RuleSettings
from preflight.system import spelling
from preflight.templates.template import Template

LEAST = 15  # characters of a reason, as the rules have it too
WITHOUT_REASON = "WAIVER_WITHOUT_REASON"
OF_FARGATE_TIER = "WAIVER_OF_TIER_A"
EXPIRED = "WAIVER_EXPIRED"
UNUSED = "WAIVER_UNUSED"
UNKNOWN_RULE = "WAIVER_UNKNOWN_RULE"
CHECKS = {
    WITHOUT_REASON: (Severity.ERROR, f"a waiver gives no reason of at least {LEAST} characters"),
    OF_FARGATE_TIER: (Severity.ERROR, "a rule of tier fargate is waived; what AWS refuses cannot be waived"),
    EXPIRED: (Severity.ERROR, "the last day of a waiver is over"),
    UNUSED: (Severity.WARNING, "a waiver hides nothing: the rule holds without it"),
    UNKNOWN_RULE: (Severity.WARNING, "a waiver names an unknown rule; only a note if no rule has a similar name"),
}


@dataclass(frozen=True)
class Waiver:
    """One waiver as it is written; `resource` is None if it is for the whole template.

    `file` is the template of the resource, None if the plan does not name one.
    """

    rule: str
    resource: str | None
    reason: str
    where: str
    file: str | None
    until: str | None
    written: tuple[str, int]

    @property
    def has_reason(self) -> bool:
        """Whether its reason is long enough to be one."""
        return len(self.reason.strip()) >= LEAST

    def has_expired(self, today: dt.date) -> bool:
        """Whether its last day is past."""
        return self.until is not None and rule_settings.is_date(self.until) and self.until < today.isoformat()

    def counts(self, rule: Rule | None, today: dt.date) -> bool:
        """Whether it hides findings of its rule."""
        return rule is not None and rule.is_waivable and self.has_reason and not self.has_expired(today)

    def as_reported(self) -> ReportedWaiver:
        """Returns the waiver as the report has it."""
        reason = self.reason or "no reason given"
        return ReportedWaiver(self.rule, self.resource, reason, self.where, self.file, self.until)


def read_waivers(templates: Sequence[Template]) -> list[Waiver]:
    """Returns every waiver in templates, in their order."""
    return [waiver for template in templates for waiver in _in_template(template)]


def _in_template(template: Template) -> Iterator[Waiver]:
    yield from _in_metadata(template, template.data, None, ())
    for name, resource in template.resources.items():
        yield from _in_metadata(template, resource, name, ("Resources", name))


def _in_metadata(
    template: Template, part: Mapping[str, Any], name: str | None, path: tuple[str, ...]
) -> Iterator[Waiver]:
    """Returns the waivers in the metadata of a template, or of one of its resources."""
    guard = guard_of(part)
    for number, rule in enumerate(dict.fromkeys(suppressed(guard))):
        reason, until = _entry(guard, "Reasons", rule), _entry(guard, "Until", rule) or None
        line = template.line(*path, "Metadata", "guard", "SuppressedRules", number)
        yield Waiver(rule, name, reason, "template", template.name, until, (template.name, line))


def guard_of(part: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns the metadata of a resource, or of a template, for cfn-guard."""
    metadata = part.get("Metadata")
    guard = metadata.get("guard") if isinstance(metadata, dict) else None
    return guard if isinstance(guard, dict) else {}


def suppressed(guard: Mapping[str, Any]) -> list[str]:
    """Names of the rules that are suppressed; one name alone is a list of one, as cfn-guard has it."""
    names = guard.get("SuppressedRules")
    return [name for name in (names if isinstance(names, list) else [names]) if isinstance(name, str)]


def _entry(guard: Mapping[str, Any], key: str, rule: str) -> str:
    entries = guard.get(key)
    value = entries.get(rule) if isinstance(entries, dict) else None
    return value if isinstance(value, str) else ""


def plan_waivers(settings: RuleSettings) -> list[Waiver]:
    """Returns every waiver in a plan."""
    return [
        Waiver(w.rule, w.resource, w.reason, "plan", w.file, w.until, (settings.name, w.line)) for w in settings.waivers
    ]


def stripped(data: Mapping[str, Any], resources: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a template without its suppressions, so that rules report findings as if nothing were waived."""
    return {**_bare(data), "Resources": {name: _bare(resource) for name, resource in resources.items()}}


def _bare(part: Any) -> Any:
    if not isinstance(part, dict) or "SuppressedRules" not in guard_of(part):
        return part
    metadata = dict(part["Metadata"])
    metadata["guard"] = {k: v for k, v in metadata["guard"].items() if k not in {"SuppressedRules", "Reasons", "Until"}}
    return {**part, "Metadata": metadata}


def troubles(
    waivers: Sequence[Waiver], rules: Mapping[str, Rule], today: dt.date, *, off: Container[str] = ()
) -> list[Finding]:
    """Reports what is wrong with waivers by themselves; `waiver_matching` reports those that hide nothing.

    A suppression in a template of a rule that is `off` needs no reason: it may be meant for another
    tool that has a rule of that name.
    """
    waivers = [w for w in waivers if w.has_reason or w.where == "plan" or w.rule not in off]
    unknown = {waiver.rule for waiver in waivers} - {*rules, *update_losses.CHECKS}
    hints = {rule: spelling.nearest(rule, list(rules), cutoff=spelling.NEAR) for rule in unknown}
    return [t for waiver in waivers for t in _troubles(waiver, rules.get(waiver.rule), hints, today)]


def _troubles(
    waiver: Waiver, rule: Rule | None, hints: Mapping[str, str], today: dt.date
) -> Iterator[Finding]:
    if rule is None and waiver.rule in hints:
        yield _unknown(waiver, hints[waiver.rule])
    elif rule is not None and not rule.is_waivable:
        what = "AWS refuses what this rule forbids, or the task never starts, so it cannot be waived."
        yield trouble(OF_FARGATE_TIER, waiver, what, "Fix the resource, and remove the waiver.")
    elif not waiver.has_reason:
        what = f"the waiver gives no reason of at least {LEAST} characters, so it does not count."
        yield trouble(WITHOUT_REASON, waiver, what, f"{_reason_place(waiver)}, or remove the waiver.")
    elif waiver.until is not None and not rule_settings.is_date(waiver.until):
        yield trouble(EXPIRED, waiver, f"{waiver.until!r} is not a date.", "Write the last day as 2027-01-31.")
    elif waiver.has_expired(today):
        yield trouble(EXPIRED, waiver, f"the waiver counted until {waiver.until}.", "Fix the resource, or give the waiver a new day.")


def _reason_place(waiver: Waiver) -> str:
    return f"Say why under Metadata.guard.Reasons.{waiver.rule}" if waiver.where == "template" else "Say why under `reason`"


def _unknown(waiver: Waiver, hint: str) -> Finding:
    """Reports an unknown name: a slip if it resembles one of our rules, else it may be a rule of another tool."""
    is_slip = hint != "." or waiver.where == "plan"
    finding = trouble(UNKNOWN_RULE, waiver, f"there is no rule {waiver.rule}{hint}", "Name a rule that `preflight rules` lists.")
    return finding if is_slip else replace(finding, severity=Severity.INFO)


def unused(waiver: Waiver) -> Finding:
    """Reports that a waiver hides nothing."""
    what = f"the waiver hides nothing: {waiver.rule} holds for {waiver.resource or 'the template'} without it."
    return trouble(UNUSED, waiver, what, "Remove the waiver.")


def trouble(check: str, waiver: Waiver, message: str, fix: str) -> Finding:
    """Returns a finding about a waiver, at the place where it is written."""
    file, line = waiver.written
    message = f"{waiver.rule}: {message}"
    return Finding("comply", check, CHECKS[check][0], message, file=file, line=line, resource=waiver.resource, fix=fix)


def covers(waiver: Waiver, finding: Finding) -> bool:
    """Whether a finding is about the rule and the resource that a waiver names."""
    is_there = waiver.file is None or finding.file == waiver.file or (waiver.where == "plan" and _ends(finding.file, waiver.file))
    return is_there and waiver.rule == finding.check and waiver.resource == finding.resource


def _ends(file: str | None, name: str) -> bool:
    """Whether a plan, whose paths start from its folder, means this file."""
    return file is not None and f"/{file}".endswith(f"/{name.removeprefix('./')}")
