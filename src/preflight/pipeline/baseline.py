"""A baseline: findings that a team knows of, recorded in a file beside the plan, so that a run fails on new ones only.

It is data of the checkout: it hides findings of rules that may be waived and warnings of cfn-lint, and nothing else.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from preflight.errors import UsageError
from preflight.model import BaselineEntry, BaselineUse, Finding, JsonObject
from preflight.pipeline.inputs import RunInputs
from preflight.pipeline.request import RunRequest
from preflight.system import confinement, files_read
from preflight.system.confinement import Kind

FILE = "preflight-baseline.json"
FORMAT = "preflight-baseline/1"
WRITE = "preflight check --write-baseline"
_KEYS = tuple(field.name for field in fields(BaselineEntry))


@dataclass(frozen=True)
class Baseline:
    """The entries of a file, which need not exist yet, and whether the run records its findings there."""

    path: Path
    name: str
    entries: Counter[BaselineEntry] = field(default_factory=Counter)
    is_written: bool = False

    def of_stage(self, stage: str) -> Counter[BaselineEntry]:
        """Returns the entries of a stage."""
        return Counter({entry: count for entry, count in self.entries.items() if entry.stage == stage})


def of(request: RunRequest) -> Baseline | None:
    """Returns the baseline of a run, or None: the file that the caller names, or the plan, or the one beside the plan.

    Raises:
        UsageError: it is no baseline, or leads out of the checkout.
    """
    path = request.baseline or _of_checkout(request)
    if path is None:
        return None
    name = os.path.relpath(path)
    if request.writes_baseline and not os.path.lexists(path):
        return Baseline(path, name, is_written=True)
    root = path.resolve().parent if request.baseline else confinement.root_of(path.parent)
    problem = confinement.problem(path, root)
    if problem is not None:
        msg = f"{name}: the baseline cannot be read: {problem.partition('. Next:')[0]}. Next: write one by `{WRITE}`"
        raise UsageError(msg)
    return Baseline(path, name, Counter(_entries(path, name)), request.writes_baseline)


def _of_checkout(request: RunRequest) -> Path | None:
    """Returns the file that the plan names, or the one beside the plan or nearest to the templates; None if there is none to read."""
    plan = request.plan
    if plan is None or plan.baseline is None:
        folders = [plan.folder] if plan is not None else [*_above(request.templates), Path.cwd()]
        path = next((folder / FILE for folder in folders if os.path.lexists(files_read.look_for(folder / FILE))), None)
        return path or (folders[-1] / FILE if request.writes_baseline else None)
    problem = confinement.problem(plan.baseline.parent, confinement.root_of(plan.folder), kind=Kind.FOLDER)
    if problem is not None:
        msg = f"{plan.path.name}: baseline: {problem}"
        raise UsageError(msg)
    return plan.baseline


def _above(templates: Sequence[Path]) -> Iterator[Path]:
    """Yields the folder that holds all templates, and those above it in the repository."""
    folder = Path(os.path.commonpath([path.absolute().parent for path in templates]))
    root = confinement.root_of(folder)
    return (above for above in (folder, *folder.parents) if above.resolve().is_relative_to(root))


def _entries(path: Path, name: str) -> list[BaselineEntry]:
    try:
        return [_entry(row) for row in _rows(json.loads(path.read_text(encoding="utf-8")))]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        msg = f"{name}: this is not a baseline ({FORMAT}), and it was left as it is. Next: name another file, or write one by `{WRITE}`"
        raise UsageError(msg) from None


def _rows(read: JsonObject) -> list[dict[str, object]]:
    rows = read["findings"]
    if read["format"] != FORMAT or not isinstance(rows, list):
        raise TypeError
    return rows


def _entry(row: dict[str, object]) -> BaselineEntry:
    texts = [row.get(key, "") for key in _KEYS]
    if not all(isinstance(text, str) for text in texts):
        raise TypeError
    return BaselineEntry(*map(str, texts))


def render(entries: Counter[BaselineEntry]) -> str:
    """Returns the text of a file: a finding a line, sorted, so that a change of one is a change of its line."""
    rows = [json.dumps({key: text for key, text in asdict(entry).items() if text}) for entry in sorted(entries.elements())]
    listed = ",\n".join(f"    {row}" for row in rows)
    return f'{{\n  "format": "{FORMAT}",\n  "findings": [\n{listed}\n  ]\n}}\n' if rows else f'{{"format": "{FORMAT}", "findings": []}}\n'


class BaselineMatcher:
    """Takes the findings that a baseline hides out of those of the stages, one by one; `use` has what came of it."""

    def __init__(self, baseline: Baseline | None, inputs: RunInputs) -> None:
        self._baseline = baseline
        self._paths = {name: path for path, name in inputs.names.items()}
        self._templates = {template.name: template for template in inputs.templates.values()}
        unread = set(inputs.request.templates) - set(inputs.templates)
        self._read = {path.resolve() for path in inputs.names if path not in unread}
        self._hidden: list[Finding] = []
        self._gone: Counter[BaselineEntry] = Counter()
        self._new: Counter[BaselineEntry] = Counter()

    def shown(
        self,
        findings: Sequence[Finding],
        *,
        stage: str,
        can_hide: Callable[[Finding], bool],
        unchecked: Collection[Path] = (),
        rules: Collection[str] | None = None,
    ) -> list[Finding]:
        """Returns the findings of a stage without those that are hidden, as far as one `can_hide` them.

        Entries about templates that the stage has left `unchecked` stay, and so do those of other rules than its `rules` (None: it has them all).
        """
        if self._baseline is None:
            return list(findings)
        entries, remaining = self._baseline.of_stage(stage), []
        for finding in findings:
            entry = self._entry(finding, self._baseline)
            if not can_hide(finding) or (not entries[entry] and not self._baseline.is_written):
                remaining.append(finding)
                continue
            self._hidden.append(finding)
            self._new[entry] += not entries[entry]
            entries[entry] -= bool(entries[entry])
        of_rules = Counter({entry: count for entry, count in entries.items() if count and (rules is None or entry.check in rules)})
        self._gone += Counter(dict(self._looked_at(of_rules, self._baseline, unchecked)))
        return remaining

    @property
    def use(self) -> BaselineUse | None:
        """What the baseline hides and what is gone, or None without one."""
        if self._baseline is None:
            return None
        text = render(self._baseline.entries - self._gone + self._new) if self._baseline.is_written else None
        return BaselineUse(self._baseline.name, tuple(self._hidden), tuple(sorted(self._gone.elements())), text)

    def _entry(self, finding: Finding, baseline: Baseline) -> BaselineEntry:
        file = self._paths.get(finding.file or "", Path(finding.file or ""))
        path = "" if finding.resource else self._template_path(finding)
        return BaselineEntry(
            file=Path(os.path.relpath(file.resolve(), baseline.path.parent.resolve())).as_posix(),
            resource=finding.resource or "",
            check=finding.check,
            property=finding.property or "",
            path=path,
            stage=finding.stage,
        )

    def _template_path(self, finding: Finding) -> str:
        """Returns what stands at the line of a finding about no resource, such as `Parameters/Vpc`."""
        template = self._templates.get(finding.file or "")
        lines = template.lines if template is not None else {}
        return next(("/".join(map(str, path)) for path, line in lines.items() if path and line == finding.line), "")

    def _looked_at(self, entries: Counter[BaselineEntry], baseline: Baseline, unchecked: Collection[Path]) -> Iterator[tuple[BaselineEntry, int]]:
        """Yields the entries about files that the stage has checked, or that are there no longer."""
        folder = baseline.path.parent
        checked = self._read - {path.resolve() for path in unchecked}
        for entry, count in entries.items():
            file = Path(os.path.normpath(folder.resolve() / entry.file))
            if file in checked or not files_read.look_for(file).exists():
                yield entry, count
