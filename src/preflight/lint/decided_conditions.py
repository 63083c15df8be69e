"""Findings about resources under conditions that no stack of a plan has.

cfn-lint judges every combination of conditions. AWS checks the properties of a resource when it creates it:
those that a condition leaves out refuse nothing.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from preflight.errors import ToolBrokeError
from preflight.lint import written_template
from preflight.lint.worker import UNREADABLE, Match
from preflight.model import Finding, Severity
from preflight.plan.resolved_stacks import ResolvedTemplate
from preflight.templates import language_extensions
from preflight.templates.template import Template

SECTIONS = ("Resources", "Outputs")
# Of the checks of resources (E3…), those of what AWS refuses whatever the conditions (types, cycles, names, limits), and that of
# the parameters of a nested stack, whose template cfn-lint looks for beside the file.
OF_FORMAT = frozenset({"E3001", "E3004", "E3005", "E3006", "E3007", "E3010", "E3043"})
Lint = Callable[[Mapping[Path, Template]], Mapping[Path, list[Match] | ToolBrokeError]]


def in_effect(findings: Sequence[Finding], stacks: Callable[[], Sequence[ResolvedTemplate]], lint: Lint) -> list[Finding]:
    """Returns the findings; an error that `lint` finds in no template as a stack of the plan has it is a warning."""
    files = {finding.file for finding in findings if _depends_on_conditions(finding)}
    documents = [document for document in stacks() if document.name in files and document.source.data.get("Conditions")] if files else []
    with tempfile.TemporaryDirectory() as folder:
        written = {_write(document, Path(folder) / f"{n}.json"): document for n, document in enumerate(documents) if _can_be_written(document)}
        verdicts = lint({file: document.source for file, document in written.items()}) if written else {}
    undecided = {document.name for document in documents if not _can_be_written(document)}
    found: set[tuple[str, str, str | None]] = set()
    for file, document in written.items():
        matches = verdicts[file]
        if isinstance(matches, ToolBrokeError) or any(match.check.startswith(UNREADABLE) for match in matches):
            undecided.add(document.name)
        else:
            found |= {(document.name, match.check, match.resource) for match in matches}
    decided = {document.name for document in documents} - undecided
    return [_as_warning(f) if _depends_on_conditions(f) and f.file in decided and (f.file, f.check, f.resource) not in found else f for f in findings]


def _depends_on_conditions(finding: Finding) -> bool:
    return finding.severity is Severity.ERROR and finding.check.startswith("E3") and finding.check not in OF_FORMAT


def _as_warning(finding: Finding) -> Finding:
    return replace(finding, severity=Severity.WARNING, message=f"{finding.message} (under conditions that no stack of this plan has)")


def _can_be_written(document: ResolvedTemplate) -> bool:
    """Whether a template has no loops, whose resources have other names once they are unrolled."""
    return not language_extensions.is_used(document.source.data)


def _write(document: ResolvedTemplate, file: Path) -> Path:
    """Writes the template of a stack without what its conditions leave out."""
    data = document.source.data
    sections = {section: dict(_existing(document, data[section])) for section in SECTIONS if isinstance(data.get(section), dict)}
    return written_template.write(file, {**data, **sections})


def _existing(document: ResolvedTemplate, section: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yields the members of a section that exist or may exist, each without its condition if that holds."""
    for name, member in section.items():
        if not isinstance(member, dict):
            yield name, member
        elif document.resolver.holds(member):
            condition = member.get("Condition")
            is_decided = isinstance(condition, str) and not document.resolver.is_undecided(condition)
            yield name, {key: value for key, value in document.chosen(member).items() if key != "Condition" or not is_decided}
