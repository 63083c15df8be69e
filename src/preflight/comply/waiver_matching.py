"""Matches findings with waivers: which findings remain, what is wrong with waivers, and which hide nothing. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from preflight.comply import unused_waivers, waivers
from preflight.comply.ruleset import Ruleset
from preflight.comply.waivers import Waiver
from preflight.model import Finding
from preflight.plan.resolved_stacks import ResolvedStacks
from preflight.templates import references
from preflight.templates.template import Template

_Key = tuple[str | None, str, str | None]


@dataclass(frozen=True)
class MatchedFindings:
    """The findings that remain, what is wrong with waivers, the waivers that hide nothing so far, and all waivers."""

    findings: list[Finding]
    troubles: list[Finding]
    idle: list[Waiver]
    waivers: list[Waiver]


class WaiverMatcher:
    """Matches the findings of a run with its waivers."""

    def __init__(
        self,
        declared: Sequence[Waiver],
        rules: Ruleset,
        stacks: ResolvedStacks,
        *,
        templates: Mapping[Path, Template],
        today: dt.date,
    ) -> None:
        self._waivers = list(declared)
        self._rules = rules
        self._stacks = stacks
        self._templates = templates
        self._today = today
        self._by_name = {rule.name: rule for rule in rules.every}
        self._counting = [c for c in self._waivers if c.counts(self._by_name.get(c.rule), today)]

    def match(self, raw: Sequence[Finding], resolved: Sequence[Finding]) -> MatchedFindings:
        """Returns what remains of the findings in templates as written and as resolved."""
        only_here = {key: f for key, f in _distinct(raw).items() if not self._is_reported_elsewhere(key)}
        used: set[Waiver] = set()
        findings = []
        for finding in {**_distinct(resolved), **only_here}.values():
            hiding = [waiver for waiver in self._counting if self._hides(waiver, finding)]
            used.update(hiding)
            if not hiding:
                findings.append(finding)
        troubles = waivers.troubles(self._waivers, self._by_name, self._today, off=set(self._by_name) - set(self._rules.on))
        idle = [w for w in self._counting if w not in used and unused_waivers.is_certain(w, self._rules, self._stacks)]
        return MatchedFindings(_sorted(findings, self._templates), troubles, idle, self._waivers)

    def _is_reported_elsewhere(self, key: _Key) -> bool:
        """Whether a rule only found, in the template as written, that its waiver gives no reason."""
        file, check, resource = key
        rule = self._by_name.get(check)
        is_waived = any(
            c.where == "template" and (c.file, c.rule, c.resource) == key and not c.has_reason for c in self._waivers
        )
        if not is_waived or rule is None or not rule.is_waivable:
            return False
        return any(resource is None or resource in document.resources for document in self._stacks.of_file(file or ""))

    def _hides(self, waiver: Waiver, finding: Finding) -> bool:
        if waiver.resource is None:
            return is_of_template(waiver, finding, self._templates)
        return waivers.covers(waiver, finding) or (
            waiver.where == "template"
            and (waiver.rule, waiver.file) == (finding.check, finding.file)
            and finding.resource is not None
            and self._is_about(waiver, finding.resource)
        )

    def _is_about(self, waiver: Waiver, other: str) -> bool:
        """Whether a finding at `other` is about the waived resource: joined to it, and to no resource of its type that is not waived."""
        waived = {c.resource for c in self._counting if (c.rule, c.file) == (waiver.rule, waiver.file)}
        for document in self._stacks.of_file(waiver.file or ""):
            kind = document.resources.get(waiver.resource or "", {}).get("Type")
            if kind == document.resources.get(other, {}).get("Type"):
                continue
            alike = [n for n, r in document.resources.items() if r.get("Type") == kind and _refers(r, other)]
            if waiver.resource in alike and waived.issuperset(alike):
                return True
        return False


def is_of_template(waiver: Waiver, finding: Finding, templates: Mapping[Path, Template]) -> bool:
    """Whether a waiver of a whole template covers a finding: one about its parameters, or about no part of it."""
    if (waiver.rule, waiver.file) != (finding.check, finding.file):
        return False
    return not any(t.name == waiver.file and finding.resource in t.resources for t in templates.values())


def _distinct(findings: Sequence[Finding]) -> dict[_Key, Finding]:
    """Returns the first finding of each file, rule and resource."""
    first: dict[_Key, Finding] = {}
    for finding in findings:
        first.setdefault((finding.file, finding.check, finding.resource), finding)
    return first


def _sorted(findings: Sequence[Finding], templates: Mapping[Path, Template]) -> list[Finding]:
    order = {template.name: number for number, template in enumerate(templates.values())}
    return sorted(findings, key=lambda f: (order.get(f.file or "", -1), f.line or 0, f.check))


def _refers(value: Any, name: str) -> bool:
    """Whether a part of a template refers to a resource by Ref or Fn::GetAtt."""
    return any(r.name == name and r.function != "Fn::Sub" for r in references.references_in(value))
