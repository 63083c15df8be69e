"""cfn-guard over templates: batches of rules and documents in as many processes as there are processors; findings out.

cfn-guard ends with 0 or 19 for many reasons that are no verdict, so a verdict is believed only when
the exit code is one of these, nothing stands on standard error, and every rule answered for every
template.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from preflight.comply import guard_batches
from preflight.comply.cfn_guard_binary import Binary
from preflight.comply.guard_batches import Batch
from preflight.comply.guard_documents import GuardDocument, Located
from preflight.comply.known_offences import KnownOffences, Offence
from preflight.comply.rules import Rule
from preflight.errors import ToolBrokeError
from preflight.model import Finding
from preflight.system import processes
from preflight.system.processes import CompletedProcess, StartedProcess
from preflight.system.result_cache import ResultCache

VERDICTS = (0, 19)
_LOGICAL = ("Resources", "Parameters")  # sections whose names are logical ids, one namespace in each template
_LINE_END = re.compile(r";\s*$|;(?=\s{2})|^;")  # cfn-guard writes the line ends of some messages as semicolons
MAX_MEMORY = 4 << 30  # bytes of each process
TIMEOUT = 300.0  # seconds, and one more for each document
_Clause = tuple[str, bool, tuple[str, ...]]  # message, whether it is the rule's own, path


class GuardRun:
    """A cfn-guard at work: as many processes as processors take batch after batch; `findings` waits for it."""

    def __init__(self, binary: Binary, rules: Sequence[Rule], documents: Mapping[Path, GuardDocument], cache: KnownOffences) -> None:
        self._args = (str(binary.path), "validate", "--payload", "--structured", "--output-format", "json", "--show-summary", "none")
        self._rules = rules
        self._documents = documents
        self._cache = cache
        self._known: dict[Path, list[Offence]] = {}
        self._running: set[StartedProcess] = set()
        self._is_killed = False
        self._pool = ThreadPoolExecutor(os.cpu_count() or 1)
        self._batches: list[tuple[Batch, Future[dict[str, list[Offence]]]]] = []

    def begin(self) -> None:
        """Give every batch to the pool, the largest first; what is known need not be checked."""
        self._known = self._cache.of(self._documents)
        batches = guard_batches.of(self._rules, {key: d for key, d in self._documents.items() if key not in self._known})
        self._batches = [(batch, self._pool.submit(self._run, batch)) for batch in batches]

    def _run(self, batch: Batch) -> dict[str, list[Offence]]:
        """Returns the offences in each text of a batch, by the name that cfn-guard has for it."""
        process = processes.start(*self._args, has_input=True)  # it does nothing before it has its input
        process.limit_memory(MAX_MEMORY)
        self._running.add(process)
        if self._is_killed:
            process.kill()
        completed = process.result(timeout=TIMEOUT + len(batch.texts), input_text=batch.payload)
        self._running.discard(process)
        return offences(completed, batch.rules, {f"DATA_STDIN[{n}]": name for n, name in enumerate(batch.names, 1)})

    def findings(self) -> list[Finding]:
        """One finding for each rule and resource, or parameter, that do not fit.

        Raises:
            ToolBrokeError: cfn-guard ended with anything but a verdict.
        """
        return [finding for findings in self.by_document().values() for finding in findings]

    def by_document(self) -> dict[Path, list[Finding]]:
        """The findings of each document, by its key, in the order of documents and rules.

        Raises:
            ToolBrokeError: cfn-guard ended with anything but a verdict.
        """
        offences_by_key: dict[Path, list[Offence]] = {key: list(self._known.get(key, ())) for key in self._documents}
        for batch, answers in self._batches:
            for keys, offences_of_text in zip(batch.texts.values(), answers.result().values(), strict=True):
                for key in keys:
                    offences_by_key[key] += offences_of_text
        self._cache.keep({key: own for key, own in offences_by_key.items() if key not in self._known})
        return {key: described(own, self._rules, self._documents[key].source) for key, own in offences_by_key.items()}

    def kill(self) -> None:
        """End cfn-guard."""
        self._is_killed = True
        self._pool.shutdown(wait=False, cancel_futures=True)
        for process in list(self._running):
            process.kill()
        self._pool.shutdown()


def start(
    binary: Binary, rules: Sequence[Rule], documents: Mapping[Path, GuardDocument], *, cache: ResultCache | None = None
) -> GuardRun:
    """Starts processes that check every document against every rule that may apply to it, unless `cache` knows the result."""
    run = GuardRun(binary, rules, documents, KnownOffences(cache or ResultCache(None), binary, rules))
    run.begin()
    return run


def offences(completed: CompletedProcess, rules: Sequence[Rule], names: Mapping[str, str]) -> dict[str, list[Offence]]:
    """What does not hold in what cfn-guard said, by its name for each document; `names` has those of reports.

    Raises:
        ToolBrokeError: it is no verdict.
    """
    if completed.code not in VERDICTS or completed.stderr.strip():
        msg = f"cfn-guard gave no verdict: {completed}"
        raise ToolBrokeError(msg)
    answers = _answers(completed)
    expected = sorted(rule.name for rule in rules)
    for key, name in names.items():
        if key not in answers:
            msg = f"cfn-guard gave no verdict on {name}"
            raise ToolBrokeError(msg)
        answered = sorted(_answered(answers[key]))
        if answered != expected:
            odd = sorted(set(expected) ^ set(answered)) or ["a rule answered twice"]
            msg = f"cfn-guard gave no verdict on {name} by {', '.join(odd)}"
            raise ToolBrokeError(msg)
    return {key: list(_offences(answers[key])) for key in names}


def _answers(completed: CompletedProcess) -> dict[str, Mapping[str, Any]]:
    try:
        return {answer["name"]: answer for answer in json.loads(completed.stdout)}
    except (ValueError, KeyError, TypeError):
        msg = f"cfn-guard gave no verdict that can be read: {completed.stdout[:200]!r}"
        raise ToolBrokeError(msg) from None


def _answered(answer: Mapping[str, Any]) -> Iterator[str]:
    yield from answer.get("compliant", [])
    yield from answer.get("not_applicable", [])
    yield from (broken["Rule"]["name"] for broken in answer.get("not_compliant", []))


def _offences(answer: Mapping[str, Any]) -> Iterator[Offence]:
    for broken in answer.get("not_compliant", []):
        rule = broken["Rule"]["name"]
        offenders: dict[str | None, tuple[str, tuple[str, ...]]] = {}
        for message, is_own, path in _clauses(broken["Rule"]["checks"]):
            resource = path[1] if len(path) > 1 and path[0] in _LOGICAL else None
            if resource not in offenders or (is_own and "Violation:" not in offenders[resource][0]):
                offenders[resource] = message, path
        for resource, (message, path) in offenders.items() or [(None, ("", ()))]:
            yield Offence(rule, message, path, resource)


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
    for text in _paths(check):
        return tuple(text.strip("/").split("/"))
    return ()


def _paths(check: Any) -> Iterator[str]:
    if isinstance(check, dict):
        if isinstance(check.get("path"), str) and check["path"]:
            yield check["path"]
        for key in ("from", "value", "traversed_to", *check):
            yield from _paths(check.get(key)) if isinstance(check.get(key), dict) else ()


def described(offences: Sequence[Offence], rules: Sequence[Rule], source: Located) -> list[Finding]:
    """Returns the findings about offences in a document, in the order of the rules."""
    by_name = {rule.name: rule for rule in rules}
    order = {name: number for number, name in enumerate(by_name)}
    return [_finding(by_name[o.rule], source, o) for o in sorted(offences, key=lambda o: order[o.rule])]


def _finding(rule: Rule, document: Located, offence: Offence) -> Finding:
    keys = tuple(int(part) if part.isdigit() else part for part in offence.path)
    violation, fix = _violation_and_fix(offence.message)
    return Finding(
        stage="comply",
        check=rule.name,
        severity=rule.severity,
        message=violation,
        file=document.name,
        line=document.line(*keys),
        resource=offence.resource,
        property=".".join(offence.path[3:]) or None,
        fix=fix,
        source=rule.source,
    )


def _violation_and_fix(message: str) -> tuple[str, str | None]:
    """Returns the violation and the fix in a custom message."""
    text = " ".join(_LINE_END.sub(" ", message).split())
    violation, _, fix = text.partition("Fix:")
    return violation.removeprefix("Violation:").strip() or "the rule does not hold", fix.strip() or None
