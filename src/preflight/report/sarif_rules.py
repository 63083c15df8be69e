"""The rules of a SARIF log, as GitHub's code scanning shows them: title, reason, help, tags and how severe they are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib import parse

from preflight.model import DescribedRule, Finding, Severity
from preflight.report import markdown

MOST_TAGS = 20
LONGEST = 1024  # letters of a description
SECURITY_SEVERITY = {Severity.ERROR: "7.0", Severity.WARNING: "5.0", Severity.INFO: "2.0"}  # high, medium, low
_KINDS = {
    "lint": "cfn-lint: {title}",
    "comply": "Checks of the Fargate rules",
    "rehearse": "What AWS refuses, or what stops or changes, when the deployment is rehearsed",
    "update": "What an update loses, interrupts or cannot do",
    "smoke": "Requests of the plan that are not answered as expected",
}
_PROBLEM = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "recommendation"}
_WORD = re.compile(r"[^A-Za-z0-9]+")


def of(findings: Iterable[Finding], described: Mapping[str, DescribedRule]) -> list[dict[str, Any]]:
    """Returns a rule for each check of the findings; what is not described is taken from its first finding."""
    first: dict[str, Finding] = {}
    for finding in findings:
        first.setdefault(text(finding.check) or "-", finding)
    return [_rule(check, finding, described.get(finding.check) or _from(finding)) for check, finding in first.items()]


def _from(finding: Finding) -> DescribedRule:
    """Returns what a finding says of a check that is no rule of comply."""
    title = finding.fix if finding.stage == "lint" and finding.fix else ""
    kind = _KINDS.get(finding.stage, "").format(title=title or finding.check)
    return DescribedRule(title or f"{_words(finding.check)}: {kind[:1].lower()}{kind[1:]}", kind, source=finding.source)


def _words(check: str) -> str:
    return " ".join(filter(None, _WORD.split(check))) or "-"


def _rule(check: str, finding: Finding, described: DescribedRule) -> dict[str, Any]:
    page = _page(described.source or finding.source)
    title, why = text(described.title)[:LONGEST] or check, text(described.why or described.title)[:LONGEST] or check
    controls = [f"Controls: {', '.join(described.controls)}."] if described.controls else []
    plain = [why, *controls, *([f"See {page}"] if page else [])]
    links = [f"[{markdown.escaped(page)}](<{page}>)"] if page else []
    shown = [f"**{markdown.escaped(title)}**", markdown.escaped(why), *map(markdown.escaped, controls), *links]
    return {
        "id": check,
        "shortDescription": {"text": title},
        "fullDescription": {"text": why},
        "help": {"text": text("\n".join(plain)), "markdown": "\n\n".join(shown)},
        **({"helpUri": page} if page else {}),
        "properties": _properties(finding, described),
    }


def _properties(finding: Finding, described: DescribedRule) -> dict[str, Any]:
    is_security = described.tier == "security"
    tags = dict.fromkeys(map(text, ("security" if is_security else "", described.tier, finding.stage, *described.controls, *described.types)))
    severity = {"security-severity": SECURITY_SEVERITY[finding.severity]} if is_security else {"problem.severity": _PROBLEM[finding.severity]}
    controls = {"controls": list(map(text, described.controls))} if described.controls else {}
    return {"tags": list(filter(None, tags))[:MOST_TAGS], "precision": "high", **severity, **controls}


def _page(source: str | None) -> str | None:
    """Returns the address of a page of the web, or None for anything else."""
    if source is None or not source.lower().startswith(("https://", "http://")):
        return None
    return parse.quote(source, safe="%/:=&?~#+!$,;'@()*[]", errors="replace")


def text(value: str) -> str:
    """Returns a text without halves of characters, which JSON can spell but no reader has to take."""
    return value.encode(errors="replace").decode()
