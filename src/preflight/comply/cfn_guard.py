"""cfn-guard over templates: one process for all rules and templates, or several for large ones; findings out.

cfn-guard ends with 0 or 19 for many reasons that are no verdict, so a verdict is believed only when
the exit code is one of these, nothing stands on standard error, and every rule answered for every
template.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

from preflight.comply.cfn_guard_binary import Binary
from preflight.comply.rules import Rule
from preflight.errors import ToolBrokeError
from preflight.model import Finding
from preflight.system import processes
from preflight.system.processes import CompletedProcess, StartedProcess
from preflight.templates.template import Key

VERDICTS = (0, 19)
_LOGICAL = ("Resources", "Parameters")  # sections whose names are logical ids, one namespace in each template
_LINE_END = re.compile(r";\s*$|;(?=\s{2})|^;")  # cfn-guard writes the line ends of some messages as semicolons
LARGE = 100_000  # bytes of all documents, above which a second process is faster
TIMEOUT = 300.0  # seconds, and one more for each document
_Clause = tuple[str, bool, tuple[str, ...]]  # message, whether it is the rule's own, path


class Document(Protocol):
    """A document that is checked against the rules: its name in reports, and the lines of its parts."""

    @property
    def name(self) -> str:
        """What reports call the file."""

    def line(self, *path: Key) -> int:
        """Line of the part at `path`, or of the nearest part above it."""


class GuardRun:
    """A cfn-guard at work, each process on its share of the documents; `findings` waits for it."""

    def __init__(self, started: Mapping[StartedProcess, Mapping[Path, Document]], rules: Sequence[Rule]) -> None:
        self._started = started
        self._rules = rules
        # Each process is read while it works, since one stops whose output is not read.
        self._pool = ThreadPoolExecutor(len(started))
        self._results = [
            (self._pool.submit(process.result, timeout=TIMEOUT + len(share)), share) for process, share in started.items()
        ]

    def findings(self) -> list[Finding]:
        """One finding for each rule and resource, or parameter, that do not fit.

        Raises:
            ToolBrokeError: cfn-guard ended with anything but a verdict.
        """
        return [finding for found in self.by_document().values() for finding in found]

    def by_document(self) -> dict[Path, list[Finding]]:
        """The findings of each document, by the absolute path of its file.

        Raises:
            ToolBrokeError: cfn-guard ended with anything but a verdict.
        """
        findings = {}
        for result, share in self._results:
            findings.update(judged(result.result(), self._rules, share))
        return findings

    def kill(self) -> None:
        """End cfn-guard."""
        for process in self._started:
            process.kill()
        self._pool.shutdown()


def start(binary: Binary, rules: Sequence[Rule], templates: Mapping[Path, Document]) -> GuardRun:
    """Starts processes that check every template (by the path of its file) against every rule."""
    files = sorted({rule.file for rule in rules})
    args = [str(binary.path), "validate", "--structured", "--output-format", "json", "--show-summary", "none"]
    args += ["--rules", *map(str, files), "--data"]
    documents = {path.absolute(): document for path, document in templates.items()}
    return GuardRun({processes.start(*args, *map(str, share)): share for share in _shares(documents)}, rules)


def _shares(documents: Mapping[Path, Document]) -> list[Mapping[Path, Document]]:
    """Returns the documents in one share for each processor, or all in one if they are small."""
    sizes = {path: path.stat().st_size for path in documents if path.is_file()}
    count = min(os.cpu_count() or 1, len(documents)) if sum(sizes.values()) > LARGE else 1
    ordered = sorted(documents, key=lambda path: -sizes.get(path, 0))
    return [{path: documents[path] for path in ordered[n::count]} for n in range(max(count, 1))]


def judge(done: CompletedProcess, rules: Sequence[Rule], templates: Mapping[Path, Document]) -> list[Finding]:
    """The findings in what cfn-guard said, in the order of the documents.

    Raises:
        ToolBrokeError: it is no verdict.
    """
    return [finding for found in judged(done, rules, templates).values() for finding in found]


def judged(
    done: CompletedProcess, rules: Sequence[Rule], templates: Mapping[Path, Document]
) -> dict[Path, list[Finding]]:
    """The findings in what cfn-guard said, by document.

    Raises:
        ToolBrokeError: it is no verdict.
    """
    if done.code not in VERDICTS or done.stderr.strip():
        msg = f"cfn-guard gave no verdict: {done}"
        raise ToolBrokeError(msg)
    answers = _answers(done)
    expected = sorted(rule.name for rule in rules)
    for path in templates:
        if path not in answers:
            msg = f"cfn-guard gave no verdict on {templates[path].name}"
            raise ToolBrokeError(msg)
        answered = sorted(_answered(answers[path]))
        if answered != expected:
            odd = sorted(set(expected) ^ set(answered)) or ["a rule answered twice"]
            msg = f"cfn-guard gave no verdict on {templates[path].name} by {', '.join(odd)}"
            raise ToolBrokeError(msg)
    by_name = {rule.name: rule for rule in rules}
    return {path: list(_findings(answers[path], by_name, known)) for path, known in templates.items()}


def _answers(done: CompletedProcess) -> dict[Path, Mapping[str, Any]]:
    try:
        return {Path(answer["name"]): answer for answer in json.loads(done.stdout)}
    except (ValueError, KeyError, TypeError):
        msg = f"cfn-guard gave no verdict that can be read: {done.stdout[:200]!r}"
        raise ToolBrokeError(msg) from None


def _answered(answer: Mapping[str, Any]) -> Iterator[str]:
    yield from answer.get("compliant", [])
    yield from answer.get("not_applicable", [])
    yield from (broken["Rule"]["name"] for broken in answer.get("not_compliant", []))


def _findings(
    answer: Mapping[str, Any], rules: Mapping[str, Rule], known: Document
) -> Iterator[Finding]:
    for broken in answer.get("not_compliant", []):
        rule = rules[broken["Rule"]["name"]]
        offenders: dict[str | None, tuple[str, tuple[str, ...]]] = {}
        for message, is_own, path in _clauses(broken["Rule"]["checks"]):
            resource = path[1] if len(path) > 1 and path[0] in _LOGICAL else None
            if resource not in offenders or (is_own and "Violation:" not in offenders[resource][0]):
                offenders[resource] = message, path
        for resource, (message, path) in offenders.items() or [(None, ("", ()))]:
            yield _finding(rule, known, message, path, resource)


def _clauses(checks: Any) -> Iterator[_Clause]:
    """Message, whether it is the rule's own, and path of every clause that failed, however nested."""
    if isinstance(checks, list):
        for item in checks:
            yield from _clauses(item)
        return
    if not isinstance(checks, dict):
        return
    if "Disjunctions" in checks:
        yield from _alternatives(list(_clauses(checks["Disjunctions"])))
        return
    messages = checks.get("messages") or {}
    if "check" in checks or "unresolved" in checks:
        own = messages.get("custom_message")
        message = own or messages.get("error_message") or ""
        if message.strip():
            yield message, bool(own), _path(checks.get("check") or checks.get("unresolved") or {})
        return
    for item in checks.values():
        yield from _clauses(item)


def _alternatives(clauses: Sequence[_Clause]) -> Iterator[_Clause]:
    """The failed branches of an `or`: those with a place, each with the message that stands after the last."""
    shared = next((message for message, is_own, _ in clauses if is_own), None)
    for message, is_own, path in [clause for clause in clauses if clause[2]] or clauses:
        yield (message, is_own, path) if is_own or shared is None else (shared, True, path)


def _path(check: Any) -> tuple[str, ...]:
    for found in _paths(check):
        return tuple(found.strip("/").split("/"))
    return ()


def _paths(check: Any) -> Iterator[str]:
    if isinstance(check, dict):
        if isinstance(check.get("path"), str) and check["path"]:
            yield check["path"]
        for key in ("from", "value", "traversed_to", *check):
            yield from _paths(check.get(key)) if isinstance(check.get(key), dict) else ()


def _finding(
    rule: Rule, known: Document, message: str, path: tuple[str, ...], resource: str | None
) -> Finding:
    keys = tuple(int(part) if part.isdigit() else part for part in path)
    violation, fix = _violation_and_fix(message)
    return Finding(
        stage="comply",
        check=rule.name,
        severity=rule.severity,
        message=violation,
        file=known.name,
        line=known.line(*keys),
        resource=resource,
        property=".".join(path[3:]) or None,
        fix=fix,
        source=rule.source,
    )


def _violation_and_fix(message: str) -> tuple[str, str | None]:
    """Returns the violation and the fix in a custom message."""
    text = " ".join(_LINE_END.sub(" ", message).split())
    violation, _, fix = text.partition("Fix:")
    return violation.removeprefix("Violation:").strip() or "the rule does not hold", fix.strip() or None
