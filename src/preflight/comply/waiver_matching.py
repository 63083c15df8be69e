"""Findings and waivers brought together: what remains, what is wrong with waivers, and which hide nothing. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from preflight.comply import waivers
from preflight.comply.ruleset import Ruleset
from preflight.comply.waivers import Waiver
from preflight.model import Finding
from preflight.plan.resolved_stacks import ResolvedStacks, ResolvedTemplate
from preflight.templates import functions, references
from preflight.templates.template import Template

_Key = tuple[str | None, str, str | None]
_UNDECIDED = frozenset({"Fn::If", "Fn::FindInMap"})  # functions that only stay if a parameter is not known


@dataclass(frozen=True)
class MatchedFindings:
    """What remains of the findings, what is wrong with waivers, and which of these hide nothing so far."""

    findings: list[Finding]
    troubles: list[Finding]
    idle: list[Waiver]
    claims: list[Waiver]


class WaiverMatcher:
    """Brings findings and waivers together."""

    def __init__(
        self,
        claims: Sequence[Waiver],
        rules: Ruleset,
        every: ResolvedStacks,
        *,
        templates: Mapping[Path, Template],
        today: dt.date,
    ) -> None:
        self._claims = list(claims)
        self._rules = rules
        self._estate = every
        self._templates = templates
        self._today = today
        self._known = {rule.name: rule for rule in rules.every}
        self._counting = [c for c in self._claims if c.counts(self._known.get(c.rule), today)]

    def settled(self, raw: Sequence[Finding], resolved: Sequence[Finding]) -> MatchedFindings:
        """What remains of the findings in templates as written and as resolved."""
        only_here = {key: f for key, f in _distinct(raw).items() if not self._is_said_elsewhere(key)}
        every = {**_distinct(resolved), **only_here}
        hidden: set[_Key] = set()
        used: set[Waiver] = set()
        for key, finding in every.items():
            claims = [claim for claim in self._counting if self._hides(claim, finding)]
            used |= set(claims)
            hidden |= {key} if claims else set()
        findings = [finding for key, finding in every.items() if key not in hidden]
        troubles = waivers.troubles(self._claims, self._known, self._today)
        idle = [claim for claim in self._counting if claim not in used and self._is_decided(claim)]
        return MatchedFindings(_sorted(findings, self._templates), troubles, idle, self._claims)

    def _is_said_elsewhere(self, key: _Key) -> bool:
        """Whether a rule found no more, in the template as written, than that its waiver gives no reason."""
        file, check, resource = key
        rule = self._known.get(check)
        is_waived = any(
            c.where == "template" and (c.file, c.rule, c.resource) == key and not c.has_reason for c in self._claims
        )
        if not is_waived or rule is None or not rule.is_waivable:
            return False
        return any(resource is None or resource in document.resources for document in self._estate.of_file(file or ""))

    def _hides(self, claim: Waiver, finding: Finding) -> bool:
        if claim.resource is None:
            return is_of_template(claim, finding, self._templates)
        return waivers.covers(claim, finding) or (
            claim.where == "template"
            and (claim.rule, claim.file) == (finding.check, finding.file)
            and finding.resource is not None
            and self._speaks_of(claim, finding.resource)
        )

    def _speaks_of(self, claim: Waiver, other: str) -> bool:
        """Whether a finding at `other` is about the waived resource: joined to it, and to no like one that is not waived."""
        waived = {c.resource for c in self._counting if (c.rule, c.file) == (claim.rule, claim.file)}
        for document in self._estate.of_file(claim.file or ""):
            kind = document.resources.get(claim.resource or "", {}).get("Type")
            if kind == document.resources.get(other, {}).get("Type"):
                continue
            alike = [n for n, r in document.resources.items() if r.get("Type") == kind and _refers(r, other)]
            if claim.resource in alike and waived.issuperset(alike):
                return True
        return False

    def _is_decided(self, claim: Waiver) -> bool:
        """Whether it can be said that a waiver hides nothing: the rule was run, and all of the resource was known."""
        if claim.rule not in self._rules.on:
            return False
        if claim.where == "plan":
            return True
        if claim.resource is None:
            return bool(self._estate.of_file(claim.file or ""))
        found = [d for d in self._estate.of_file(claim.file or "") if claim.resource in d.resources]
        return bool(found) and not any(_is_undecided(d, d.resources[claim.resource]) for d in found)


def is_of_template(claim: Waiver, finding: Finding, templates: Mapping[Path, Template]) -> bool:
    """Whether a waiver of a whole template means a finding: one about its parameters, or about no part of it."""
    if (claim.rule, claim.file) != (finding.check, finding.file):
        return False
    return not any(known.name == claim.file and finding.resource in known.resources for known in templates.values())


def _distinct(findings: Sequence[Finding]) -> dict[_Key, Finding]:
    """Findings by file, rule and resource; the first of each."""
    found: dict[_Key, Finding] = {}
    for finding in findings:
        found.setdefault((finding.file, finding.check, finding.resource), finding)
    return found


def _sorted(findings: Sequence[Finding], templates: Mapping[Path, Template]) -> list[Finding]:
    order = {known.name: number for number, known in enumerate(templates.values())}
    return sorted(findings, key=lambda f: (order.get(f.file or "", -1), f.line or 0, f.check))


def _refers(value: Any, name: str) -> bool:
    """Whether a part of a template refers to a resource by Ref or Fn::GetAtt."""
    return any(r.name == name and r.function != "Fn::Sub" for r in references.references_in(value))


def _is_undecided(document: ResolvedTemplate, resource: Mapping[str, Any]) -> bool:
    """Whether something of a resource depends on a value that is not known, references to resources apart."""
    parameters = document.expanded["Parameters"]
    return any(_depends_on_parameters(value, parameters) for key, value in resource.items() if key != "Metadata")


def _depends_on_parameters(value: Any, parameters: Mapping[str, Any]) -> bool:
    if not _UNDECIDED.isdisjoint(functions.functions_in(value)):
        return True
    return any(r.attribute is None and r.name in parameters for r in references.references_in(value))
