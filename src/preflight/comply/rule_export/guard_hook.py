"""The rules for Guard Hooks of CloudFormation: archives of rule files, which a hook reads from S3.

A hook takes one archive, fails or warns as a whole, and gives its rules an input for each of its targets:
of STACK and CHANGE_SET the template as it was given, with HookContext and Previous beside its sections; of
RESOURCE and CLOUD_CONTROL one resource below Resources, with Type and Properties, in which functions are
resolved. Neither Metadata nor DependsOn is there, so that no waiver of a template is seen.

https://docs.aws.amazon.com/cloudformation-cli/latest/hooks-userguide/guard-hooks-write-rules.html shows the
inputs, and rules with their verdicts; its example uses json_parse, a function of Guard 3.
https://docs.aws.amazon.com/cloudformation-cli/latest/hooks-userguide/guard-hooks-activate-hooks.html says
what a hook reads: .guard, .zip or .tar.gz.
"""

from __future__ import annotations

import io
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from preflight.comply.rule_export import export, rule_text
from preflight.comply.rule_export.export import Export, LeftOut, NotExportableError
from preflight.comply.rules import Rule
from preflight.comply.ruleset import Ruleset
from preflight.model import Severity

STACK, RESOURCE = "stack", "resource"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first date of an archive: equal rules make equal bytes


def of(ruleset: Ruleset) -> Export:
    """Returns an archive for each target and severity; a file is in that of the mildest of its rules."""
    texts, against = export.candidates(ruleset)
    files: dict[str, bytes] = {}
    counts: dict[str, int] = {}
    left_out: list[LeftOut] = []
    for target in (STACK, RESOURCE):
        reasons = against | (_against_resources(texts) if target == RESOURCE else {})
        archives: dict[str, dict[str, str]] = defaultdict(dict)
        for text, rules in texts.items():
            if rules[0].name not in reasons:
                archives[_archive_name(target, _mildest(rules))][f"{rules[0].name}.guard"] = text
        files |= {name: _archive(members) for name, members in archives.items()}
        counts[target] = sum(len(rules) for rules in texts.values() if rules[0].name not in reasons)
        left_out += export.left_out(ruleset, _milder(texts, target) | reasons, target)
    return Export(files, counts, left_out)


def _mildest(rules: Iterable[Rule]) -> Rule:
    """Returns the first rule of a file that only warns, else the first: what a plan has as a warning must not refuse a stack."""
    return min(rules, key=lambda rule: rule.severity == Severity.ERROR)


def _archive_name(target: str, rule: Rule) -> str:
    return f"{target}-{rule.severity.value}.zip"


def _milder(texts: Mapping[str, Sequence[Rule]], target: str) -> dict[str, str]:
    """Returns, by name, where the rules are that are not in the archive of their severity, and why."""
    reasons: dict[str, str] = {}
    for rules in texts.values():
        mildest = _mildest(rules)
        only = f"is only in {_archive_name(target, mildest)}, since it stands in one file with {mildest.name}, whose severity is {mildest.severity.value}"
        reasons |= {rule.name: only for rule in rules if rule.severity != mildest.severity}
    return reasons


def _against_resources(texts: Mapping[str, Iterable[Rule]]) -> dict[str, str]:
    """Returns what keeps rules from the targets that see one resource, by the names of the rules."""
    reasons: dict[str, str] = {}
    for text, rules in texts.items():
        for rule in rules:
            try:
                rule_text.only_selection(text)
            except NotExportableError as error:
                reasons[rule.name] = str(error)
            if rule.name in rule_text.AS_WRITTEN:
                reasons[rule.name] = rule_text.WRITTEN
    return reasons


def _archive(members: Mapping[str, str]) -> bytes:
    """Returns a ZIP archive of rule files."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as written:
        for name in sorted(members):
            written.writestr(zipfile.ZipInfo(name, _EPOCH), members[name], zipfile.ZIP_DEFLATED)
    return archive.getvalue()
