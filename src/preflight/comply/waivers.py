"""Rules that are waived for a resource, in a template or in the plan: which waivers count, and what they hide. Pure.

In a template a rule is waived by `Metadata.guard.SuppressedRules`, a list of rule names; the reason
stands in `Metadata.guard.Reasons`, a map from rule name to sentence, and in `Metadata.guard.Until`
may stand the last day it counts. A rule about parameters, which have no metadata, is waived in the
metadata of the template, for all of them. In the plan it is one entry of `waivers`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

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
    OF_FARGATE_TIER: (Severity.ERROR, "a rule of tier fargate is waived; what AWS refuses nobody can waive"),
    EXPIRED: (Severity.ERROR, "the last day of a waiver is over"),
    UNUSED: (Severity.WARNING, "a waiver hides nothing: the rule holds without it"),
    UNKNOWN_RULE: (Severity.WARNING, "a waiver names a rule that nobody knows; a mere note where no rule is alike"),
}


@dataclass(frozen=True)
class Waiver:
    """One waiver as it is written; `resource` is None where it is one of the whole template.

    `file` is where the resource stands, None where the plan does not say.
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
        """Whether its reason is one."""
        return len(self.reason.strip()) >= LEAST

    def is_over(self, today: dt.date) -> bool:
        """Whether its last day is past."""
        return self.until is not None and rule_settings.is_date(self.until) and self.until < today.isoformat()

    def counts(self, rule: Rule | None, today: dt.date) -> bool:
        """Whether it hides findings of its rule."""
        return rule is not None and rule.is_waivable and self.has_reason and not self.is_over(today)

    def shown(self) -> ReportedWaiver:
        """It, for the report."""
        reason = self.reason or "no reason given"
        return ReportedWaiver(self.rule, self.resource, reason, self.where, self.file, self.until)


def of(templates: Sequence[Template]) -> list[Waiver]:
    """Every waiver in templates, in their order."""
    return [claim for known in templates for claim in _of(known)]


def _of(known: Template) -> Iterator[Waiver]:
    yield from _within(known, known.data, None, ())
    for name, resource in known.resources.items():
        yield from _within(known, resource, name, ("Resources", name))


def _within(
    known: Template, part: Mapping[str, Any], name: str | None, place: tuple[str, ...]
) -> Iterator[Waiver]:
    """The waivers in the metadata of a template, or of one of its resources."""
    guard = guard_of(part)
    for number, rule in enumerate(dict.fromkeys(suppressed(guard))):
        reason, until = _entry(guard, "Reasons", rule), _entry(guard, "Until", rule) or None
        line = known.line(*place, "Metadata", "guard", "SuppressedRules", number)
        yield Waiver(rule, name, reason, "template", known.name, until, (known.name, line))


def guard_of(part: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the metadata of a resource, or of a template, says to cfn-guard."""
    metadata = part.get("Metadata")
    guard = metadata.get("guard") if isinstance(metadata, dict) else None
    return guard if isinstance(guard, dict) else {}


def suppressed(guard: Mapping[str, Any]) -> list[str]:
    """Names of the rules that are suppressed; one name alone is a list of one, as cfn-guard has it."""
    given = guard.get("SuppressedRules")
    return [rule for rule in (given if isinstance(given, list) else [given]) if isinstance(rule, str)]


def _entry(guard: Mapping[str, Any], key: str, rule: str) -> str:
    given = guard.get(key)
    value = given.get(rule) if isinstance(given, dict) else None
    return value if isinstance(value, str) else ""


def of_policy(asked: RuleSettings) -> list[Waiver]:
    """Every waiver in a plan."""
    return [
        Waiver(w.rule, w.resource, w.reason, "plan", w.file, w.until, (asked.name, w.line)) for w in asked.waivers
    ]


def stripped(data: Mapping[str, Any], resources: Mapping[str, Any]) -> dict[str, Any]:
    """A template without what its metadata suppresses, so that rules speak as if nothing were waived."""
    return {**_bare(data), "Resources": {name: _bare(resource) for name, resource in resources.items()}}


def _bare(part: Any) -> Any:
    if not isinstance(part, dict) or "SuppressedRules" not in guard_of(part):
        return part
    metadata = dict(part["Metadata"])
    metadata["guard"] = {k: v for k, v in metadata["guard"].items() if k not in {"SuppressedRules", "Reasons", "Until"}}
    return {**part, "Metadata": metadata}


def troubles(claims: Sequence[Waiver], rules: Mapping[str, Rule], today: dt.date) -> list[Finding]:
    """What is wrong with waivers by themselves; whether one still hides something is asked elsewhere."""
    unknown = {claim.rule for claim in claims} - set(rules)
    hints = {rule: spelling.nearest(rule, list(rules), cutoff=spelling.NEAR) for rule in unknown}
    return [found for claim in claims for found in _troubles(claim, rules.get(claim.rule), hints, today)]


def _troubles(
    claim: Waiver, rule: Rule | None, hints: Mapping[str, str], today: dt.date
) -> Iterator[Finding]:
    if rule is None:
        yield _unknown(claim, hints[claim.rule])
        return
    if not rule.is_waivable:
        what = "AWS refuses what this rule forbids, or the task never starts, so it cannot be waived."
        yield trouble(OF_FARGATE_TIER, claim, what, "Mend the resource, and take the waiver out.")
    elif not claim.has_reason:
        what = f"the waiver gives no reason of at least {LEAST} characters, so it does not count."
        yield trouble(WITHOUT_REASON, claim, what, f"{_reason_place(claim)}, or take the waiver out.")
    elif claim.until is not None and not rule_settings.is_date(claim.until):
        yield trouble(EXPIRED, claim, f"{claim.until!r} is no date.", "Write the last day as 2027-01-31.")
    elif claim.is_over(today):
        yield trouble(EXPIRED, claim, f"the waiver counted until {claim.until}.", "Mend the resource, or give the waiver a new day.")


def _reason_place(claim: Waiver) -> str:
    return f"Say why under Metadata.guard.Reasons.{claim.rule}" if claim.where == "template" else "Say why under `reason`"


def _unknown(claim: Waiver, hint: str) -> Finding:
    """A name that is like one of ours is a slip; any other may be a rule of another tool that reads the same metadata."""
    is_slip = hint != "." or claim.where == "plan"
    found = trouble(UNKNOWN_RULE, claim, f"there is no rule {claim.rule}{hint}", "Name a rule that `preflight rules` lists.")
    return found if is_slip else replace(found, severity=Severity.INFO)


def unused(claim: Waiver) -> Finding:
    """The finding that a waiver hides nothing."""
    what = f"the waiver hides nothing: {claim.rule} holds for {claim.resource or 'the template'} without it."
    return trouble(UNUSED, claim, what, "Take the waiver out.")


def trouble(check: str, claim: Waiver, message: str, fix: str) -> Finding:
    """A finding about a waiver, at the place where it is written."""
    file, line = claim.written
    said = f"{claim.rule}: {message}"
    return Finding("comply", check, CHECKS[check][0], said, file=file, line=line, resource=claim.resource, fix=fix)


def covers(claim: Waiver, finding: Finding) -> bool:
    """Whether a finding is of the rule and the resource that a waiver names."""
    is_there = claim.file is None or finding.file == claim.file or (claim.where == "plan" and _ends(finding.file, claim.file))
    return is_there and claim.rule == finding.check and claim.resource == finding.resource


def _ends(file: str | None, asked: str) -> bool:
    """Whether a plan, whose paths start from its folder, means this file."""
    return file is not None and f"/{file}".endswith(f"/{asked.removeprefix('./')}")
